"""Searches for the smallest set of switches that makes a training repeatable.

It starts with nothing set and with everything set, then drops one switch after another for good if
the runs are still equal without it. It trains nothing itself: `attempt` runs the trials, and its
results are taken as given.
"""

from collections.abc import Callable, Iterator

from envprint.core.errors import EnvprintError
from envprint.core.typed import NamedTuple
from envprint.probes.training import Series, Switches

TRIAL_RUNS = 2
"""Runs per ordinary trial; the last one, which decides, has as many as requested."""
ORDER = ("op_determinism", "hash", "numpy", "python", "framework")
"""The order in which switches are dropped. TensorFlow's deterministic operations refuse to run
without its seed, so they come before it."""


class Trial(NamedTuple):
    """What was run, and the result."""

    switches: Switches
    runs: int
    dropped: str | None
    """The switch that was dropped for this trial; None for none."""
    series: Series | None
    refused: str = ""
    """Why the framework did not run; `series` is then None."""

    @property
    def repeats(self) -> bool:
        """Whether it ran and all runs were equal."""
        return self.series is not None and self.series.repeats


class Search(NamedTuple):
    """All trials in order, and the answer."""

    trials: tuple[Trial, ...]
    smallest: Switches | None
    """None if no set of switches makes the training repeatable."""

    @property
    def last(self) -> Series:
        """The runs on which the answer is based."""
        return next(trial.series for trial in reversed(self.trials) if trial.series is not None)


Attempt = Callable[[Switches, int], Series]


def everything(seed: int) -> Switches:
    """All seeds, and deterministic operations."""
    return Switches(hash=seed, python=seed, numpy=seed, framework=seed, op_determinism=True)


def most_runs(repeat: int) -> int:
    """How many runs a search takes if no trial must be repeated."""
    return TRIAL_RUNS * (2 + len(ORDER)) + max(repeat, TRIAL_RUNS)


def search(attempt: Attempt, seed: int, repeat: int) -> Search:
    """Run the search; its last trial has at least `repeat` runs.

    Raises `EnvprintError` if the training does not run with nothing set or with everything set.
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
    """The smallest set and, as long as more runs show that it is too small, larger ones."""
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
