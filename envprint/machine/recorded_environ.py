"""Which environment variables a recording keeps, and how much of their values.

Collectors look at more names than a fingerprint may show: the marks of schedulers and notebook
services, and misspelt names. Without these a recorded machine would differ from the live one. Only
their presence matters, so their values are dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from envprint.core.known_variables import (
    IMAGES,
    MANAGER,
    NOTEBOOKS,
    SCHEDULERS,
    misspelt,
)
from envprint.core.redact import is_recorded, safe_value

PRESENT = "set"
"""Replaces the value of a variable of which only the presence matters."""

_WITH_VALUE = frozenset([*IMAGES, MANAGER])
_MARKS = frozenset(name for name, _ in (*SCHEDULERS, *NOTEBOOKS))


def kept_variables(variables: Mapping[str, str], more: Collection[str] = ()) -> dict[str, str]:
    """The variables that any collector looks at, sorted, without secrets.

    `more` are those that a table names, which this package does not read.
    """
    near = dict(misspelt(variables))
    kept = {}
    for name, value in sorted(variables.items()):
        if is_recorded(name) or name in _WITH_VALUE or name in more:
            kept[name] = safe_value(name, value)
        elif name in _MARKS or name in near:
            # An empty mark counts as missing.
            kept[name] = PRESENT if value else ""
    return kept
