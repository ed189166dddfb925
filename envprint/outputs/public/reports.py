"""A report that is safe to post, judged anew from public fingerprints; the verdict is the real one.

What a report says is made of the fingerprints' texts, so what is judged from public ones holds
nothing private. Where a rule cannot see there what it sees in the real ones, its finding stands
without values. What a policy says in its own words is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from envprint.core.fingerprint import Fingerprint
from envprint.core.report import MEANING, Expected, Finding, Ignored, Report
from envprint.outputs.public import public

LEFT_OUT = "the reason is left out of what is public"
_OF_A_POLICY = "required-"
"""How the ids of rules begin that say what a policy requires."""

Judge = Callable[[tuple[Fingerprint, ...]], Report]


def public_report(real: Report, judge: Judge) -> Report:
    """`real` without what a person would not post; `judge` judges the same sides made public."""
    judged = judge(public(*real.sides))
    findings = _merged(real.findings, judged.findings)
    has_all = {one.rule for one in findings} == {one.rule for one in judged.findings}
    undecided = {entry.rule for entry in real.undecided}
    return judged._replace(
        impact=real.impact,
        summary=judged.summary if has_all else MEANING[real.impact],
        findings=findings,
        advice=_merged(real.advice, judged.advice),
        undecided=tuple(entry for entry in judged.undecided if entry.rule in undecided),
        ignored=tuple(map(_ignored, judged.ignored)),
        expected=tuple(map(_expected, judged.expected)),
        likely_causes=real.likely_causes,
        policy=None,
        policy_notes=(),
        not_checked=judged.not_checked if real.not_checked is not None else None,
    )


def _merged(real: Iterable[Finding], judged: Iterable[Finding]) -> tuple[Finding, ...]:
    """The real findings, each as it was judged from public fingerprints, or else without values."""
    found: dict[str, list[Finding]] = {}
    for finding in judged:
        found.setdefault(finding.rule, []).append(finding)
    merged = []
    for finding in real:
        same = found.get(finding.rule)
        is_public = same and not finding.rule.startswith(_OF_A_POLICY)
        one = same.pop(0) if same and is_public else _without_values(finding)
        merged.append(one._replace(impact=finding.impact))
    return tuple(merged)


def _without_values(finding: Finding) -> Finding:
    return finding._replace(
        message=finding.title, paths=(), before=None, after=None, remedy="", probed_equal=None
    )


def _ignored(entry: Ignored) -> Ignored:
    return entry._replace(reason=LEFT_OUT)


def _expected(entry: Expected) -> Expected:
    return entry._replace(reason=LEFT_OUT)
