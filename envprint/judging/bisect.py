"""Finds when each difference appeared, among all records saved between a good and a bad one.

Nothing is run again: each record is compared with the good one, and the findings show when each
difference appeared. One that comes and goes is reported as such. The project's own code is no part
of the environment, but a commit that differs may be all that happened: it counts here as well.
"""

from collections.abc import Callable, Sequence

from envprint.core.fingerprint import Fingerprint
from envprint.core.report import NOT_JUDGED, Finding, Report, Unjudged
from envprint.core.typed import NamedTuple

Judge = Callable[[Fingerprint, Fingerprint], Report]
"""Judges the differences from the first to the second."""


CODE = "code-changed"
"""The one advice that may explain another result by itself."""


class Step(NamedTuple):
    """A finding of the bad record, its code or what is not judged there, and when it appeared."""

    finding: Finding | Unjudged
    before: Fingerprint
    """The last record without it."""
    after: Fingerprint
    """The first record from which on all have it."""
    is_steady: bool
    """Whether no record before `after` had it; otherwise it comes and goes."""


def narrow(
    good: Fingerprint, between: Sequence[Fingerprint], bad: Fingerprint, judge: Judge
) -> list[Step]:
    """Each finding of `bad` against `good`, its other code and what nobody has judged.

    They are in order of appearance. `between` is in order of time.
    """
    line = [good, *between, bad]
    marks_by_record = [_marks(judge(good, record)) for record in line[1:]]
    steps = []
    for finding in _candidates(judge(good, bad)):
        has = [_mark(finding) in marks for marks in marks_by_record]
        first = next((i + 1 for i in reversed(range(len(has))) if not has[i]), 0)
        steps.append(Step(finding, line[first], line[first + 1], not any(has[:first])))
    return sorted(steps, key=lambda step: line.index(step.after))


def _mark(finding: Finding | Unjudged) -> tuple[str, object]:
    """The identity of a finding: its rule, and what it found."""
    if isinstance(finding, Unjudged):
        return NOT_JUDGED, finding.message
    return finding.rule, repr(finding.after)


def _marks(report: Report) -> set[tuple[str, object]]:
    return {_mark(finding) for finding in _candidates(report)}


def _candidates(report: Report) -> list[Finding | Unjudged]:
    code = (advice for advice in report.advice if advice.rule == CODE)
    return [*report.findings, *code, *report.unjudged]
