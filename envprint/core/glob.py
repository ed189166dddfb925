"""Patterns in which `*` matches any text and nothing else is special.

Not `fnmatch`: there `[` opens a character set, and paths are full of brackets.
"""

from __future__ import annotations

import re
from functools import cache


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """Whether `pattern` matches the whole of `text`."""
    return _compiled(pattern).fullmatch(text) is not None
