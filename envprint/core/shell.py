"""Commands to paste, made with values that somebody else may have written.

A fingerprint comes from a colleague, a pipeline or a public report, and people paste what a report
tells them to do. So this is the one place where a value of a document enters a command: as one
word, on which neither the shell, nor its history, nor a terminal can act. Where a value cannot be
such a word there is no command, and the rule's own words stand instead.

`shlex.quote` would not do: it leaves control characters as they are. A terminal acts on them, and
a report shows them as escapes, which between plain quotes are another value.
"""

from __future__ import annotations

import re

# `=` at the start of a word, or of a part of a path list, is expanded by zsh.
_PLAIN = r"(?!(?:.*:)?=)[A-Za-z0-9_@%+=:,./-]+"
# Of those that a word in $'…' may show: not what would end it, and not the mark of the history.
_SHOWN = frozenset(range(0x20, 0x7F)) - frozenset(b"'\\!")
_QUOTE_INSIDE = "'\"'\"'"


def quoted(text: str) -> str | None:
    """`text` as one printable word of bash or zsh; None where no word stands for it.

    That is a NUL, half of a surrogate pair, and a value of which a part is hidden, or should be.
    """
    if _is_not_all_there(text):
        return None
    if re.fullmatch(_PLAIN, text):
        return text
    if text.isprintable():
        return "'" + text.replace("'", _QUOTE_INSIDE) + "'"
    try:
        octets = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return None
    return "$'" + "".join(chr(o) if o in _SHOWN else f"\\{o:03o}" for o in octets) + "'"


def _is_not_all_there(text: str) -> bool:
    from envprint.core.redact import HIDDEN, safe_text

    return "\0" in text or HIDDEN in text or safe_text(text) != text


def command(form: str, *words: str | None) -> str | None:
    """`form` with each `{}` replaced by a word, quoted; None where a word is missing."""
    safe = [None if word is None else quoted(word) for word in words]
    return None if None in safe else form.format(*safe)


def is_name(text: str) -> bool:
    """Whether a shell takes `text` for the name of a variable."""
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) is not None


def export(name: str, value: str) -> str | None:
    """The command that sets a variable for all programs that are started after it."""
    return command("export {}={}", name if is_name(name) else None, value)


def unset(name: str) -> str | None:
    """The command that takes a variable away."""
    return command("unset {}", name if is_name(name) else None)


def in_turn(*commands: str | None) -> str | None:
    """Several commands on one line; None where one of them is missing."""
    given = [one for one in commands if one is not None]
    return "; ".join(given) if len(given) == len(commands) else None
