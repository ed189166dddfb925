"""Digests of a fingerprint's sections and of the whole environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from envprint.core.hidden import unsealed

BESIDE = ("code", "probes")
"""Sections left out of the environment's digest: `code` depends on the working directory, `probes`
exists only on request."""


def _canonical_digest(value: Any) -> str:
    import hashlib  # loads OpenSSL; a diff does not need it

    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    text = unsealed(text)  # seals depend on the user, not on the environment
    return "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()


def digest_facts(facts: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """The digest of each section, and of the environment: all sections but `BESIDE`."""
    sections = {name: _canonical_digest(section) for name, section in facts.items()}
    return sections, _canonical_digest({k: v for k, v in sections.items() if k not in BESIDE})
