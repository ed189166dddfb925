"""What a tracker of experiments keeps of a fingerprint to find runs by."""

from __future__ import annotations

from envprint.core.fingerprint import Fingerprint
from envprint.core.version import __version__


def searchable(fingerprint: Fingerprint) -> dict[str, str]:
    """Digest, version, and the digest of each section, by flat names."""
    sections = fingerprint.section_digests.items()
    return {
        "envprint.digest": fingerprint.digest,
        "envprint.version": __version__,
        **{f"envprint.section.{name}": digest for name, digest in sections},
    }
