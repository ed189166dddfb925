"""Versions of packages, drivers and libraries: parsing and ordering."""

from __future__ import annotations

import re

# 12.5.1   550.90.07   9.1.0.70   2.15.0+cu132   3rc1
# Bounded, because a hostile document may contain a number of a million digits.
_LEADING = re.compile(r"\d{1,18}(?:\.\d{1,18})*", re.ASCII)


def numbers(version: str) -> tuple[int, ...]:
    """The leading dotted numbers: `12.5.1` gives (12, 5, 1). Empty if there are none."""
    leading = _LEADING.match(version.strip())
    return tuple(map(int, leading[0].split("."))) if leading else ()


def is_between(version: str, first: str, last: str) -> bool:
    """Whether a plain release lies between two others, both included; False for any other text."""
    if not _LEADING.fullmatch(version.strip()):
        return False
    low, here, high = (_stripped(numbers(text)) for text in (first, version, last))
    return low <= here <= high


def _stripped(release: tuple[int, ...]) -> tuple[int, ...]:
    """Without zeros at its end: 5.0 and 5.0.0 are one release."""
    while release and not release[-1]:
        release = release[:-1]
    return release


def is_below(version: str, floor: str) -> bool:
    """Whether `version` is lower than `floor` in the components that both have.

    So `525` is not below `525.60.13`. Pre-releases and the like are ordered by PEP 440, so
    `2.16.0rc1` is below `2.16`.
    """
    public = version.strip().partition("+")[0]
    if not _LEADING.fullmatch(public):
        # Imported here: most versions are plain, and the import costs as much as starting Python.
        from packaging.version import Version

        try:
            return Version(public) < Version(floor)
        except ValueError:
            pass  # not a Python version: the library has its own scheme
    left, right = numbers(version), numbers(floor)
    length = min(len(left), len(right))
    return left[:length] < right[:length]
