"""Text from documents and messages, made safe for documents and terminals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from envprint.core.typed import Any

MAX_BITS = 64
"""Limit of an integer: other programs read no more, and Python's largest do not fit a float."""


def is_unicode(text: str) -> bool:
    """Whether `text` can be written as UTF-8, that is, has no lone surrogate."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def unicode_text(text: str) -> str:
    """`text` as valid Unicode, with bytes that are not UTF-8 written as `\\xff`.

    Python turns bytes of variables, arguments and file names that its locale cannot decode into
    lone surrogates; in an ASCII locale that includes UTF-8.
    """
    if is_unicode(text):
        return text
    try:
        content = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that represents no byte, as on Windows
        content = text.encode("utf-8", "backslashreplace")
    return content.decode("utf-8", "backslashreplace")


def recordable(value: Any) -> Any:
    """`value` (JSON types) as a document can hold it, with valid Unicode only.

    Raises `ValueError` for a number that JSON does not have or that our reader would reject, and
    for other types; `AttributeError` for a key that is no text.
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
    if kind is float and value - value != 0.0:  # infinite or NaN
        raise ValueError(f"{value} is not a JSON number")
    if kind is int and value.bit_length() > MAX_BITS:
        raise ValueError(f"a whole number of {value.bit_length()} bits")
    if kind not in _NUMBERS and value is not None:
        raise ValueError(f"{kind.__name__} is no type of JSON")
    return value


_NUMBERS = (int, float, bool)
VALUE_SIZE = 16
"""What a value counts beside its text, so that many empty ones are not free."""
TOO_LARGE = "it is larger than any machine's"
MAX_DEPTH = 100
"""Above what a reader accepts, which has limits of its own."""


_WITHOUT_ITEMS = frozenset([str, int, float, bool, type(None)])
_PLAIN = _WITHOUT_ITEMS | {dict, list}


def size_of(value: Any, limit: int) -> tuple[int, bool]:
    """The size of `value`, and whether it is plain: whether `recordable` would change nothing.

    The size is in characters as JSON writes them, and `VALUE_SIZE` for each value and key. Raises
    `ValueError` above `limit`, and for what is nested too deeply or contains itself.
    """
    size, is_plain, level = 0, True, [value]
    for _ in range(MAX_DEPTH):
        # Level by level: a few passes in C over thousands of items, most of them texts.
        kinds = set(map(type, level))
        texts = [found for found in level if type(found) is str] if str in kinds else []
        is_ascii = all(map(str.isascii, texts))
        names: list[Any] = []
        below: list[Any] = []
        size += VALUE_SIZE * len(level)
        size += sum(map(len if is_ascii else _written, texts))
        size += 0 if kinds <= _WITHOUT_ITEMS else _open(level, names, below)
        is_plain = is_plain and is_ascii and kinds <= _PLAIN and {str}.issuperset(map(type, names))
        below += names
        if int in kinds or float in kinds:
            is_plain = is_plain and all(map(is_recordable, level))
        if size + VALUE_SIZE * len(below) > limit:
            raise ValueError(TOO_LARGE)
        if not below:
            return size, is_plain
        level = below
    raise ValueError("it is nested too deeply")


def _open(level: Iterable[Any], names: list[Any], below: list[Any]) -> int:
    """Add what containers hold to `names` and `below`; the size of bytes and other texts."""
    size = 0
    for found in level:
        kind = type(found)
        if kind in _WITHOUT_ITEMS:
            continue
        if kind is dict or isinstance(found, Mapping):
            names += found
            below += found.values()
        elif isinstance(found, (list, tuple)):
            below += found
        elif isinstance(found, (str, bytes)):
            size += _written(found)
    return size


def _written(text: str | bytes) -> int:
    return len(text) if text.isascii() else 6 * len(text)


def is_recordable(value: Any) -> bool:
    """False for a number that `recordable` refuses."""
    if type(value) is float:
        return value - value == 0.0
    return type(value) is not int or value.bit_length() <= MAX_BITS


_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
# Line and paragraph separators, the marks that reorder text on a screen, and what has no width:
# joiners, fillers, variation selectors and tags. Format characters that are seen stay.
# https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
_UNSEEN = (
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
# What a runner of jobs takes for a command when it reads a log: `::error::` at the start of a line,
# `##[error]`, `##vso[…]` and `##teamcity[…]` anywhere in it.
# https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
# https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands
_OF_RUNNERS = r"(?<!\S)::(?=[A-Za-z])|##(?=[A-Za-z]*\[)"


def plain(text: str) -> str:
    """`text` with every character that a terminal could act on written as an escape.

    So is what a runner of jobs would take for a command, and what nobody can see.
    """
    safe = text.translate(_CONTROLS)
    if not _is_common(safe):
        safe = re.sub(_UNSEEN, _escape, safe)
    return re.sub(_OF_RUNNERS, _escape, safe) if has_command_of_runners(safe) else safe


def _is_common(text: str) -> bool:
    """Whether nothing in it has to be looked for: most reports hold only arrows beside ASCII."""
    return text.isascii() or text.replace("→", "").replace("\xa0", "").isascii()


def _escape(match: re.Match[str]) -> str:
    code, rest = ord(match[0][0]), match[0][1:]
    form = "\\x{:02x}" if code < 256 else "\\u{:04x}" if code < 65536 else "\\U{:08x}"
    return form.format(code) + rest


def has_command_of_runners(text: str) -> bool:
    """Whether a runner of jobs that reads `text` in its log would act on it."""
    return ("::" in text or "##" in text) and re.search(_OF_RUNNERS, text) is not None


def without_commands(document: str) -> str:
    """JSON text without what a runner would take for a command, and with the same meaning.

    `##` stands only inside strings, where an escape means the same character.
    """
    return re.sub(r"##(?=[A-Za-z]*\[)", r"\\u0023#", document) if "##" in document else document


def one_line(text: str) -> str:
    """The same on one line: text from a document may contain line breaks."""
    return plain(" ".join(text.split()))


WIDTH = 80
TOPIC = 10

_ARROW = "→\xa0"


def block(
    topic: str,
    text: str,
    painted: str | None = None,
    width: int = WIDTH,
    indent: int = TOPIC,
) -> Iterator[str]:
    """`text` wrapped beside `topic`; `painted` is the topic with colour codes of no width."""
    topic = plain(topic)
    start = max(indent, columns(topic) + 1)
    first, *others = wrapped(text, width - start)
    yield (painted or topic) + " " * (start - columns(topic)) + first
    for line in others:
        yield " " * indent + line


# Latin letters, dashes, arrows and operators take one column each.
_OF_OTHER_WIDTH = "[^\0-\u02ff\u2010-\u2027\u2190-\u22ff]"


def columns(text: str) -> int:
    """The columns that `text` takes on a terminal: wide characters take two, marks on others none.

    https://www.unicode.org/reports/tr11/
    """
    if _is_common(text) or not re.search(_OF_OTHER_WIDTH, text):
        return len(text)
    from unicodedata import category, east_asian_width  # most texts need neither

    wide = sum(east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(category(letter) in ("Mn", "Me") for letter in text)


def padded(text: str, width: int) -> str:
    """`text` with blanks behind it up to that many columns."""
    return text + " " * (width - columns(text))


def wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of that width, at least one; words that are longer stay whole."""
    safe = plain(text)
    if columns(safe) <= width:
        return [safe.strip(" ")]
    # An arrow stays with what it leads to.
    words = safe.strip(" ").replace("→ ", _ARROW).split(" ")
    return [line.replace(_ARROW, "→ ") for line in _filled(words, width)]


def _filled(words: Iterable[str], width: int) -> Iterator[str]:
    """Lines with as many words as fit; the library's `textwrap` costs as much as a small report."""
    line, taken = "", 0
    for word in words:
        needed = columns(word)
        if line and taken + 1 + needed > width:
            yield line.rstrip(" ")
            line, taken = word, needed
        else:
            line, taken = (f"{line} {word}", taken + 1 + needed) if line else (word, needed)
    yield line


def heading(text: str, colour: bool) -> Iterator[str]:
    """A heading with an empty line before it; the part after a comma is dimmed."""
    title, comma, note = text.partition(",")
    yield ""
    yield paint(title.upper(), "1", colour) + comma + note


def paint(text: str, code: str, colour: bool) -> str:
    """`text` in the colour of the SGR `code`, if `colour` is set."""
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text


def table(rows: Iterable[Iterable[str]]) -> str:
    """One line per row; each column is as wide as its widest cell."""
    cells = [[plain(cell) for cell in row] for row in rows]
    widths = [max(map(columns, column)) for column in zip(*cells, strict=True)]
    return "".join("  ".join(map(padded, row, widths)).rstrip() + "\n" for row in cells)


def inside_sentence(title: str) -> str:
    """`title` as it continues after a colon: names such as NumPy and LD_PRELOAD keep their case."""
    word = title.partition(" ")[0].partition("'")[0]
    return title if word != word.capitalize() else title[0].lower() + title[1:]
