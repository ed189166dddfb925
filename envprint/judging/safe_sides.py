"""Documents of somebody else are judged without the secrets in them.

A document that envprint has written has none. But people write documents by hand, other tools do,
and so did earlier versions, while a report goes into logs and comments. What a rule says of a value
may be any part of it, so secrets go before anything is judged.
"""

from __future__ import annotations

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.redact import gather, replaced, replacements
from envprint.judging.compare import compare

_TEXTS = ("facts", "live", "unknown", "label", "note", "tags")
_OF_USERS = ("environ", "determinism", "container", "code", "python")
"""Sections with what users write. Of the others, which are large, only differences are shown."""


def compared(before: Fingerprint, after: Fingerprint) -> Comparison:
    """Both fingerprints without secrets, and where they differ."""
    comparison = compare(before, after)
    texts: set[str] = set()
    gather([[change.path, change.before, change.after] for change in comparison.changes], texts)
    for side in (before, after):
        facts = {name: side.facts.get(name) for name in _OF_USERS}
        gather([facts, dict(side.unknown), side.label], texts)
    other = replacements(texts)
    return compare(_safe(before, other), _safe(after, other)) if other else comparison


def _safe(side: Fingerprint, other: dict[str, str]) -> Fingerprint:
    parts = ((name, getattr(side, name)) for name in _TEXTS)
    return side._replace(**{name: replaced(part, other) for name, part in parts})
