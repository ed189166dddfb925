"""Text in columns for a terminal: topics with their text, and tables.

Every character counts as one column; wide ones, such as Chinese, take two on a screen.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

from envprint.core.text import plain

WIDTH = 80
TOPIC = 10

_WORD = r"""(?:[^\s'"]*=)?(?:\$?'[^']*'(?:"'"'[^']*')*|"[^"]*")|\S+"""
_COMMAND = rf"(?:(?:export|unset|pip (?:un)?install(?: --\S+)*) )?(?:{_WORD})"
_NO_BREAK = "\xa0"
"""Stands for a blank inside a command; a word that itself contains one is written with escapes."""


def block(topic: str, text: str, painted: str | None = None) -> Iterator[str]:
    """`text` wrapped beside `topic`; `painted` is the topic with colour codes of no width."""
    lines = textwrap.wrap(
        plain(text), WIDTH - TOPIC, break_long_words=False, break_on_hyphens=False
    ) or [""]
    yield (painted or topic) + " " * max(1, TOPIC - len(topic)) + lines[0]
    for line in lines[1:]:
        yield " " * TOPIC + line


def what_to_do(remedy: str) -> Iterator[str]:
    """The remedy, wrapped without splitting a command: half of one may be pasted as a whole."""
    kept = re.sub(_COMMAND, lambda command: command[0].replace(" ", _NO_BREAK), remedy)
    yield from (line.replace(_NO_BREAK, " ") for line in block("  do", kept))


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
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "".join("  ".join(map(str.ljust, row, widths)).rstrip() + "\n" for row in cells)
