"""Text as Markdown in which nothing of a document acts: GitHub, GitLab and plain CommonMark.

Values, paths and messages stand in code spans, where no markup, mention, reference or address is
recognised; what stands outside is escaped. https://github.github.com/gfm/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from envprint.core.text import one_line, plain
from envprint.core.typed import NamedTuple

MAX_CHARACTERS = 60_000
"""Of a whole text: GitHub takes 65,536 characters for the body of an issue or a comment."""
_BYTES = 4
"""The most that a character takes."""
MAX_TEXT = 1_000
"""Of one text from a document; commands are never cut."""
_CUT_NOTE = 90
"""Characters that a fold needs beside its items: its name, the marks and the count of the rest."""

# What a renderer makes something of: markup; then `@name`, `#1`, `GH-1`, `:emoji:` and addresses.
# These are recognised after escapes are resolved, so something without width has to part them.
_MARKUP = r"([\\`*_\[\]<>&~$])"
_REFERENCES = r"(?<=@)(?=\w)|(?<=#)(?=\d)|(?<=GH-)(?=\d)|(?<=:)(?=[\w+-]+:|//)|(?<=www)(?=\.)"
_PARTED = "&#8203;"
_BAR = "&#124;"
"""A bar parts the cells of a table, inside code and behind backslashes too."""
_BEGINS_A_BLOCK = r"^(?:\d+(?=[.)](?:\s|$))|(?=[#>+=:-]))"


class Fold(NamedTuple):
    """A part of a text that a click unfolds: items that can be left out one by one."""

    title: str
    items: Sequence[str]
    head: str = ""
    """What stands before the items, such as the head of a table."""


def prose(text: str) -> str:
    """`text` on one line, as it is read; nothing of it is markup."""
    escaped = re.sub(_MARKUP, r"\\\1", _short(text))
    parted = re.sub(_REFERENCES, _PARTED, escaped, flags=re.IGNORECASE)
    return re.sub(_BEGINS_A_BLOCK, r"\g<0>\\", parted).replace("|", _BAR)


def code(text: str) -> str:
    """`text` on one line as a code span, in a table too."""
    safe = _short(text) or "empty"
    if "|" in safe:
        return f"<code>{re.sub(r'[^a-zA-Z0-9 ]', _as_entity, safe)}</code>"
    marks = "`" * (_longest_run(safe) + 1)
    blank = " " if safe[0] in "` " or safe[-1] in "` " else ""
    return f"{marks}{blank}{safe}{blank}{marks}"


def fenced(lines: Iterable[str], language: str) -> str:
    """Lines to paste as they are, as a block of code."""
    safe = "\n".join(plain(line) for line in lines)
    marks = "`" * max(3, _longest_run(safe) + 1)
    return f"{marks}{language}\n{safe}\n{marks}"


def link(address: str) -> str:
    """An address of this project's own tables as a link; anything else as code."""
    is_safe = re.fullmatch(r"https://[\w./~:?#@!&'()*+,;=%-]+", address, re.ASCII)
    return f"<{address}>" if is_safe and len(address) <= MAX_TEXT else code(address)


def row(*cells: str) -> str:
    """A row of a table; the cells are Markdown already."""
    return f"| {' | '.join(cells)} |"


def head(*names: str) -> str:
    """The head of a table."""
    return f"{row(*names)}\n{row(*('---' for _ in names))}"


def fitted(top: Sequence[str], folds: Sequence[Fold], rest: str, limit: int | None = None) -> str:
    """Blocks of text and the folds below them in `limit` bytes, or in `MAX_CHARACTERS`.

    What does not fit is counted, and `rest` says where it is.
    """
    present = [fold for fold in folds if fold.items]
    left = MAX_CHARACTERS if limit is None else limit // _BYTES
    parts = list(_within(top, left // 2))
    if more := len(top) - len(parts):
        parts.append(f"and {more:,} more: {rest}")
    left -= sum(len(part) + 2 for part in parts) + sum(map(_frame, present))
    left -= len(rest) * len(present)
    for fold in present:
        shown = list(_within(fold.items, left))
        left -= sum(len(item) + 2 for item in shown)
        parts.append(_folded(fold, shown, rest))
    return "\n\n".join(parts) + "\n"


def _within(items: Sequence[str], left: int) -> Iterator[str]:
    for item in items:
        left -= len(item) + 2
        if left < 0:
            return
        yield item


def _frame(fold: Fold) -> int:
    return len(fold.title) + len(fold.head) + _CUT_NOTE


def _folded(fold: Fold, shown: Sequence[str], rest: str) -> str:
    lines = [f"<details><summary>{escape(fold.title)} ({len(fold.items)})</summary>", ""]
    if shown:
        between = "\n" if fold.head else "\n\n"
        lines += [between.join((*filter(None, (fold.head,)), *shown)), ""]
    if more := len(fold.items) - len(shown):
        lines += [f"and {more:,} more: {rest}", ""]
    return "\n".join((*lines, "</details>"))


def _as_entity(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"


def _short(text: str) -> str:
    """`text` on one line, safe and not too long; nobody reads what is far beyond that."""
    safe = one_line(text[: 4 * MAX_TEXT])
    return safe if len(safe) <= MAX_TEXT else f"{safe[: MAX_TEXT - 1]}…"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
