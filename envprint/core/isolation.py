"""What `isolate` finds: switches, the outcome of each trial, and the smallest sets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from math import ceil, log2

from envprint.core.typed import Any, NamedTuple

VARIABLE, AFFINITY, PACKAGE, PYTHON = "variable", "affinity", "package", "python"
CAP, CODE = "cap", "code"
"""Kinds of switches. A cap limits a library to the instructions of the other side's processor."""
CHANGED = " with changes"
"""Behind the commit of code that is here and has changes that were not committed."""


def most_trials(count: int) -> int:
    """About how many trials one cause among so many switches takes at most."""
    return 2 * ceil(log2(max(count, 2))) + 4


_LONG = re.compile(r"^([0-9a-f]{12})[0-9a-f]+")


class Switch(NamedTuple):
    """A difference that a trial can set to either side."""

    name: str
    """Unique in a plan: the kind and what differs, such as `variable OMP_NUM_THREADS`."""
    kind: str
    what: str
    """The variable, the distribution, `CPUs`, `Python` or `the code`."""
    before: Any
    """The value of the baseline; None if it is absent there."""
    after: Any
    rules: tuple[str, ...] = ()
    """Rules of the report that found this difference, the worst first."""

    def in_words(self) -> str:
        """What differs, on one line."""
        absent = "unset" if self.kind in (VARIABLE, CAP) else "absent"
        sides = (absent if side is None else str(side) for side in (self.before, self.after))
        if self.kind == CODE:
            sides = (_LONG.sub(r"\1", side) for side in sides)
        what = f"the processor, by {self.what}" if self.kind == CAP else self.what
        return f"{what} {' → '.join(side or repr(side) for side in sides)}"


class Fixed(NamedTuple):
    """A difference that no trial can set, and why."""

    what: str
    reason: str


class Plan(NamedTuple):
    """What trials can switch, in the order in which it may matter, and what they cannot."""

    switches: tuple[Switch, ...]
    fixed: tuple[Fixed, ...]

    def named(self, names: Iterable[str]) -> tuple[Switch, ...]:
        """The switches with these names, in the plan's order."""
        wanted = set(names)
        return tuple(switch for switch in self.switches if switch.name in wanted)


class Outcome(Enum):
    """What a trial's result was. Only the first two decide anything by themselves."""

    BASELINE = "baseline"
    CURRENT = "current"
    OTHER = "another result"
    NOT_RUN = "did not run"
    NOT_BUILT = "not built"

    @property
    def is_result(self) -> bool:
        """Whether the job gave a result at all; no result is no evidence."""
        return self not in (Outcome.NOT_RUN, Outcome.NOT_BUILT)


class Trial(NamedTuple):
    """A set of switches, run or remembered."""

    number: int
    switched: tuple[str, ...]
    """Names of the switches set as in CURRENT; the others are as in BASELINE."""
    outcome: Outcome
    value: str
    """The result in a few words, or why there is none."""
    seconds: float
    is_remembered: bool = False
    """Whether an earlier search has run the same in the same environment."""


class Answer(NamedTuple):
    """The smallest sets, and what was seen of each switch."""

    cause: tuple[str, ...]
    """With these, BASELINE gives CURRENT's result."""
    along: tuple[str, ...]
    """Switched together with the cause, because its versions need them."""
    fix: tuple[str, ...]
    """Without these, CURRENT gives BASELINE's result; empty if no such set was found."""
    fix_along: tuple[str, ...]
    is_minimal: bool
    """Whether no smaller set does the same; False if the search was cut short."""
    alone: Mapping[str, Outcome]
    """The outcome of each switch that was run alone, on BASELINE."""
    rest: Outcome | None
    """The outcome of all other switches together; None if that was not run."""


class Distance(NamedTuple):
    """The largest difference between numbers of two results."""

    absolute: float
    relative: float
    """To the larger of the two."""
    where: str
    """The part with the first difference."""
    differing: int
    total: int


CONFIRMED, NOT_SEEN, CONTRADICTED = "confirmed", "not seen here", "contradicted"
"""What a search shows of a rule that had found a difference."""


FOUND, EQUAL, NOT_REPEATABLE, UNRESOLVED = "found", "equal", "not-repeatable", "unresolved"
"""How a search ended."""


class Side(NamedTuple):
    """One of the two environments, and its result."""

    reference: str | None
    digest: str
    captured_at: str
    value: str | None
    """The result in a few words; None if there was none."""
    repeats: bool | None
    """Whether it repeated itself; None if that is unknown."""


class Isolation(NamedTuple):
    """A whole search."""

    outcome: str
    baseline: Side
    current: Side
    command: tuple[str, ...]
    """Without secrets."""
    result: str
    tolerance: float
    plan: Plan
    trials: tuple[Trial, ...]
    runs: int
    """How often the job ran, the ends and the checks included."""
    answer: Answer | None
    """None if both sides give the same result, and if nothing could be found."""
    reason: str = ""
    """Why nothing could be found."""
    fails: bool = False
    """Whether the job fails on one of the sides, and that is the difference."""
    apart: Distance | None = None
    """None if the results are not numbers of one shape."""
    noise: tuple[str, ...] = ()
    """Sides whose file differs from run to run although its content does not."""
    rules: tuple[tuple[str, str], ...] = ()
    """Each rule that had found one of the differences, and what the search shows of it."""
    notes: tuple[str, ...] = ()
    """What makes the claim smaller than it sounds."""
