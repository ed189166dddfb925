"""Seals of hidden words: they show whether two words are equal, but not the words.

The key is created once, in the user's configuration directory, and readable by that user only. It
enters no document, so a document alone does not allow guessing words against its seals. A key that
others could read is not used, and without a key nothing is sealed.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from functools import cache

from envprint.core.hidden import sealed

FILE = "hidden.key"
KEY_BYTES = 32
_LENGTH = 32
"""Hexadecimal digits kept of an HMAC: 128 bits."""


def seal(word: str) -> str | None:
    """The mark of `word` with this user's seal; None if there is no usable key."""
    path = _path()
    key = _key(path) if path else None
    if key is None:
        return None
    return sealed(_code(key, b"id")[:8], _code(key, b"word:" + word.encode("utf-8", "replace")))


def _code(key: bytes, message: bytes) -> str:
    import hmac  # loads OpenSSL

    return hmac.digest(key, message, "sha256").hex()[:_LENGTH]


def _path() -> str | None:
    """https://specifications.freedesktop.org/basedir-spec/latest/"""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):  # the specification ignores relative paths
        base = os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(base, "envprint", FILE) if os.path.isabs(base) else None


@cache
def _key(path: str) -> bytes | None:
    try:
        return _read(path) if os.path.lexists(path) else _make(path)
    except OSError:
        return None


def _read(path: str) -> bytes | None:
    """The key; None if it belongs to or is readable by others. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        is_ours = not hasattr(os, "getuid") or status.st_uid == os.getuid()
        if not stat.S_ISREG(status.st_mode) or not is_ours or stat.S_IMODE(status.st_mode) & 0o077:
            return None
        key = os.read(descriptor, KEY_BYTES + 1)
    finally:
        os.close(descriptor)
    return key if len(key) == KEY_BYTES else None


def _make(path: str) -> bytes | None:
    """Create a key atomically; among concurrent processes the first one wins."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    beside = f"{path}.{os.urandom(6).hex()}"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(beside, path)
    finally:
        os.unlink(beside)
    return _read(path)
