"""From a wish to a search: the plan, the environments, the directory to work in, the answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from envprint.core.errors import EnvprintError, UnknownValueError
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.isolation import (
    CONFIRMED,
    CONTRADICTED,
    EQUAL,
    FOUND,
    NOT_REPEATABLE,
    NOT_SEEN,
    UNRESOLVED,
    Answer,
    Isolation,
    Outcome,
    Plan,
    Side,
    Trial,
)
from envprint.core.redact import safe_arguments
from envprint.core.report import Report
from envprint.core.typed import NamedTuple
from envprint.documents.codec import fingerprint_shape
from envprint.isolate import command
from envprint.isolate.cap_switches import with_caps
from envprint.isolate.code_switch import Codes, with_code
from envprint.isolate.isolating import BASELINE, CURRENT, Isolated, Limits, NotSteady, Search
from envprint.isolate.memory import Memory
from envprint.isolate.places import Places, is_needed
from envprint.isolate.probe_job import probe_job
from envprint.isolate.results import apart, selector
from envprint.isolate.switches import plan
from envprint.isolate.trials import Job, Place, Trials
from envprint.isolate.variables import variables_of
from envprint.isolate.work import work_directory
from envprint.judging.compare import compare_without_secrets
from envprint.machine.os_calls import cpus

Log = Callable[[str], None]


class Wish(NamedTuple):
    """What a user wants to know."""

    command: tuple[str, ...]
    """Empty if the result is that of the training probe."""
    result: str
    directory: str
    is_in_place: bool
    limits: Limits
    trust: bool = False
    """Whether documents may name code: variables that load it, repositories, URLs."""
    with_code: bool = False
    """Whether the commit is switched as well."""


class Prepared(NamedTuple):
    """A search that is about to begin; nothing was built or run so far."""

    wish: Wish
    sides: tuple[Fingerprint, Fingerprint]
    report: Report
    plan: Plan
    here: Place
    work: str
    codes: Codes

    def run(self, log: Log, say: Callable[[Trial], object]) -> Isolation:
        """Build and search. `say` gets each trial. Raises `EnvprintError`."""
        wish = self.wish
        places = self._places(log)
        plan = places.plan if places else self.plan
        job = self._job()
        place_of = places.of if places else lambda _: self.here
        trials = Trials(job, plan, self.sides, place_of, self.work)
        needs = places.needs if places else dict[str, frozenset[str]]
        search = Search(
            trials,
            plan,
            wish.limits,
            say,
            log=log,
            needs=needs,
            remember=lambda ends: Memory(
                trials, job, (ends.baseline, ends.current), wish.limits.tolerance
            ),
        )
        try:
            found, stop = search.run(), None
        except NotSteady as error:
            found, stop = search.seen(), error
        return self._whole(found, stop, plan, tuple(places.notes) if places else ())

    def _job(self) -> Job:
        wish, wanted = self.wish, selector(self.wish.result)
        if not wanted.is_probe:
            return Job(wish.command, wanted, wish.directory, wish.is_in_place, self.codes)
        directory = os.path.join(self.work, "empty")
        os.mkdir(directory)
        return Job(probe_job(self.report.workload).command, wanted, directory)

    def _places(self, log: Log) -> Places | None:
        """The environments of trials; None if every trial runs in the active one."""
        try:
            if not is_needed(self.plan, self.sides[1], self.here):
                return None
            places = Places(self.plan, self.sides, self.here, self.work, log, trust=self.wish.trust)
        except UnknownValueError as error:
            raise EnvprintError(f"isolate: an environment cannot be built: {error}") from None
        places.prepare()
        return places

    def _whole(
        self, found: Isolated, stop: NotSteady | None, plan: Plan, notes: tuple[str, ...]
    ) -> Isolation:
        ends, answer = found.ends, found.answer
        results = (ends.baseline, ends.current) if ends else None
        moved = stop.moved if stop else None
        sides = [
            _side(side, results[at].shown if results else None, moved, name)
            for at, (name, side) in enumerate(zip((BASELINE, CURRENT), self.sides, strict=True))
        ]
        return Isolation(
            outcome=_outcome(found, stop),
            baseline=sides[0],
            current=sides[1],
            command=self._command(),
            result=self.wish.result,
            tolerance=self.wish.limits.tolerance,
            plan=plan,
            trials=found.trials,
            runs=found.runs,
            answer=answer,
            reason=str(stop or ""),
            fails=bool(results and any(one.is_failure for one in results)),
            apart=apart(*results) if answer and results else None,
            noise=ends.noise if ends else (),
            rules=tuple(_rules(self.report, plan, answer)) if answer else (),
            notes=notes,
        )

    def _command(self) -> tuple[str, ...]:
        """The command, for people."""
        if selector(self.wish.result).is_probe:
            return probe_job(self.report.workload).in_words
        return tuple(safe_arguments(self.wish.command))


def _outcome(found: Isolated, stop: NotSteady | None) -> str:
    if stop is not None:
        return NOT_REPEATABLE if stop.moved else UNRESOLVED
    if found.answer is None:
        return EQUAL
    return FOUND if found.answer.is_minimal else UNRESOLVED


@contextmanager
def prepared(
    wish: Wish, sides: tuple[Fingerprint, Fingerprint], report: Report, here: Place, log: Log
) -> Iterator[Prepared]:
    """A block in which there is a plan and a directory to work in. Raises `EnvprintError`."""
    is_probe = selector(wish.result).is_probe
    words = probe_job(report.workload).command if is_probe else wish.command
    comparison = compare_without_secrets(*sides, fingerprint_shape())
    planned = with_caps(
        plan(comparison, report, len(cpus()), trust=wish.trust), sides, report, here.python
    )
    codes = Codes()
    if wish.with_code:
        planned, codes = with_code(planned, sides, wish.directory, here.python)
    if not planned.switches:
        raise EnvprintError(_nothing_to_switch(planned))
    variables = variables_of(planned, (), sides, here.prefix, os.environ)
    command.check(words, variables, wish.directory, here.prefix, log)
    with work_directory() as work:
        yield Prepared(wish, sides, report, planned, here, work, codes)


def _nothing_to_switch(planned: Plan) -> str:
    if not planned.fixed:
        return "isolate: nothing differs between the two, so there is nothing to switch"
    named = "; ".join(f"{one.what}: {one.reason}" for one in planned.fixed[:5])
    return f"isolate: nothing that differs can be switched here ({named})"


def _side(side: Fingerprint, value: str | None, moved: str | None, name: str) -> Side:
    reference = side.reference or side.label
    repeats = False if name == moved else True if value is not None else None
    return Side(reference, side.digest, side.captured_at, value, repeats)


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
