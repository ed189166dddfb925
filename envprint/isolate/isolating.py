"""The whole search: both ends, the smallest sets, and what was seen on the way.

The ends come first and in turn, so that a drift of the machine or a leftover shows; both have to
repeat themselves and to differ. They run once more at the end; if one has moved, there is no claim.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from envprint.core.errors import EnvprintError
from envprint.core.isolation import Answer, Outcome, Plan, Trial, most_trials
from envprint.core.typed import NamedTuple
from envprint.isolate.memory import Memory
from envprint.isolate.results import Result, apart, is_same
from envprint.isolate.search import Needs, SmallestSets, StopSearch, Unresolved
from envprint.isolate.trials import NotBuiltError, Ran, Trials

BASELINE, CURRENT = "BASELINE", "CURRENT"
HASH_SEED = "PYTHONHASHSEED"
LEAST_TOLERANCES = 4
"""The ends must be this many tolerances apart, or a result could be near both."""


class Limits(NamedTuple):
    """When to stop, and how often to run each end."""

    repeat: int = 3
    max_runs: int | None = None
    max_time_s: float | None = None
    tolerance: float = 0.0


class NotSteady(EnvprintError):
    """A side does not repeat itself, or a trial that decides could not be run."""

    def __init__(self, message: str, *, moved: str | None = None) -> None:
        super().__init__(message)
        self.moved = moved
        """The side that does not repeat itself; None if something else is in the way."""


class Ends(NamedTuple):
    """The result of each side, which has repeated itself."""

    baseline: Result
    current: Result
    runs: int
    noise: tuple[str, ...] = ()
    """What differed from run to run without being a difference."""


class Isolated(NamedTuple):
    """Everything that was found."""

    ends: Ends | None
    """None if a side has given no result that repeats itself."""
    trials: tuple[Trial, ...]
    answer: Answer | None
    """None if both sides give the same result, or if the search could not end."""
    runs: int


Say = Callable[[Trial], object]


class Search:
    """One search. `say` gets each trial as it ends."""

    def __init__(
        self,
        trials: Trials,
        plan: Plan,
        limits: Limits,
        say: Say,
        *,
        log: Callable[[str], object],
        needs: Callable[[], Needs],
        remember: Callable[[Ends], Memory | None],
    ) -> None:
        self._trials = trials
        self._order = tuple(one.name for one in plan.switches)
        self._all = frozenset(self._order)
        self._needs = needs
        self._limits = limits
        self._say = say
        self._log = log
        self._done: list[Trial] = []
        self._runs = 0
        self._ends: Ends | None = None
        self._memory: Memory | None = None
        self._remember = remember
        if limits.max_time_s is not None:
            trials.deadline_s = time.monotonic() + limits.max_time_s

    def run(self) -> Isolated:
        """The answer. Raises `NotSteady` and `EnvprintError`."""
        self._ends = ends = self._run_ends()
        if self._is_same(ends.baseline, ends.current):
            return self.seen()
        self._check_tolerance(ends)
        self._say_how_long()
        self._memory = self._remember(ends)
        try:
            answer = SmallestSets(self._order, self._needs(), self._ask).run()
        except Unresolved:
            raise NotSteady(
                "no trial between the two sides gave a result, so any of the "
                f"{len(self._order)} differences may be the cause"
            ) from None
        if answer.is_minimal:
            self._verify(answer)
        return self.seen(answer)

    def seen(self, answer: Answer | None = None) -> Isolated:
        """What has been seen so far, with an answer if there is one."""
        return Isolated(self._ends, tuple(self._done), answer, self._runs)

    def _run_ends(self) -> Ends:
        found: dict[str, list[Result]] = {BASELINE: [], CURRENT: []}
        for _ in range(self._limits.repeat):
            for side, switched in ((BASELINE, frozenset[str]()), (CURRENT, self._all)):
                result = self._run_end(side, switched)
                found[side].append(result)
                if not self._is_same(found[side][0], result):
                    first, last = found[side][0].shown, result.shown
                    raise NotSteady(
                        f"{side} does not repeat itself: {first}, then {last}"
                        f"{self._hash_seed(switched)}; `envprint probe training --explain` shows "
                        "what makes a training repeat",
                        moved=side,
                    )
        before, after = (found[side][0] for side in (BASELINE, CURRENT))
        if before.is_failure and after.is_failure:
            raise EnvprintError(f"the command fails on both sides: {before.shown}")
        noise = tuple(side for side in found if len({result.raw for result in found[side]}) > 1)
        return Ends(before, after, self._limits.repeat, noise)

    def _hash_seed(self, switched: frozenset[str]) -> str:
        variables = self._trials.variables(switched, self._trials.place_of(switched))
        return "" if variables.get(HASH_SEED) else f" ({HASH_SEED} is not set there)"

    def _say_how_long(self) -> None:
        """How long the search may take, now that the time of a run is known."""
        run_s = self._trials.longest_s
        most = most_trials(len(self._order))
        self._log(
            f"a run takes up to {run_s:.1f} s, so a search for one cause {2 * run_s:.0f} to "
            f"{most * run_s:.0f} s"
        )

    def _run_end(self, side: str, switched: frozenset[str]) -> Result:
        ran = self._counted(switched)
        outcome = Outcome.CURRENT if switched else Outcome.BASELINE
        if ran.result is None:
            self._tell(switched, Outcome.NOT_RUN if ran.is_built else Outcome.NOT_BUILT, ran)
            kind = "could not be run" if ran.is_built else "cannot be built"
            raise NotSteady(f"{side} {kind}: {ran.reason}")
        self._trials.longest_s = max(self._trials.longest_s, ran.seconds)
        self._tell(switched, outcome, ran)
        return ran.result

    def _check_tolerance(self, ends: Ends) -> None:
        tolerance = self._limits.tolerance
        found = apart(ends.baseline, ends.current) if tolerance else None
        if found is not None and found.absolute < LEAST_TOLERANCES * tolerance:
            raise NotSteady(
                f"the two results are {found.absolute:.3g} apart, too near for a tolerance of "
                f"{tolerance:g}: a result could be within it of both"
            )

    def _ask(self, switched: frozenset[str]) -> Outcome:
        key = self._key(switched)
        remembered = self._memory.recall(key) if self._memory else None
        if remembered:
            ran = Ran(None, 0.0, remembered.value)
            self._tell(switched, remembered.outcome, ran, is_remembered=True)
            return remembered.outcome
        self._stop_if_over()
        ran = self._counted(switched)
        outcome = self._outcome(ran)
        if self._memory and ran.result:
            self._memory.keep(key, outcome, ran.result.shown)
        self._tell(switched, outcome, ran)
        return outcome

    def _key(self, switched: frozenset[str]) -> str | None:
        if self._memory is None:
            return None
        try:
            return self._memory.key(switched, self._trials.place_of(switched))
        except NotBuiltError:
            return None  # the trial itself will say so

    def _outcome(self, ran: Ran) -> Outcome:
        assert self._ends
        if ran.result is None:
            return Outcome.NOT_RUN if ran.is_built else Outcome.NOT_BUILT
        for outcome, end in (
            (Outcome.CURRENT, self._ends.current),
            (Outcome.BASELINE, self._ends.baseline),
        ):
            if self._is_same(end, ran.result):
                return outcome
        return Outcome.NOT_RUN if ran.result.is_failure else Outcome.OTHER

    def _verify(self, answer: Answer) -> None:
        """Run the cause and both ends once more. Raises `NotSteady` if one of them has moved."""
        cause = frozenset((*answer.cause, *answer.along))
        for switched, expected, what in (
            (cause, Outcome.CURRENT, "BASELINE with the cause"),
            (frozenset[str](), Outcome.BASELINE, BASELINE),
            (self._all, Outcome.CURRENT, CURRENT),
        ):
            if switched == self._all and what != CURRENT:
                continue
            ran = self._counted(switched)
            outcome = self._outcome(ran)
            self._tell(switched, outcome, ran)
            if outcome is not expected:
                raise NotSteady(
                    f"{what} does not repeat itself: run again, it gave {outcome.value}",
                    moved=CURRENT if expected is Outcome.CURRENT else BASELINE,
                )

    def _stop_if_over(self) -> None:
        limits, deadline_s = self._limits, self._trials.deadline_s
        is_late = deadline_s is not None and time.monotonic() >= deadline_s
        if is_late or (limits.max_runs is not None and self._runs >= limits.max_runs):
            raise StopSearch

    def _counted(self, switched: frozenset[str]) -> Ran:
        self._runs += 1
        return self._trials.run(switched)

    def _tell(
        self, switched: frozenset[str], outcome: Outcome, ran: Ran, *, is_remembered: bool = False
    ) -> None:
        names = tuple(name for name in self._order if name in switched)
        value = ran.result.shown if ran.result and outcome.is_result else ran.reason
        number = len(self._done) + 1
        trial = Trial(number, names, outcome, value, ran.seconds, is_remembered)
        self._done.append(trial)
        self._say(trial)

    def _is_same(self, first: Result, second: Result) -> bool:
        return is_same(first, second, self._limits.tolerance)
