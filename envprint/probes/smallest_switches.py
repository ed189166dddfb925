"""Searches for the smallest set of switches with which a training repeats itself.

It begins with nothing set and with everything set, and then leaves out one switch after another
for good if the runs are still equal without it. Nothing is trained here: `attempt` is told what to
run, and whatever it returns is believed.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from envprint.core.errors import EnvprintError
from envprint.probes.training import Series, Switches

TRIAL_RUNS = 2
"""What an ordinary trial takes; the last, which the answer rests on, takes what was asked for."""
ORDER = ("op_determinism", "hash", "numpy", "python", "framework")
"""Which switch is left out first. TensorFlow's deterministic operations refuse to run without its
seed, so they come before it."""


class Trial(NamedTuple):
    """What was run, and what came of it."""

    switches: Switches
    runs: int
    dropped: str | None
    """The switch that was left out for this trial, None for none."""
    series: Series | None
    refused: str = ""
    """Why the framework did not run; then there is no series."""

    @property
    def repeats(self) -> bool:
        """Whether it ran, and all runs were equal."""
        return self.series is not None and self.series.repeats


class Search(NamedTuple):
    """All trials in order, and the answer."""

    trials: tuple[Trial, ...]
    smallest: Switches | None
    """None where no set of switches makes it repeat itself."""

    @property
    def last(self) -> Series:
        """The runs that the answer rests on."""
        return next(trial.series for trial in reversed(self.trials) if trial.series is not None)


Attempt = Callable[[Switches, int], Series]


def everything(seed: int) -> Switches:
    """All seeds, and deterministic operations."""
    return Switches(hash=seed, python=seed, numpy=seed, framework=seed, op_determinism=True)


def most_runs(repeat: int) -> int:
    """How many runs a search takes, when all goes as usual."""
    return TRIAL_RUNS * (2 + len(ORDER)) + max(repeat, TRIAL_RUNS)


def search(attempt: Attempt, seed: int, repeat: int) -> Search:
    """Search; the last trial has at least `repeat` runs.

    Raises `EnvprintError` where it does not run with nothing set, or with everything set.
    """
    trials: list[Trial] = []

    def try_out(switches: Switches, dropped: str | None = None, runs: int = TRIAL_RUNS) -> bool:
        trials.append(_tried(attempt, switches, dropped, runs))
        return trials[-1].repeats

    try_out(Switches())
    current = everything(seed)
    if not try_out(current):
        current = current._replace(threads=1)
        if not try_out(current):
            return Search(tuple(trials), None)
    left_out = []
    for name in ORDER:
        candidate = current._replace(**{name: None})
        if try_out(candidate, name):
            current = candidate
            left_out.append(name)
    for candidate in _put_back(current, left_out, seed):
        if try_out(candidate, runs=max(repeat, TRIAL_RUNS)):
            return Search(tuple(trials), candidate)
    return Search(tuple(trials), None)


def _put_back(current: Switches, left_out: list[str], seed: int) -> Iterator[Switches]:
    """The smallest set, and, as long as more runs show that it is too small, larger ones."""
    yield current
    for name in left_out:
        current = current._replace(**{name: getattr(everything(seed), name)})
        yield current
    if current.threads is None:
        yield current._replace(threads=1)


def _tried(attempt: Attempt, switches: Switches, dropped: str | None, runs: int) -> Trial:
    try:
        return Trial(switches, runs, dropped, attempt(switches, runs))
    except EnvprintError as error:
        if dropped is None:
            raise
        return Trial(switches, runs, dropped, None, str(error))
