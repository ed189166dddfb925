"""From a wish to a search: the plan, the environments, the directory to work in, the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from envprint.core.errors import EnvprintError
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.isolation import (
    CONFIRMED,
    CONTRADICTED,
    NOT_SEEN,
    Answer,
    Isolation,
    Outcome,
    Plan,
    Side,
    Trial,
)
from envprint.core.redact import safe_arguments
from envprint.core.report import Report
from envprint.documents.codec import fingerprint_shape
from envprint.isolate import command
from envprint.isolate.isolating import Isolated, Limits, Search
from envprint.isolate.results import apart, selector
from envprint.isolate.switches import plan
from envprint.isolate.trials import Job, Place, Trials
from envprint.isolate.work import work_directory
from envprint.judging.compare import compare_without_secrets
from envprint.machine.os_calls import cpus

Warn = Callable[[str], object]


class Wish(NamedTuple):
    """What a user wants to know."""

    command: tuple[str, ...]
    result: str
    directory: str
    is_in_place: bool
    limits: Limits


class Prepared(NamedTuple):
    """A search that is about to begin."""

    wish: Wish
    sides: tuple[Fingerprint, Fingerprint]
    report: Report
    plan: Plan
    trials: Trials

    def run(self, say: Callable[[Trial], object]) -> Isolation:
        """Search. Raises `NotSteady` and `EnvprintError`."""
        search = Search(self.trials, self.plan, dict, self.wish.limits, say)
        return self._whole(search.run())

    def _whole(self, found: Isolated) -> Isolation:
        ends = found.ends
        return Isolation(
            baseline=_side(self.sides[0], ends.baseline.shown),
            current=_side(self.sides[1], ends.current.shown),
            command=tuple(safe_arguments(self.wish.command)),
            result=self.wish.result,
            tolerance=self.wish.limits.tolerance,
            plan=self.plan,
            trials=found.trials,
            runs=found.runs,
            answer=found.answer,
            apart=apart(ends.baseline, ends.current) if found.answer else None,
            noise=ends.noise,
            rules=tuple(_rules(self.report, self.plan, found.answer)) if found.answer else (),
        )


@contextmanager
def prepared(
    wish: Wish,
    sides: tuple[Fingerprint, Fingerprint],
    report: Report,
    here: Place,
    warn: Warn,
) -> Iterator[Prepared]:
    """A block in which everything for the trials is there. Raises `EnvprintError`."""
    wanted = selector(wish.result)
    comparison = compare_without_secrets(*sides, fingerprint_shape())
    planned = plan(comparison, report, len(cpus()))
    if not planned.switches:
        raise EnvprintError(_nothing_to_switch(planned))
    job = Job(wish.command, wanted, wish.directory, wish.is_in_place)
    with work_directory() as work:
        trials = Trials(job, planned, sides, lambda _: here, work)
        variables = trials.variables((), here)
        command.check(wish.command, variables, wish.directory, here.prefix, warn)
        yield Prepared(wish, sides, report, planned, trials)


def _nothing_to_switch(planned: Plan) -> str:
    if not planned.fixed:
        return "isolate: nothing differs between the two, so there is nothing to switch"
    named = "; ".join(f"{one.what}: {one.reason}" for one in planned.fixed[:5])
    return f"isolate: nothing that differs can be switched here ({named})"


def _side(side: Fingerprint, value: str) -> Side:
    return Side(side.reference or side.label, side.digest, side.captured_at, value)


def _rules(report: Report, planned: Plan, answer: Answer) -> Iterable[tuple[str, str]]:
    """What the search shows of each rule that expects other results of a switch."""
    impacts = {finding.rule: finding.impact for finding in report.findings}
    acting = {*answer.cause, *answer.fix}
    for rule in dict.fromkeys(rule for one in planned.switches for rule in one.rules):
        names = {one.name for one in planned.switches if rule in one.rules}
        alone = {answer.alone.get(name) for name in names}
        if impacts[rule] < Impact.NUMERIC:
            continue
        if names & acting:
            yield rule, CONFIRMED
        elif alone == {Outcome.BASELINE}:
            yield rule, CONTRADICTED
        elif answer.is_minimal:
            yield rule, NOT_SEEN
