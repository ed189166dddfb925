"""Digests of a fingerprint's sections, and of the environment as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from envprint.core.hidden import unsealed

NOT_IN_DIGEST = ("code", "probes")
"""Sections that are not of the environment: the project's own state, which the directory decides,
and what was computed, which is there only where it was asked for."""


def _canonical_digest(value: Any) -> str:
    import hashlib  # loads OpenSSL, which a diff does without

    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    text = unsealed(text)  # the environment is the same whoever captures it
    return "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()


def digest_facts(facts: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """The digest of every section, and the one of the environment: over all but `NOT_IN_DIGEST`."""
    sections = {name: _canonical_digest(section) for name, section in facts.items()}
    return sections, _canonical_digest(
        {k: v for k, v in sections.items() if k not in NOT_IN_DIGEST}
    )
