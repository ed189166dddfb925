"""The part of YAML that conda, pixi and MLflow write: maps, lists and texts, by indentation.

Everything else, such as anchors, tags, block texts and several documents, is refused with its line.
Every value stays a text, so that version 1.10 is not the number 1.1. A parser of all of YAML would
be a dependency, or a place to attack (docs/decisions/0045-records-are-read-strictly.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envprint.core.typed import Any, NamedTuple
from envprint.importers._source import Source

MAX_LEVELS = 16
MAX_LINES = 100_000
"""A lock of pixi for a thousand packages has thirty thousand."""
_QUOTED_KEY = re.compile(r"""("[^"\\]*"|'[^']*'):(?: +(.*))?""")
_NO_KEY = frozenset("[]{},&*!|>%@`\"'#?")
"""No plain key begins with one of these."""
_QUOTED = re.compile(r"""("(?:[^"\\]|\\["\\/])*"|'(?:[^']|'')*')\s*(?:#.*)?""")
_REFUSED = re.compile(r"[&*!|>%@`]|\?\s")
_EMPTY = {"[]": list, "{}": dict}


class _Line(NamedTuple):
    number: int
    indent: int
    text: str


class _Fault(Exception):
    """What is not in this part of YAML, and the number of its line."""

    def __init__(self, line: _Line, what: str) -> None:
        super().__init__(f"line {line.number}: {what}")


def parse_yaml(source: Source) -> Any:
    """Maps, lists, texts and None. Raises `DocumentError`, which names the line."""
    lines = list(_lines(source.text))
    if len(lines) > MAX_LINES:
        raise source.fault(f"more than {MAX_LINES:,} lines of YAML")
    if not lines:
        raise source.fault("no YAML in it")
    try:
        value, rest = _block(lines, 0, lines[0].indent, 0)
        if rest < len(lines):
            raise _Fault(lines[rest], "indented less than the first line")
    except _Fault as fault:
        raise source.fault(str(fault)) from None
    return value


def _lines(text: str) -> Iterator[_Line]:
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip()
        if bare and bare[0] != "#" and not (bare == "---" and number == 1):
            yield _Line(number, len(line) - len(line.lstrip(" ")), bare)


def _block(lines: list[_Line], place: int, indent: int, level: int) -> tuple[Any, int]:
    """The value that begins at a line, and the place of the first line behind it."""
    line = lines[place]
    if level > MAX_LEVELS:
        raise _Fault(line, f"nested deeper than {MAX_LEVELS} levels")
    if _is_item(line):
        return _list(lines, place, indent, level)
    if _key(line.text):
        return _map(lines, place, indent, level)
    return _scalar(line, line.text), place + 1


def _list(lines: list[_Line], place: int, indent: int, level: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    while place < len(lines) and lines[place].indent == indent and _is_item(lines[place]):
        line = lines[place]
        inside = line.text[1:].lstrip(" ")
        if not inside:
            value, place = _below(lines, place, indent, level)
        else:
            # What follows the dash is the first line of a block of its own.
            column = indent + len(line.text) - len(inside)
            lines[place] = _Line(line.number, column, inside)
            value, place = _block(lines, place, column, level + 1)
        found.append(value)
    _require_end(lines, place, indent)
    return found, place


def _map(lines: list[_Line], place: int, indent: int, level: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    while place < len(lines) and lines[place].indent == indent and not _is_item(lines[place]):
        line = lines[place]
        key = _key(line.text)
        if key is None:
            raise _Fault(line, f"expected `key: value`, found {line.text[:40]!r}")
        name = str(_scalar(line, key[0]))
        if name in found:
            raise _Fault(line, f"the key {name[:40]!r} occurs twice")
        rest = key[1].strip()
        if rest and rest[0] != "#":
            found[name], place = _scalar(line, rest), place + 1
        else:
            found[name], place = _below(lines, place, indent, level)
    _require_end(lines, place, indent)
    return found, place


def _below(lines: list[_Line], place: int, indent: int, level: int) -> tuple[Any, int]:
    """The block below a key or a dash; a list may stand as far left as its key."""
    following = lines[place + 1] if place + 1 < len(lines) else None
    if following is None or following.indent < indent:
        return None, place + 1
    if following.indent == indent and not (_is_item(following) and not _is_item(lines[place])):
        return None, place + 1
    return _block(lines, place + 1, following.indent, level + 1)


def _require_end(lines: list[_Line], place: int, indent: int) -> None:
    if place < len(lines) and lines[place].indent > indent:
        raise _Fault(lines[place], "indented more than what stands above it")


def _key(text: str) -> tuple[str, str] | None:
    """`key: value` as its two parts; None for anything else."""
    if text[0] in "\"'":
        quoted = _QUOTED_KEY.fullmatch(text)
        return (quoted[1], quoted[2] or "") if quoted else None
    if text[0] in _NO_KEY:
        return None
    name, colon, value = text.partition(": ")
    if colon:
        return name, value
    return (text[:-1], "") if text.endswith(":") else None


def _is_item(line: _Line) -> bool:
    return line.text == "-" or line.text.startswith("- ")


def _scalar(line: _Line, text: str) -> Any:
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        inner = quoted[1][1:-1]
        return inner.replace("''", "'") if quoted[1][0] == "'" else re.sub(r"\\(.)", r"\1", inner)
    bare = re.sub(r"\s+#.*", "", text).strip()
    if bare in _EMPTY:
        return _EMPTY[bare]()
    if _REFUSED.match(bare) or bare[:1] in ("[", "{", '"', "'"):
        raise _Fault(line, f"a form of YAML that records do not need: {bare[:40]!r}")
    return None if bare in ("", "~", "null") else bare
