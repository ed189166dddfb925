"""What a library sets for itself, from the processor and from variables; `_turns` says what moved.

A variable matters only when it changes what is in force: OMP_NUM_THREADS=4 on two CPUs, or a
limit at what the processor has anyway, changes nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from envprint.model import Comparison, Fingerprint, Workload
from envprint.rule import Drift, Match, Result, for_each
from envprint.rules._in_force import (
    SWITCH_OF,
    SWITCHES,
    VARIABLES,
    as_at_start,
    in_force,
    proviso,
)

Variables = Mapping[str, str]


class Dial(NamedTuple):
    """One setting: who reads it, which variables turn it, and what is then in force."""

    what: str
    used_by: tuple[str, ...]
    """Frameworks that compute with it."""
    variables: tuple[str, ...]
    """In the order in which they win."""
    setting: Callable[[Fingerprint, Variables], str]
    """What is in force on that machine with those variables."""
    pin: Callable[[Fingerprint, str], tuple[str, str] | None]
    """The variable, and its value, that brings a setting about; None when there is none."""
    on_gpu: bool = False
    """Whether a job on a GPU still computes with it."""
    switch: str | None = None
    """The determinism switch in which the framework tells it, when it is loaded."""
    told: Callable[[Fingerprint], str | None] = lambda side: None
    """What the process itself has told to be in force, None when it has told nothing."""


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
    A switch of `SWITCH_OF` stands for its variable where a loaded framework tells it.
    """

    def drift(comparison: Comparison, workload: Workload) -> Iterator[Result]:
        def look(name: str) -> Iterator[Match]:
            before, after = in_force(comparison, name)
            if read(name, before) != read(name, after):
                yield _set_differently(comparison, name, before, after)

        return for_each(names, look)

    return drift


def _set_differently(
    comparison: Comparison, name: str, before: str | None, after: str | None
) -> Match:
    """A match for what the variable sets; it is named only where it is the variable that moved."""
    change = comparison.change(variable(name))
    paths = comparison.under(f"{SWITCHES}[{SWITCH_OF[name]}]") if name in SWITCH_OF else ()
    if change is None:
        told = f"{SWITCH_OF[name]} was {shown(before)}, is {shown(after)}"
        return Match(told, paths, before, after)
    return Match(
        f"{name} was {shown(change.before)}, is {shown(change.after)}{proviso(comparison, [name])}",
        tuple(dict.fromkeys((change.path, *trace(comparison, (name,)), *paths))),
        change.before,
        change.after,
    )


def shown(value: str | None) -> str:
    """A variable's value for people."""
    return "unset" if value is None else value or "empty"


def variable(name: str) -> str:
    """The path of an environment variable."""
    return f"{VARIABLES}[{name}]"


def variables_of(side: Fingerprint) -> Variables:
    """The recorded variables; raises `Undetermined` when they are unknown.

    Those that are read at the start of a process stand as they were then.
    """
    recorded = as_at_start(side, side.value(VARIABLES) or {})
    return {name: value for name, value in recorded.items() if value is not None}


def reaches(dial: Dial, workload: Workload) -> bool:
    """Whether the job computes with what the dial sets."""
    used = not set(dial.used_by).isdisjoint(workload.frameworks)
    return used and (workload.device == "cpu" or dial.on_gpu)


LEVELS = ("sse", "avx", "avx2", "avx512")


def rank(setting: str) -> tuple[int, int]:
    """Orders thread counts and instruction sets from low to high."""
    if setting.isdecimal() and len(setting) < 10:
        return 0, int(setting)
    return 1, LEVELS.index(setting) if setting in LEVELS else -1
