"""What moved a setting: a variable, the machine, or the program itself.

Rules compare the setting in force on both sides, and ask which cause alone would have moved it. A
program that was asked tells what is in force; what it does not tell follows from the other two.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from envprint.errors import Undetermined
from envprint.model import Comparison, Fingerprint, Workload
from envprint.rule import Match
from envprint.rules._dials import (
    Dial,
    Drift,
    Variables,
    rank,
    reaches,
    shown,
    trace,
    variable,
    variables_of,
)
from envprint.rules._in_force import has_imported, proviso
from envprint.shell import export, in_turn, unset


class Turn(NamedTuple):
    """A dial whose setting differs between the two sides."""

    dial: Dial
    before: str
    after: str
    is_told: bool = False
    """Whether both processes have told it, so that nothing of it is a forecast."""


def turned_by_variables(*dials: Dial) -> Drift:
    """A rule's look at the variables: fires when they alone move a setting on the new machine."""

    def drift(comparison: Comparison, workload: Workload) -> Iterator[Match]:
        for dial in dials:
            changed = [v for v in dial.variables if comparison.change(variable(v))]
            if changed and reaches(dial, workload) and _is_by_variables(comparison, dial):
                turn = turn_of(comparison, dial)
                if turn.before != turn.after:
                    yield _by_variables(comparison, turn, changed)

    return drift


def turned_by_machine(paths: tuple[str, ...], *dials: Dial, remedy: str) -> Drift:
    """A rule's look at the processor: one finding for all settings that it moved."""

    def drift(comparison: Comparison, workload: Workload) -> Iterator[Match]:
        changes = [change for path in paths if (change := comparison.change(path))]
        turns = [
            turn
            for dial in dials
            if changes and reaches(dial, workload)
            if (turn := _moved(comparison, dial))
        ]
        if turns:
            told = [f"{t.dial.what} was {t.before}, is {t.after}" for t in turns]
            held = [d.what for d in dials if reaches(d, workload) and _is_held(comparison, d)]
            if held:
                told.append(f"variables hold {' and '.join(held)} alike")
            yield Match(
                "; ".join(told),
                tuple(change.path for change in changes),
                changes[0].before,
                changes[0].after,
                remedy="; ".join([remedy, *_pins(comparison, turns)]),
            )

    return drift


def _forecast(dial: Dial, side: Fingerprint) -> str:
    return dial.setting(side, variables_of(side))


def turn_of(comparison: Comparison, dial: Dial) -> Turn:
    """What is in force on both sides: what both processes have told, else what is to be expected.

    A command cannot ask, and the program may set the same; so the word of one side is nothing.
    """
    sides = (comparison.before, comparison.after)
    asked = [dial.told(side) for side in sides]
    both = all(has_imported(s, dial.used_by[0]) for s in sides) or None not in asked
    before, after = (
        told if both and told is not None else _forecast(dial, side)
        for side, told in zip(sides, asked, strict=True)
    )
    return Turn(dial, before, after, None not in asked)


def is_turned_inside(comparison: Comparison, dial: Dial) -> bool:
    """Whether a program has set what neither variables nor the machine account for."""
    turn = turn_of(comparison, dial)
    try:
        elsewhere = _is_by_variables(comparison, dial) or _is_by_machine(comparison, dial)
    except Undetermined:  # no rule then speaks of variables or the machine
        elsewhere = False
    return turn.before != turn.after and not elsewhere


def _is_by_variables(comparison: Comparison, dial: Dial) -> bool:
    after = comparison.after
    return dial.setting(after, variables_of(comparison.before)) != _forecast(dial, after)


def _is_by_machine(comparison: Comparison, dial: Dial) -> bool:
    before = comparison.before
    return dial.setting(comparison.after, variables_of(before)) != _forecast(dial, before)


def _moved(comparison: Comparison, dial: Dial) -> Turn | None:
    turn = turn_of(comparison, dial)
    return turn if turn.before != turn.after and _is_by_machine(comparison, dial) else None


def _is_held(comparison: Comparison, dial: Dial) -> bool:
    """Whether the machines differ for this dial, and variables make them equal."""
    before, after = comparison.before, comparison.after
    differ = dial.setting(before, {}) != dial.setting(after, {})
    return differ and _forecast(dial, before) == _forecast(dial, after)


def _pins(comparison: Comparison, turns: list[Turn]) -> Iterator[str]:
    """For each setting the assignment that both machines can obey: the lower of the two."""
    for turn in turns:
        low = min(turn.before, turn.after, key=rank)
        pin = turn.dial.pin(comparison.after, low)
        held = pin and export(*pin)
        if held:
            yield held


def _by_variables(comparison: Comparison, turn: Turn, changed: list[str]) -> Match:
    before, after = variables_of(comparison.before), variables_of(comparison.after)
    told = ", ".join(f"{v} was {shown(before.get(v))}, is {shown(after.get(v))}" for v in changed)
    unsure = "" if turn.is_told else proviso(comparison, changed)
    return Match(
        f"{told}: {turn.dial.what} was {turn.before}, is {turn.after}{unsure}",
        (*(variable(name) for name in changed), *trace(comparison, changed)),
        _values(before, changed),
        _values(after, changed),
        remedy=in_turn(*(export(v, before[v]) if v in before else unset(v) for v in changed)),
    )


def _values(variables: Variables, names: list[str]) -> Any:
    if len(names) == 1:
        return variables.get(names[0])
    return {name: variables.get(name) for name in names}
