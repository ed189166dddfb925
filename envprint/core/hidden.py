"""The mark that stands for a hidden word, and what two marks say of the words behind them.

A mark is `<hidden>`. Where the word has the form of a random token, a seal follows: the id of the
key and an HMAC of the word, both of one user's key (`envprint.machine.sealing`). Two marks without
a seal, or with seals of two keys, cannot be compared: the words may be equal or not.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

MARK = "<hidden>"
REASON = "hidden on both sides, as it looks like a secret; whether it is the same cannot be told"
"""Why a value that is hidden on both sides is undecided."""

# <hidden>#1f9c2ab0-6ff086661856fa7ac132ce1a1f9c2ab0
_SEALED = r"<hidden>(?:#([0-9a-f]{8})-([0-9a-f]{32}))?"


def sealed(key_id: str, code: str) -> str:
    """The mark of a word with its seal: eight and 32 hexadecimal digits."""
    return f"{MARK}#{key_id}-{code}"


def unsealed(text: str) -> str:
    """`text` with plain marks: what two users' documents of one environment have in common."""
    return re.sub(_SEALED, MARK, text) if MARK in text else text


def is_inside_of(value: Any) -> bool:
    """Whether anything is hidden in `value` (JSON types)."""
    if type(value) is str:
        return MARK in value
    if type(value) is dict:
        value = value.values()
    elif type(value) is not list:
        return False
    for item in value:
        kind = type(item)
        # Most items are texts; a call for each would double the cost.
        if (MARK in item) if kind is str else (kind in (dict, list) and is_inside_of(item)):
            return True
    return False


def differ(before: Any, after: Any) -> bool | None:
    """Whether two values differ; None where only hidden words decide it and cannot be compared."""
    answers: Iterator[bool | None]
    if isinstance(before, str) and isinstance(after, str):
        if MARK not in before or MARK not in after:
            return before != after
        if unsealed(before) != unsealed(after):
            return True
        marks = re.findall(_SEALED, before), re.findall(_SEALED, after)
        answers = (_seals_differ(*pair) for pair in zip(*marks, strict=True))
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        if before.keys() != after.keys():
            return True
        answers = (differ(value, after[key]) for key, value in before.items())
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        answers = (differ(*pair) for pair in zip(before, after, strict=True))
    else:
        return bool(before != after)
    found = set(answers)
    return True if True in found else None if None in found else False


def _seals_differ(before: tuple[str, str], after: tuple[str, str]) -> bool | None:
    """Whether the words differ; None without a seal on both sides, of one key."""
    (key_id, code), (other_id, other_code) = before, after
    return code != other_code if key_id and key_id == other_id else None
