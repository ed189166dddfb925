"""The text of a `DriftError`: why a check refuses, one line per reason.

It names each finding that reached the threshold, with its rule and remedy; the rest is in the
report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from envprint.core.impact import Impact
from envprint.core.report import MEANING, Finding, Report, Undecided, counted
from envprint.core.text import one_line, plain

_INDENT = 10
"""Width of the longest impact name, and padding."""


def refusal(report: Report, fail_on: Impact, strict: bool = False) -> str:
    """The reasons, worst first; a single reason takes one line, without its note."""
    findings = report.reaching(fail_on, strict)
    if len(findings) == 1:
        (only,) = findings
        first, *note = _to_do(only)
        return "\n".join([f"{only.impact.word}: {_said(only)}; do: {first}", *note])
    if findings:
        worst = findings[0].impact
        return "\n".join([f"{worst.word}: {MEANING[worst]}", *_listed(findings)])
    return "\n".join(_undecided(report.undecided_reaching(fail_on)))


def _listed(findings: Sequence[Finding]) -> Iterator[str]:
    """A line for each finding; the remedy follows the findings of its rule."""
    for (_, to_do), alike in groupby(findings, lambda finding: (finding.rule, _to_do(finding))):
        for finding in alike:
            yield f"  {finding.impact.word:{_INDENT}}{_said(finding)}"
        for number, line in enumerate(to_do):
            yield f"  {'':{_INDENT}}{'' if number else 'do: '}{line}"


def _to_do(finding: Finding) -> tuple[str, ...]:
    """The remedy, which ends its line so that it can be pasted, and its note."""
    return tuple(map(plain, filter(None, (finding.remedy, finding.note))))


def _said(finding: Finding) -> str:
    return f"{one_line(finding.message or finding.title)} ({finding.rule})"


def _undecided(undecided: Sequence[Undecided]) -> Iterator[str]:
    rules = {entry.rule for entry in undecided}
    yield f"undecided: {counted(rules, 'rule')} that could reach the threshold"
    for entry in undecided:
        yield f"  {entry.rule}: {entry.path}: {one_line(entry.reason)}"
