"""Text that comes from documents and messages, made fit for a terminal."""

from __future__ import annotations

from typing import Any

MAX_BITS = 64
"""Of a whole number: other programs read no more, and no float can stand for Python's largest."""


def is_unicode(text: str) -> bool:
    """Whether `text` can be written as UTF-8: it has no half of a surrogate pair."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def unicode_text(text: str) -> str:
    """`text` as valid Unicode, with the bytes that are no UTF-8 written as `\\xff`.

    Python keeps bytes of the environment, of arguments and of file names that its locale cannot
    read as halves of surrogate pairs. In an ASCII locale those of UTF-8 are among them.
    """
    if is_unicode(text):
        return text
    try:
        content = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a half that stands for no byte, as on Windows
        content = text.encode("utf-8", "backslashreplace")
    return content.decode("utf-8", "backslashreplace")


def recordable(value: Any) -> Any:
    """`value` in JSON types as a document can hold it: with nothing in it but Unicode text.

    Raises `ValueError` for a number that is none in JSON, or that our reader would refuse.
    """
    kind = type(value)
    if kind is str:
        return value if value.isascii() else unicode_text(value)
    if kind is dict:
        # Most items are texts of ASCII; a call for each would double the cost.
        return {
            key if key.isascii() else unicode_text(key): item
            if type(item) is str and item.isascii()
            else recordable(item)
            for key, item in value.items()
        }
    if kind is list:
        return [
            item if type(item) is str and item.isascii() else recordable(item) for item in value
        ]
    if kind is float and value - value != 0.0:  # infinite, or no number
        raise ValueError(f"{value} is not a JSON number")
    if kind is int and value.bit_length() > MAX_BITS:
        raise ValueError(f"a whole number of {value.bit_length()} bits")
    return value


# C0 and C1 controls, line and paragraph separators, and the marks that reorder text on a screen.
_HOSTILE = {
    code: f"\\u{code:04x}" if code > 255 else f"\\x{code:02x}"
    for code in (
        *range(32),
        *range(127, 160),
        0x200E,
        0x200F,
        *range(0x2028, 0x202F),
        *range(0x2066, 0x206A),
    )
}


def plain(text: str) -> str:
    """`text` with every character that could act on a terminal written as an escape."""
    return text.translate(_HOSTILE)


def one_line(text: str) -> str:
    """The same in one line: what a document says may have lines of its own."""
    return plain(" ".join(text.split()))
