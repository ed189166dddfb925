"""How a collector says that one value could not be read without losing the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from envprint.core.fingerprint import Unknown
from envprint.machine.host import Host

T = TypeVar("T")


def attempt(read: Callable[[], T]) -> T | Unknown:
    """What `read` returns, or `Unknown` with the reason when the machine refuses or answers oddly.

    The other errors are what parsers raise on text they do not know, such as JSON nested too
    deeply.
    """
    try:
        return read()
    except OSError as error:
        return Unknown(reason_of(error))
    except (ValueError, KeyError, IndexError, RecursionError) as error:
        return Unknown(f"not understood: {type(error).__name__}: {error}")


def reason_of(error: OSError) -> str:
    """The error in words, with the file it is about."""
    text = error.strerror or str(error)
    return f"{error.filename}: {text}" if error.filename else text


def text_or_none(host: Host, path: str) -> str | None:
    """The text at `path`, or None when there is no such file. Other errors are raised."""
    try:
        return host.read_text(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def names_or_empty(host: Host, path: str) -> list[str]:
    """The names in a directory, none when it does not exist. Other errors are raised."""
    try:
        return host.list_dir(path)
    except (FileNotFoundError, NotADirectoryError):
        return []
