"""The texts of a `DriftError`, why a check refuses, and of a `DriftWarning`, what it lets pass.

One line per reason. An error names each finding that reached the threshold, with its rule and
remedy; the rest is in the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from envprint.core.impact import Impact
from envprint.core.report import MEANING, Finding, Report, Undecided, Unjudged, counted
from envprint.core.text import one_line, plain

_INDENT = 10
"""Width of the longest impact name, and padding."""
MAX_LINES = 12
"""Reasons in one warning; further ones are only counted."""


def refusal(report: Report, fail_on: Impact, strict: bool = False) -> str:
    """The reasons, worst first; a single reason takes one line, and its note the next."""
    findings = report.reaching(fail_on, strict)
    if len(findings) == 1:
        (only,) = findings
        first, *note = _to_do(only)
        return "\n".join([f"{only.impact.word}: {_said(only)}; do: {first}", *note])
    if findings:
        worst = findings[0].impact
        return "\n".join([f"{worst.word}: {MEANING[worst]}", *_listed(findings)])
    return "\n".join(_left_open(report, fail_on))


def _left_open(report: Report, fail_on: Impact) -> Iterator[str]:
    """What `on_unknown = "fail"` does not let pass."""
    if report.not_checked is not None:
        yield f"not checked: {one_line(report.not_checked)}"
    for change in report.unjudged:
        yield one_line(f"not judged: {change.name} {change.before} → {change.after}")
    undecided = report.undecided_reaching(fail_on)
    if undecided:
        yield from _undecided(undecided)


def remark(report: Report, on_unknown: str) -> str:
    """What a check that does not refuse should say; empty if there is nothing. Short lines."""
    lines = remarks_on(report, on_unknown)
    if len(lines) == 1:
        return f"envprint: {lines[0]}"
    if len(lines) > MAX_LINES:
        lines[MAX_LINES:] = [f"and {len(lines) - MAX_LINES} more, in its .report"]
    return "\n  ".join(["envprint: the check passes, but:", *lines]) if lines else ""


def remarks_on(report: Report, on_unknown: str) -> list[str]:
    """A line for each finding, and for what was not checked or not judged.

    What nobody has judged is unknown, which a policy may ignore.
    """
    lines = [f"{finding.impact.word}: {_said(finding)}" for finding in report.findings]
    if report.not_checked is not None:
        lines.insert(0, f"not checked: {one_line(report.not_checked)}")
    if on_unknown != "ignore":
        lines += [f"not judged: {_step(entry)}" for entry in report.unjudged]
    return lines


def _step(entry: Unjudged) -> str:
    """`transformers 4.45.2 → 4.46.0 (trains)`"""
    before, after = ("absent" if side is None else side for side in (entry.before, entry.after))
    return one_line(f"{entry.name} {before} → {after} ({entry.part})")


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
