"""Generated files are held to what the code makes of them, and a failure says how to renew them."""

from __future__ import annotations

from collections.abc import Callable
from difflib import unified_diff
from itertools import islice
from pathlib import Path

import pytest

Golden = Callable[[Path, str], None]
"""Compares the file at a path with a text, or with `--update-golden` writes the text."""
SHOWN_LINES = 60
"""Of a difference; a schema has thousands, and the command at the end is what a reader needs."""


def must_equal(path: Path, text: str, command: str) -> None:
    """Fail unless the file at `path` holds `text`; `command`, the last line, rewrites it."""
    stored = path.read_text(encoding="utf-8") if path.exists() else ""
    if stored == text:
        return
    lines = unified_diff(
        stored.splitlines(), text.splitlines(), f"{path}, stored", "made now", lineterm=""
    )
    shown = "\n".join(islice(lines, SHOWN_LINES))
    pytest.fail(f"{shown}\nread the difference; if it is meant, run\n{command}", pytrace=False)
