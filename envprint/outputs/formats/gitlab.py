"""The report for GitLab's code quality widget: one issue per finding, and what is open.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256

from envprint.core.impact import Impact
from envprint.core.report import NOT_CHECKED_WORD, NOT_JUDGED, Finding, Report
from envprint.core.text import one_line, recordable, without_commands
from envprint.core.typed import Any
from envprint.outputs.formats import View
from envprint.outputs.formats._words import happened

OMITS = OMITS_WITH_ALL = frozenset(
    (
        *("summary", "baseline", "current", "changes", "ignored", "policy", "look_next"),
        *("expected", "also_changed", "policy_notes", "only", "computes_on", "knowledge"),
        "way_back",
    )
)
"""An issue is something to look at: what is as agreed, and what was compared, are none."""
SEVERITIES = {
    Impact.NONE: "info",
    Impact.PERF: "minor",
    Impact.NUMERIC: "major",
    Impact.DIVERGES: "critical",
    Impact.BREAKS: "blocker",
}
PLACE = "envprint.toml"
"""An issue has to be in a file of the repository; the policy's, where the baseline is in none."""


def render(report: Report, view: View = View()) -> str:  # noqa: B008  an immutable value
    """The report as a JSON array that ends with a newline."""
    place = _place(report)
    seen: Counter[str] = Counter()
    issues = []
    for severity, rule, subject, description in _issues(report):
        identity = f"{rule}\n{subject}"
        # One rule may find several things in one place.
        number = f"\n{seen[identity]}" if seen[identity] else ""
        issues.append(_issue(place, severity, rule, f"{identity}{number}", description))
        seen[identity] += 1
    text = json.dumps(recordable(issues), indent=2, ensure_ascii=False)
    return without_commands(text) + "\n"


def _place(report: Report) -> str:
    """The file of the baseline, if it is named by a path inside the repository."""
    name = (report.baseline and report.baseline.reference) or ""
    is_inside = re.fullmatch(r"[A-Za-z0-9_][\w./ -]*\.json", name, re.ASCII) and ".." not in name
    return name if is_inside else PLACE


def _issues(report: Report) -> Iterator[tuple[str, str, str, str]]:
    """Severity, rule, subject and description of each."""
    if report.not_checked is not None:
        yield SEVERITIES[Impact.NUMERIC], NOT_CHECKED_WORD, "", report.not_checked
    for finding in report.findings:
        yield SEVERITIES[finding.impact], finding.rule, _subject(finding), _described(finding)
    for change in report.unjudged:
        read = f"; read {change.read}" if change.read else ""
        text = f"{change.message} ({change.part}): {change.reason}{read}"
        yield SEVERITIES[Impact.PERF], NOT_JUDGED, change.path, f"not judged: {text}"
    for entry in report.undecided:
        text = f"undecided: {entry.path}: {entry.reason}"
        yield SEVERITIES[Impact.NONE], entry.rule, entry.path, text
    for advice in report.advice:
        yield SEVERITIES[Impact.NONE], advice.rule, _subject(advice), _described(advice)


def _subject(finding: Finding) -> str:
    return "\n".join(finding.paths)


def _described(finding: Finding) -> str:
    word = "advice" if finding.advice else finding.impact.word
    fix = f"; fix: {finding.remedy}" if finding.remedy else ""
    return f"{word}: {finding.title}: {happened(finding)}{fix}"


def _issue(place: str, severity: str, rule: str, identity: str, description: str) -> dict[str, Any]:
    """One issue; its fingerprint stays the same while rule and subject do."""
    return {
        "description": one_line(description),
        "check_name": one_line(rule),
        "fingerprint": sha256(identity.encode("utf-8", "backslashreplace")).hexdigest(),
        "severity": severity,
        "location": {"path": place, "lines": {"begin": 1}},
    }
