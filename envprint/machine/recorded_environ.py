"""Which environment variables a recording keeps, and how much of their values.

Collectors look at more names than a fingerprint may show: the marks of schedulers and notebook
services, and misspelt names. Without these a recorded machine would differ from the live one. Only
their presence matters, so their values are dropped.
"""

from __future__ import annotations

from collections.abc import Mapping

from envprint.core.known_variables import (
    IMAGES,
    MANAGER,
    NOTEBOOKS,
    SCHEDULERS,
    WORLD_SIZES,
    misspelt,
)
from envprint.core.redact import is_recorded, safe_value

PRESENT = "set"
"""Replaces the value of a variable of which only the presence matters."""

_WITH_VALUE = frozenset([*IMAGES, MANAGER, *(name for name, _ in WORLD_SIZES)])
_MARKS = frozenset(
    [
        *(name for name, _ in (*SCHEDULERS, *NOTEBOOKS)),
        *(name for _, marks in WORLD_SIZES for name in marks),
    ]
)


def kept_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that any collector looks at, sorted, without secrets."""
    near = dict(misspelt(variables))
    kept = {}
    for name, value in sorted(variables.items()):
        if is_recorded(name) or name in _WITH_VALUE:
            kept[name] = safe_value(name, value)
        elif name in _MARKS or name in near:
            # An empty mark counts as missing.
            kept[name] = PRESENT if value else ""
    return kept
