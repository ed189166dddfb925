"""What leads from one side of a comparison back to the other."""

from __future__ import annotations

from envprint.core.typed import NamedTuple


class Step(NamedTuple):
    """A command, and the findings that it removes."""

    command: str
    """One line to paste as it is."""
    removes: tuple[str, ...]
    """Ids of rules, `not-judged` for what is not judged; empty for what only goes along."""
    note: str = ""
    """What it is about, and where or when it applies."""


class InProgram(NamedTuple):
    """Lines of Python for the program, and the rule whose finding they remove."""

    code: str
    removes: str


class WithoutCommand(NamedTuple):
    """A finding that no command removes, and what there is to know about it."""

    rule: str
    message: str
    remedy: str


class WayBack(NamedTuple):
    """The steps in the order in which they are to be taken, and what they do not reach."""

    steps: tuple[Step, ...]
    in_program: tuple[InProgram, ...]
    without: tuple[WithoutCommand, ...]
