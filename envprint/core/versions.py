"""Versions of packages, drivers and libraries: parsing and ordering."""

from __future__ import annotations

import operator
import re

_MAX_DIGITS = 18
"""Of one number: a hostile document may contain one of a million digits."""


def numbers(version: str) -> tuple[int, ...]:
    """The leading dotted numbers: `12.5.1` gives (12, 5, 1). Empty if there are none."""
    leading = _leading(version.strip())
    return tuple(map(int, leading.split("."))) if leading else ()


# 12.5.1   550.90.07   9.1.0.70   2.15.0+cu132   3rc1
def _leading(text: str) -> str:
    """The dotted numbers that a text begins with; nothing is compiled for most versions."""
    plain = text[: len(text) - len(text.lstrip("0123456789."))]
    found: list[str] = []
    for number in plain.split("."):
        if number:
            found.append(number[:_MAX_DIGITS])
        if not 0 < len(number) <= _MAX_DIGITS:
            break
    return ".".join(found)


def _is_release(text: str) -> bool:
    return bool(text) and _leading(text) == text


def is_between(version: str, first: str, last: str) -> bool:
    """Whether a plain release lies between two others, both included; False for any other text."""
    if not _is_release(version.strip()):
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
    if not _is_release(public):
        # Imported here: most versions are plain, and the import costs as much as starting Python.
        from packaging.version import Version

        try:
            return Version(public) < Version(floor)
        except ValueError:
            pass  # not a Python version: the library has its own scheme
    left, right = numbers(version), numbers(floor)
    length = min(len(left), len(right))
    return left[:length] < right[:length]


# 2.9.0   2.9.0.post1   2.8.0+cu128: a release without letters but that of a post-release.
_FINAL = r"(?a)(\d{1,18}(?:\.\d{1,18})*)(?:[._-]?post(\d{1,9}))?(?:\+[a-z0-9._-]+)?"
# >=3.20.3   <5.0.0dev   <2.0a.0   ==2.18.*   ~=1.4   !=4.21.0
_CLAUSE = (
    r"(?a)(~=|==|!=|<=|>=|<|>)\s*(\d{1,18}(?:\.\d{1,18})*)"
    r"(?:(\.\*)|[._-]?(dev|a|b|c|rc)(?:[._-]?\d{1,9})?|[._-]?post(\d{1,9}))?"
)
Key = tuple[tuple[int, ...], int]


def meets(version: str, specifier: str) -> bool | None:
    """Whether a version fulfils a specifier of PEP 440, pre-releases included.

    None if one of them is not of that form.
    """
    clauses = [clause.strip() for clause in specifier.split(",") if clause.strip()]
    here = _plain(version.strip().partition("+")[0])
    simple = [_simple(here, clause) for clause in clauses] if here else [None]
    if None not in simple:
        return all(simple)
    final = re.fullmatch(_FINAL, version.strip())
    parsed = [re.fullmatch(_CLAUSE, clause) for clause in clauses] if final else []
    if not final or not all(parsed) or any(one and _is_rare(one) for one in parsed):
        return _meets_rare(version, specifier)
    key = _key(final[1], final[2])
    return all(_holds(key, clause) for clause in parsed if clause)


def _plain(text: str) -> tuple[int, ...]:
    """The numbers of a plain release, without a regular expression; empty for any other text."""
    parts = text.split(".")
    is_plain = len(text) < 80 and text.isascii() and all(map(str.isdigit, parts))
    return tuple(map(int, parts)) if is_plain else ()


_COMPARISONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


def _simple(release: tuple[int, ...], clause: str) -> bool | None:
    """Whether a release fulfils a clause with a plain bound; None for any other clause."""
    rest = clause.lstrip("~<>=!")
    sign, text = clause[: len(clause) - len(rest)], rest.strip()
    if text.endswith(".*") and sign in ("==", "!="):
        start = _plain(text[:-2])
        return (_padded(release, len(start)) == start) is (sign == "==") if start else None
    bound = _plain(text)
    here, there = _stripped(release), _stripped(bound)
    if sign == "~=" and len(bound) > 1:
        return here >= there and _padded(release, len(bound) - 1) == bound[:-1]
    compare = _COMPARISONS.get(sign)
    return bool(compare(here, there)) if compare and bound else None


def _is_rare(clause: re.Match[str]) -> bool:
    """Whether the short comparison could be wrong: a bound that is no plain release, mostly."""
    sign, text, is_prefix, letters, post = clause.groups()
    if is_prefix:
        return sign not in ("==", "!=")
    has_letters = letters is not None and sign not in ("<", ">=", "!=")
    return post is not None or has_letters or (sign == "~=" and "." not in text)


def _meets_rare(version: str, specifier: str) -> bool | None:
    # Imported here: it costs as much as starting the interpreter, and is rarely needed.
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    try:
        return SpecifierSet(specifier).contains(Version(version), prereleases=True)
    except ValueError:
        return None


def _key(release: str, post: str | None) -> Key:
    return _stripped(tuple(map(int, release.split(".")))), -1 if post is None else int(post)


def _holds(here: Key, clause: re.Match[str]) -> bool:
    sign, text, is_prefix, letters, _ = clause.groups()
    bound = _key(text, None)
    places = tuple(map(int, text.split(".")))
    if is_prefix:
        return (_padded(here[0], len(places)) == places) is (sign == "==")
    if sign == "~=":
        return here >= bound and _padded(here[0], len(places) - 1) == places[:-1]
    if sign == "!=":
        return bool(letters) or here != bound  # no release is a pre-release
    if sign == ">":
        return here[0] > bound[0]  # a post-release of the bound is not meant
    return {
        "==": here == bound,
        "<=": here <= bound,
        ">=": here >= bound,
        "<": here[0] < bound[0],
    }[sign]


def _padded(release: tuple[int, ...], length: int) -> tuple[int, ...]:
    return (release + (0,) * length)[:length]
