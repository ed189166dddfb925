"""Reading one value that may fail, without losing the others."""

from __future__ import annotations

from collections.abc import Callable

from envprint.core.fingerprint import Unknown
from envprint.core.typed import TypeVar
from envprint.machine.host import Host

T = TypeVar("T")


def attempt(read: Callable[[], T]) -> T | Unknown:
    """The result of `read`, or `Unknown` with the reason if it cannot be read or parsed.

    Apart from `OSError`, these are the errors of parsers on unexpected text, such as JSON nested
    too deeply.
    """
    try:
        return read()
    except OSError as error:
        return Unknown(reason_of(error))
    except (ValueError, KeyError, IndexError, RecursionError) as error:
        return Unknown(f"not understood: {type(error).__name__}: {error}")


def reason_of(error: OSError) -> str:
    """The error as text, with the file it is about."""
    text = error.strerror or str(error)
    return f"{error.filename}: {text}" if error.filename else text


def text_or_none(host: Host, path: str) -> str | None:
    """The text at `path`, or None if there is no such file. Raises other errors."""
    try:
        return host.read_text(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def names_or_empty(host: Host, path: str) -> list[str]:
    """The names in a directory, none if it does not exist. Raises other errors."""
    try:
        return host.list_dir(path)
    except (FileNotFoundError, NotADirectoryError):
        return []
