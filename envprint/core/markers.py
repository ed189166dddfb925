"""Markers of requirements, as in `numpy>=1.21; python_version < "3.12"` (PEP 508).

`packaging` evaluates them too, but takes as long to import as a capture takes altogether.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from envprint.core.versions import meets

_TOKEN = (
    r"(?a)\s*(\(|\)|===|~=|==|!=|<=|>=|<|>|not\s+in\b|in\b|and\b|or\b"
    r"|\"[^\"]*\"|'[^']*'|[a-z_.]+)"
)
_SIGNS = frozenset(["===", "~=", "==", "!=", "<=", ">=", "<", ">"])
_VERSIONS = ("python_version", "python_full_version", "implementation_version")
_MAX_TOKENS = 100
"""Longer ones are not for people, and would only cost time and stack."""


class _Unclear(Exception):
    """A marker of another form, or with a variable that nobody has a value of."""


def applies(marker: str, environment: Mapping[str, str]) -> bool | None:
    """Whether a marker holds in an environment; None if that cannot be said."""
    tokens = _tokens(marker)
    if tokens is None:
        return None
    try:
        holds = _either(tokens, environment)
    except (_Unclear, IndexError):
        return None
    return None if tokens else holds


def _tokens(marker: str) -> list[str] | None:
    """The parts of a marker, the last one first; None for one of another form."""
    words = marker.split(" ")
    if len(words) == 3 and words[1] in _SIGNS and _is_name(words[0]) and _is_quoted(words[2]):
        return words[::-1]  # as most markers are, which need no regular expression
    found: list[str] = []
    position, end = 0, len(marker.rstrip())
    while position < end:
        match = re.compile(_TOKEN).match(marker, position)
        if match is None or len(found) > _MAX_TOKENS:
            return None
        found.append(match[1])
        position = match.end()
    return found[::-1]  # taken from its end


def _is_name(word: str) -> bool:
    return word != "" and not word.strip("abcdefghijklmnopqrstuvwxyz_")


def _is_quoted(word: str) -> bool:
    return word[:1] in ("'", '"') and word.find(word[0], 1) == len(word) - 1


def _either(tokens: list[str], environment: Mapping[str, str]) -> bool:
    holds = _both(tokens, environment)
    while tokens and tokens[-1] == "or":
        tokens.pop()
        holds = _both(tokens, environment) or holds
    return holds


def _both(tokens: list[str], environment: Mapping[str, str]) -> bool:
    holds = _one(tokens, environment)
    while tokens and tokens[-1] == "and":
        tokens.pop()
        holds = _one(tokens, environment) and holds
    return holds


def _one(tokens: list[str], environment: Mapping[str, str]) -> bool:
    left = tokens.pop()
    if left == "(":
        holds = _either(tokens, environment)
        if tokens.pop() != ")":
            raise _Unclear
        return holds
    operator, right = tokens.pop(), tokens.pop()
    is_version = left in _VERSIONS or right in _VERSIONS
    return _compare(_text(left, environment), operator, _text(right, environment), is_version)


def _text(token: str, environment: Mapping[str, str]) -> str:
    if token[0] in "\"'":
        return token[1:-1]
    if token not in environment:
        raise _Unclear
    return environment[token]


def _compare(left: str, operator: str, right: str, is_version: bool) -> bool:
    words = operator.split()
    if words[-1] == "in":
        return (left in right) is (len(words) == 1)
    if is_version:
        holds = meets(left, f"{operator}{right}")
        if holds is None:
            raise _Unclear
        return holds
    if operator not in ("==", "!="):
        raise _Unclear
    return (left == right) is (operator == "==")
