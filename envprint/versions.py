"""Version texts of drivers and libraries as numbers that compare in the right order."""

from __future__ import annotations

import re

# 12.5.1   550.90.07   9.1.0.70   2.15.0+cu132   3rc1
_NUMBER = re.compile(r"\d+")
_LEADING = re.compile(r"\d+(?:\.\d+)*")


def numbers(version: str) -> tuple[int, ...]:
    """The leading dotted numbers: `12.5.1` gives (12, 5, 1). Empty when it starts with none."""
    leading = _LEADING.match(version.strip())
    return tuple(int(digits) for digits in _NUMBER.findall(leading[0])) if leading else ()


def is_below(version: str, floor: str) -> bool:
    """Whether `version` is lower than `floor`, as far as both are written out.

    Places that one side leaves out do not count: `525` is not below `525.60.13`.
    """
    left, right = numbers(version), numbers(floor)
    length = min(len(left), len(right))
    return left[:length] < right[:length]
