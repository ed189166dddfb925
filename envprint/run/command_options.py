"""The options of programs that start another one, by the table `command_wrappers`.

An option that the table does not list may take a value or none, so the word that is the command
could only be guessed; then the command is not known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from envprint.core.typed import NamedTuple
from envprint.knowledge import Entry, entries

TABLE = "command_wrappers"


class NotKnown(Exception):
    """What a command starts cannot be told from files; the text is the reason."""


class Arity(NamedTuple):
    """What an option takes."""

    values: int
    is_attached: bool = False
    """A value can only follow `=` or the letter itself, and may be missing."""
    is_directory: bool = False
    """The value becomes the working directory."""


class Given(NamedTuple):
    """An option of a command line, as the table spells it, and its values."""

    name: str
    values: tuple[str, ...]
    is_directory: bool = False


class Parsed(NamedTuple):
    """The options of a program, and the words after them and after the operands."""

    options: tuple[Given, ...]
    rest: tuple[str, ...]

    def has(self, *names: str) -> bool:
        """Whether one of the options was given."""
        return any(option.name in names for option in self.options)

    def value(self, *names: str) -> str | None:
        """The last value given to one of the options."""
        found = [option.values[-1] for option in self.options if option.name in names]
        return found[-1] if found else None


_ARITIES = {
    "": Arity(0),
    ":": Arity(1),
    ":2": Arity(2),
    ":dir": Arity(1, is_directory=True),
    "?": Arity(0, is_attached=True),
}


def tool(program: str) -> Entry | None:
    """What the table says of a program of this name."""
    return next((entry for entry in entries(TABLE) if program in entry["programs"]), None)


def module_tool(module: str) -> Entry | None:
    """What the table says of `python -m module`."""
    return next((entry for entry in entries(TABLE) if module in entry.get("modules", ())), None)


def parse(entry: Entry, words: Sequence[str]) -> Parsed:
    """The options before the command in `words`, and what follows. Raises `NotKnown`."""
    parsed = _options(entry, words)
    subcommands = entry.get("subcommands")
    if subcommands:
        if not parsed.rest or parsed.rest[0] not in subcommands:
            raise NotKnown(
                f"{entry['programs'][0]} is known to start a program only as {_of(entry)}"
            )
        later = _options(entry, parsed.rest[1:])
        parsed = Parsed(parsed.options + later.options, later.rest)
    for pattern in entry.get("operands", ()):
        if not parsed.rest or not re.fullmatch(pattern, parsed.rest[0]):
            raise NotKnown(f"{entry['programs'][0]} is not called in a form that envprint knows")
        parsed = parsed._replace(rest=parsed.rest[1:])
    return parsed


def _of(entry: Entry) -> str:
    return f"`{entry['programs'][0]} {entry['subcommands'][0]}`"


def _options(entry: Entry, words: Sequence[str]) -> Parsed:
    known, style = _declared(entry.get("options", "")), entry.get("style", "")
    found: list[Given] = []
    place = 0
    while place < len(words):
        word = words[place]
        if word == "--":
            return Parsed(tuple(found), tuple(words[place + 1 :]))
        if not word.startswith("-") or (word == "-" and word not in known):
            break
        given, taken = _option(word, words[place + 1 :], known, style)
        found += given
        place += 1 + taken
    return Parsed(tuple(found), tuple(words[place:]))


@cache
def _declared(options: str) -> Mapping[str, Arity]:
    """The options in the notation of the table, which its schema describes."""
    found = {}
    for word in options.split():
        name = re.sub(r"(:2|:dir|:|\?)$", "", word)
        found[name] = _ARITIES[word[len(name) :]]
    return found


def _option(
    word: str, following: Sequence[str], known: Mapping[str, Arity], style: str
) -> tuple[list[Given], int]:
    """The options that `word` stands for, and how many of the words after it are their values."""
    if "-#" in known and re.fullmatch(r"-[-+]?\d+", word):
        return [Given("-#", (word[1:],))], 0
    name, equals, value = word.partition("=")
    name = _spelled(name, known, style)
    if name not in known:
        if word.startswith("--") or style == "dashes":
            raise NotKnown(f"envprint does not know what its option {name} does")
        return _letters(word, following, known)
    arity = known[name]
    if equals:
        if not (arity.values == 1 or arity.is_attached):
            raise NotKnown(f"envprint does not know what its option {name} with a value does")
        return [Given(name, (value,), arity.is_directory)], 0
    return [Given(name, _values(name, arity, following), arity.is_directory)], arity.values


def _spelled(name: str, known: Mapping[str, Arity], style: str) -> str:
    """The name of an option as the table has it."""
    if style == "underscores":
        return name.replace("_", "-")
    if style == "dashes" and not name.startswith("--"):
        return f"-{name}"
    return name


def _values(name: str, arity: Arity, following: Sequence[str]) -> tuple[str, ...]:
    if len(following) < arity.values:
        raise NotKnown(f"its option {name} has no value")
    return tuple(following[: arity.values])


def _letters(
    word: str, following: Sequence[str], known: Mapping[str, Arity]
) -> tuple[list[Given], int]:
    """Options of one letter after a single dash; the last may have its value attached."""
    found: list[Given] = []
    for place, letter in enumerate(word[1:], 2):
        name, rest = f"-{letter}", word[place:]
        arity = known.get(name)
        if arity is None:
            # What follows the letter may be a value, and a secret.
            raise NotKnown(f"envprint does not know what its option {name} does")
        if arity.is_attached or (arity.values and rest):
            values = (rest.removeprefix("="),) if rest else ()
            return [*found, Given(name, values, arity.is_directory)], 0
        found.append(Given(name, _values(name, arity, following), arity.is_directory))
        if arity.values:
            return found, arity.values
    return found, 0
