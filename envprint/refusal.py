"""Why a check refuses, in as many lines as there are reasons: the text of a `DriftError`.

What reached the threshold is named, with its rule and what to do; the rest is in the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from envprint.model import Impact
from envprint.outputs._layout import TOPIC, plain
from envprint.report import Finding, Report, Undecided
from envprint.wording import MEANING, counted


def refusal(report: Report, fail_on: Impact, strict: bool = False) -> str:
    """The reasons, the worst first; a single one is told in one line."""
    findings = report.reaching(fail_on, strict)
    if len(findings) == 1:
        (only,) = findings
        return f"{only.impact.word}: {_said(only)}; do: {_one_line(only.remedy)}"
    if findings:
        worst = findings[0].impact
        return "\n".join([f"{worst.word}: {MEANING[worst]}", *_listed(findings)])
    return "\n".join(_undecided(report.doubtful(fail_on)))


def _listed(findings: Sequence[Finding]) -> Iterator[str]:
    """A line for each finding, and below those of one rule what to do about them."""
    for (_, remedy), alike in groupby(findings, lambda finding: (finding.rule, finding.remedy)):
        for finding in alike:
            yield f"  {finding.impact.word:{TOPIC}}{_said(finding)}"
        yield f"  {'':{TOPIC}}do: {_one_line(remedy)}"


def _said(finding: Finding) -> str:
    return f"{_one_line(finding.message or finding.title)} ({finding.rule})"


def _undecided(doubts: Sequence[Undecided]) -> Iterator[str]:
    rules = {doubt.rule for doubt in doubts}
    yield f"undecided: {counted(rules, 'rule')} that could reach the threshold"
    for doubt in doubts:
        yield f"  {doubt.rule}: {doubt.path}: {_one_line(doubt.reason)}"


def _one_line(text: str) -> str:
    """What a document says may be hostile to a terminal, or have lines of its own."""
    return plain(" ".join(text.split()))
