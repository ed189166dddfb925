"""Why a check refuses, in as many lines as there are reasons: the text of a `DriftError`.

What reached the threshold is named, with its rule and what to do; the rest is in the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from envprint.core.impact import Impact
from envprint.core.report import Finding, Report, Undecided
from envprint.core.text import one_line, plain
from envprint.core.words import MEANING, counted

_INDENT = 10
"""Room for the longest name of an impact, and blanks."""


def refusal(report: Report, fail_on: Impact, strict: bool = False) -> str:
    """The reasons, the worst first; a single one is told in one line."""
    findings = report.reaching(fail_on, strict)
    if len(findings) == 1:
        (only,) = findings
        return f"{only.impact.word}: {_said(only)}; do: {plain(only.remedy)}"
    if findings:
        worst = findings[0].impact
        return "\n".join([f"{worst.word}: {MEANING[worst]}", *_listed(findings)])
    return "\n".join(_undecided(report.undecided_reaching(fail_on)))


def _listed(findings: Sequence[Finding]) -> Iterator[str]:
    """A line for each finding, and below those of one rule what to do about them."""
    for (_, remedy), alike in groupby(findings, lambda finding: (finding.rule, finding.remedy)):
        for finding in alike:
            yield f"  {finding.impact.word:{_INDENT}}{_said(finding)}"
        yield f"  {'':{_INDENT}}do: {plain(remedy)}"


def _said(finding: Finding) -> str:
    return f"{one_line(finding.message or finding.title)} ({finding.rule})"


def _undecided(undecided: Sequence[Undecided]) -> Iterator[str]:
    rules = {entry.rule for entry in undecided}
    yield f"undecided: {counted(rules, 'rule')} that could reach the threshold"
    for entry in undecided:
        yield f"  {entry.rule}: {entry.path}: {one_line(entry.reason)}"
