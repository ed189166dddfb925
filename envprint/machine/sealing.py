"""Seals of hidden words: they show whether two words are equal, but not the words.

The key is created once, in the user's configuration directory, and readable by that user only. It
enters no document, so a document alone does not allow guessing words against its seals. A key that
others could read is not used, and without a key nothing is sealed.
"""

from __future__ import annotations

import os
from functools import cache

from envprint.core.hidden import sealed
from envprint.machine.user_files import OTHERS_READ_OR_WRITE, read_or_make, user_file

FILE = "hidden.key"
KEY_BYTES = 32
_LENGTH = 32
"""Hexadecimal digits kept of an HMAC: 128 bits."""


def seal(word: str) -> str | None:
    """The mark of `word` with this user's seal; None if there is no usable key."""
    path = user_file(FILE)
    key = _key(path) if path else None
    if key is None:
        return None
    return sealed(_code(key, b"id")[:8], _code(key, b"word:" + word.encode("utf-8", "replace")))


def _code(key: bytes, message: bytes) -> str:
    import hmac  # loads OpenSSL

    return hmac.digest(key, message, "sha256").hex()[:_LENGTH]


@cache
def _key(path: str) -> bytes | None:
    return read_or_make(path, os.urandom(KEY_BYTES), OTHERS_READ_OR_WRITE)
