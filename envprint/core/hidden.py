"""The mark that replaces a hidden word, and the comparison of two marks.

A mark is `<hidden>`. If the word has the form of a random token, a seal follows: the id of the
user's key and an HMAC of the word with that key (`envprint.machine.sealing`). Marks without a seal,
or with seals of different keys, cannot be compared: the words may be equal or not.
"""

import marshal
import re
from collections.abc import Iterator, Mapping

from envprint.core.typed import Any

MARK = "<hidden>"
_IN_BYTES = MARK.encode()
REASON = (
    "hidden on both sides, because it looks like a secret; whether both are the same cannot be seen"
)
"""Why a value hidden on both sides is undecided."""

# <hidden>#1f9c2ab0-6ff086661856fa7ac132ce1a1f9c2ab0
_SEALED = r"<hidden>(?:#([0-9a-f]{8})-([0-9a-f]{32}))?"


def sealed(key_id: str, code: str) -> str:
    """A mark with its seal: a key id of 8 and a code of 32 hexadecimal digits."""
    return f"{MARK}#{key_id}-{code}"


def unsealed(text: str) -> str:
    """`text` without seals: equal in two users' documents of the same environment."""
    return re.sub(_SEALED, MARK, text) if MARK in text else text


def is_inside_of(value: Any) -> bool:
    """Whether any text in `value` (JSON types) contains a mark."""
    if type(value) is str:
        return MARK in value
    # One call goes through all of it, in a third of the time of a loop here.
    return type(value) in (dict, list) and _IN_BYTES in marshal.dumps(value)


def differ(before: Any, after: Any) -> bool | None:
    """Whether two values differ; None if that depends on hidden words that cannot be compared."""
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
    """Whether the words differ; None unless both have a seal of the same key."""
    (key_id, code), (other_id, other_code) = before, after
    return code != other_code if key_id and key_id == other_id else None
