"""Commands to paste, made with values from documents that anyone may have written.

People paste what a report suggests, so this is the only place where a document's value enters a
command: as one word that is inert to the shell, its history and the terminal. A value that cannot
be quoted like that gives no command, and the rule's own text is used instead.
`shlex.quote` keeps control characters: a terminal acts on them, and a report shows them as escapes,
which mean a different value inside plain quotes.
"""

from __future__ import annotations

from envprint.core.text import has_command_of_runners, plain

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-")
# Characters written as they are inside $'…': not those that would end it, nor history expansion.
_SHOWN = frozenset(range(0x20, 0x7F)) - frozenset(b"'\\!")
_QUOTE_INSIDE = "'\"'\"'"


def quoted(text: str) -> str | None:
    """`text` as one printable word of bash or zsh; None if no word can represent it.

    That is the case for a NUL, a lone surrogate and a partly hidden value.
    """
    if _is_not_all_there(text):
        return None
    is_inert = not has_command_of_runners(text)
    if is_inert and _needs_no_quotes(text):
        return text
    if is_inert and text.isprintable() and plain(text) == text:
        return "'" + text.replace("'", _QUOTE_INSIDE) + "'"
    try:
        octets = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return None
    shown = _SHOWN if is_inert else _SHOWN - frozenset(b"#:")
    return "$'" + "".join(chr(o) if o in shown else f"\\{o:03o}" for o in octets) + "'"


def _needs_no_quotes(text: str) -> bool:
    # zsh expands `=` at the start of a word or of an element of a path list.
    return bool(text) and _PLAIN.issuperset(text) and text[0] != "=" and ":=" not in text


def _is_not_all_there(text: str) -> bool:
    from envprint.core.redact import HIDDEN, safe_text

    return "\0" in text or HIDDEN in text or safe_text(text) != text


def path_word(path: str) -> str | None:
    """A path as one word; `~/` at its beginning stays outside the quotes, for the shell to expand.

    None if no word can represent it.
    """
    home = "~/" if path.startswith("~/") else ""
    word = quoted(path.removeprefix(home))
    return None if word is None else home + word


class Command(str):
    """A remedy that is one or more commands of a shell, to paste as they are."""

    parts: tuple[str, ...]

    def __new__(cls, *parts: str) -> Command:
        """The commands, which are to run one after the other."""
        made = super().__new__(cls, "; ".join(parts))
        made.parts = parts
        return made


class Code(str):
    """A remedy that is one or more lines of Python, to paste into the program."""

    __slots__ = ()


def commands(remedy: str) -> tuple[str, ...]:
    """The commands of a remedy, one after the other; empty if it is text or Python."""
    return remedy.parts if isinstance(remedy, Command) else ()


def kind(remedy: str) -> str:
    """`command`, `python` or `text`."""
    kinds = ((Command, "command"), (Code, "python"))
    return next((word for made, word in kinds if isinstance(remedy, made)), "text")


def sentence(form: str, *words: str | None) -> str | None:
    """`form` with each `{}` replaced by a quoted word; None if a word is missing."""
    safe = [None if word is None else quoted(word) for word in words]
    return None if None in safe else form.format(*safe)


def command(form: str, *words: str | None) -> Command | None:
    """The same as a command to paste."""
    text = sentence(form, *words)
    return None if text is None else Command(text)


def is_name(text: str) -> bool:
    """Whether `text` is a valid name of a shell variable."""
    return text.isascii() and text.isidentifier()


def export(name: str, value: str) -> Command | None:
    """The command that sets a variable for all programs started after it."""
    return command("export {}={}", name if is_name(name) else None, value)


def export_path(name: str, value: str) -> Command | None:
    """The same for a value that may be a path; `~/` at its beginning is the home directory."""
    word = path_word(value)
    if word is None or not is_name(name):
        return None
    return Command("export {}={}".format(name, word))  # noqa: UP032  as commands are made here


def unset(name: str) -> Command | None:
    """The command that removes a variable."""
    return command("unset {}", name if is_name(name) else None)


def in_turn(*several: Command | None) -> Command | None:
    """Several commands as one remedy; None if one of them is missing."""
    given = [one for one in several if one is not None]
    parts = (part for one in given for part in one.parts)
    return Command(*parts) if len(given) == len(several) else None
