"""What a library sets for itself from the processor and from variables, and what turned it.

A variable matters only when it changes what is in force: OMP_NUM_THREADS=4 on two CPUs, or a
limit at what the processor has anyway, changes nothing. So rules compare the setting in force on
both sides, and ask which of the two causes alone would have moved it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from envprint.model import Comparison, Fingerprint, Workload
from envprint.rule import Match

Variables = Mapping[str, str]
VARIABLES = "facts.environ.variables"
SWITCHES = "facts.determinism.switches"
Drift = Callable[[Comparison, Workload], Iterator[Match]]


class Dial(NamedTuple):
    """One setting: who reads it, which variables turn it, and what is then in force."""

    what: str
    used_by: tuple[str, ...]
    """Frameworks that compute with it."""
    variables: tuple[str, ...]
    """In the order in which they win."""
    setting: Callable[[Fingerprint, Variables], str]
    """What is in force on that machine with those variables."""
    pin: Callable[[Fingerprint, str], str | None]
    """The assignment that brings a setting about, None when there is none."""
    on_gpu: bool = False
    """Whether a job on a GPU still computes with it."""
    switch: str | None = None
    """The determinism switch that is listed only where the program itself has set this."""


class Turn(NamedTuple):
    """A dial whose setting differs between the two sides."""

    dial: Dial
    before: str
    after: str


def trace(comparison: Comparison, names: Iterable[str]) -> tuple[str, ...]:
    """Changed paths of the determinism switches that one of these variables set."""
    found: dict[str, None] = {}
    for side in (comparison.before, comparison.after):
        switches = side.facts.get("determinism", {}).get("switches") or {}
        for key, switch in switches.items():
            if (switch.get("source") or "").partition(" ")[0] in names:
                found.update(dict.fromkeys(comparison.under(f"{SWITCHES}[{key}]")))
    return tuple(found)


def when_changed(*names: str) -> Drift:
    """A rule's look at variables whose every change matters: one match for each."""
    return when_read_differently(lambda name, value: value, *names)


def when_read_differently(read: Callable[[str, str | None], object], *names: str) -> Drift:
    """A rule's look at variables of which only the reading matters: one match for each.

    `read` gives, for a variable's name and value (None when unset), what its reader makes of it.
    """

    def drift(comparison: Comparison, workload: Workload) -> Iterator[Match]:
        for name in names:
            change = comparison.change(variable(name))
            if change and read(name, change.before) != read(name, change.after):
                yield Match(
                    f"{name} was {shown(change.before)}, is {shown(change.after)}",
                    (change.path, *trace(comparison, (name,))),
                    change.before,
                    change.after,
                )

    return drift


def shown(value: str | None) -> str:
    """A variable's value for people."""
    return "unset" if value is None else value or "empty"


def variable(name: str) -> str:
    """The path of an environment variable."""
    return f"{VARIABLES}[{name}]"


def variables_of(side: Fingerprint) -> Variables:
    """The recorded variables; raises `Undetermined` when they are unknown."""
    recorded: dict[str, str | None] = side.value(VARIABLES) or {}
    return {name: value for name, value in recorded.items() if value is not None}


def reaches(dial: Dial, workload: Workload) -> bool:
    """Whether the job computes with what the dial sets."""
    used = not set(dial.used_by).isdisjoint(workload.frameworks)
    return used and (workload.device == "cpu" or dial.on_gpu)


def turned_by_variables(*dials: Dial) -> Drift:
    """A rule's look at the variables: fires when they alone move a setting on the new machine."""

    def drift(comparison: Comparison, workload: Workload) -> Iterator[Match]:
        for dial in dials:
            changed = [v for v in dial.variables if comparison.change(variable(v))]
            if not changed or not reaches(dial, workload):
                continue
            before, after = comparison.before, comparison.after
            then = dial.setting(after, variables_of(before))
            turn = Turn(dial, dial.setting(before, variables_of(before)), _now(dial, after))
            if turn.before != turn.after != then:
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


def _now(dial: Dial, side: Fingerprint) -> str:
    return dial.setting(side, variables_of(side))


def _moved(comparison: Comparison, dial: Dial) -> Turn | None:
    before, after = comparison.before, comparison.after
    turn = Turn(dial, _now(dial, before), _now(dial, after))
    by_machine = dial.setting(after, variables_of(before)) != turn.before
    return turn if by_machine and turn.before != turn.after else None


def _is_held(comparison: Comparison, dial: Dial) -> bool:
    """Whether the machines differ for this dial, and variables make them equal."""
    before, after = comparison.before, comparison.after
    return dial.setting(before, {}) != dial.setting(after, {}) and _now(dial, before) == _now(
        dial, after
    )


def _pins(comparison: Comparison, turns: list[Turn]) -> Iterator[str]:
    """For each setting the assignment that both machines can obey: the lower of the two."""
    for turn in turns:
        side = comparison.after
        low = min(turn.before, turn.after, key=rank)
        assignment = turn.dial.pin(side, low)
        if assignment:
            yield f"export {assignment}"


LEVELS = ("sse", "avx", "avx2", "avx512")


def rank(setting: str) -> tuple[int, int]:
    """Orders thread counts and instruction sets from low to high."""
    if setting.isdecimal() and len(setting) < 10:
        return 0, int(setting)
    return 1, LEVELS.index(setting) if setting in LEVELS else -1


def _by_variables(comparison: Comparison, turn: Turn, changed: list[str]) -> Match:
    before, after = variables_of(comparison.before), variables_of(comparison.after)
    told = ", ".join(f"{v} was {shown(before.get(v))}, is {shown(after.get(v))}" for v in changed)
    return Match(
        f"{told}: {turn.dial.what} was {turn.before}, is {turn.after}",
        (*(variable(name) for name in changed), *trace(comparison, changed)),
        _values(before, changed),
        _values(after, changed),
        remedy="; ".join(
            f"export {v}={before[v]}" if v in before else f"unset {v}" for v in changed
        ),
    )


def _values(variables: Variables, names: list[str]) -> Any:
    if len(names) == 1:
        return variables.get(names[0])
    return {name: variables.get(name) for name in names}
