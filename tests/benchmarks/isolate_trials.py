"""Trials that three searches take on 20 made cases: the table of docs/isolate.md.

    python -m tests.benchmarks.isolate_trials             # trials alone, at once
    python -m tests.benchmarks.isolate_trials --seconds   # each trial a run of a job, minutes

Each case has 40 differences in a random order, of which one to three act: alone, each with a third
result of its own, or only together.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from envprint.core.isolation import VARIABLE, Outcome, Plan, Switch
from envprint.isolate.results import selector
from envprint.isolate.search import SmallestSets
from envprint.isolate.trials import Job, Place, Trials
from tests.builders.support import fingerprint

DIFFERENCES = 40
SEEDS = range(5)
KINDS = (
    ("one cause among the first five", 1, 5),
    ("one cause anywhere", 1, DIFFERENCES),
    ("two causes anywhere", 2, DIFFERENCES),
    ("three causes anywhere", 3, DIFFERENCES),
)
Asks = Callable[[frozenset[str]], bool]


class Case(NamedTuple):
    """Which differences act together."""

    order: tuple[str, ...]
    acting: frozenset[str]


def cases(count: int, within: int) -> Iterator[Case]:
    """Made cases with so many causes among the first differences."""
    order = tuple(f"d{number}" for number in range(DIFFERENCES))
    for seed in SEEDS:
        yield Case(order, frozenset(random.Random(seed).sample(order[:within], count)))


class Counted:
    """A made job: CURRENT's result comes with all causes, and each set runs once."""

    def __init__(self, case: Case) -> None:
        self._acting = case.acting
        self.seen: dict[frozenset[str], bool] = {}

    def __call__(self, switched: frozenset[str]) -> bool:
        return self.seen.setdefault(switched, self._acting <= switched)


def isolate(case: Case, asks: Counted) -> set[str]:
    """The search of envprint, without the fix and the checks, which the others do not have."""

    def ask(switched: frozenset[str]) -> Outcome:
        if asks(switched):
            return Outcome.CURRENT
        return Outcome.OTHER if switched & case.acting else Outcome.BASELINE

    return set(SmallestSets(case.order, {}, ask).cause() or ())


def one_by_one(case: Case, asks: Counted) -> set[str]:
    """Leave out each difference for good if the result stays without it."""
    left = frozenset(case.order)
    for name in case.order:
        if asks(left - {name}):
            left -= {name}
    return set(left)


def ddmin(case: Case, asks: Counted) -> set[str]:
    """Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002."""
    left, parts = list(case.order), 2
    while len(left) >= 2:
        chunks = [
            left[at * len(left) // parts : (at + 1) * len(left) // parts] for at in range(parts)
        ]
        smaller = next((chunk for chunk in chunks if asks(frozenset(chunk))), None)
        if smaller is not None:
            left, parts = smaller, 2
            continue
        rests = ([name for name in left if name not in chunk] for chunk in chunks)
        smaller = next((rest for rest in rests if parts > 2 and asks(frozenset(rest))), None)
        if smaller is not None:
            left, parts = smaller, max(parts - 1, 2)
        elif parts == len(left):
            break
        else:
            parts = min(2 * parts, len(left))
    return set(left)


def row(name: str, count: int, within: int) -> tuple[str, ...]:
    """Mean and largest number of trials of each search."""
    cells = [name]
    for search in (isolate, ddmin, one_by_one):
        taken = []
        for case in cases(count, within):
            asks = Counted(case)
            assert search(case, asks) == case.acting
            taken.append(len(asks.seen))
        cells.append(f"{sum(taken) / len(taken):.1f} / {max(taken)}")
    return tuple(cells)


def table(row: Callable[..., tuple[str, ...]] = row) -> Sequence[str]:
    """The table, in Markdown."""
    head = ("case", "isolate", "ddmin", "one by one")
    rows = [head, ("---",) * len(head), *(row(*kind) for kind in KINDS)]
    return [f"| {' | '.join(cells)} |" for cells in rows]


# The same cases with a job that really runs.


VARIABLES = "facts.environ.variables"
JOB = """\
import os

acting = {acting!r}
print("loss", sum(2**at for at, name in enumerate(acting) if os.environ.get(name) == "1"))
"""


class Ran(Counted):
    """The same with a trial of `isolate` for each new set: a copy, a process, a result."""

    def __init__(self, case: Case, place: str) -> None:
        super().__init__(case)
        directory, work = (os.path.join(place, name) for name in ("job", "work"))
        for path in (directory, work):
            os.makedirs(path)
        acting = sorted(map(_variable, case.acting))
        Path(directory, "job.py").write_text(JOB.format(acting=acting), encoding="utf-8")
        switches = (Switch(n, VARIABLE, _variable(n), None, "1") for n in case.order)
        sides = fingerprint({VARIABLES: {}}), fingerprint({VARIABLES: _all_set(case)})
        job = Job(("python", "job.py"), selector("stdout:loss (.*)"), directory)
        here = Place(sys.executable, sys.prefix)
        self._trials = Trials(job, Plan(tuple(switches), ()), sides, lambda _: here, work)
        self._current = str(2 ** len(acting) - 1)

    def __call__(self, switched: frozenset[str]) -> bool:
        if switched not in self.seen:
            result = self._trials.run(switched).result
            assert result
            self.seen[switched] = result.shown == self._current
        return self.seen[switched]


def _variable(name: str) -> str:
    return f"TF_{name.upper()}"


def _all_set(case: Case) -> dict[str, str]:
    return {_variable(name): "1" for name in case.order}


def seconds(name: str, count: int, within: int) -> tuple[str, ...]:
    """Mean seconds of each search."""
    cells = [name]
    for search in (isolate, ddmin, one_by_one):
        taken = []
        for case in cases(count, within):
            with tempfile.TemporaryDirectory() as place:
                asks = Ran(case, place)
                begun = time.monotonic()
                assert search(case, asks) == case.acting
                taken.append(time.monotonic() - begun)
        cells.append(f"{sum(taken) / len(taken):.1f}")
        print(*cells, flush=True, file=sys.stderr)
    return tuple(cells)


if __name__ == "__main__":
    print("\n".join(table(seconds if "--seconds" in sys.argv else row)))
