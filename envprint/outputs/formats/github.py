"""The report for a job of GitHub Actions: annotations, errors first, and the job's summary.

GitHub shows ten annotations of a kind for a step; the tenth says how many more there are. What
goes to the job's summary has everything.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.impact import Impact
from envprint.core.report import Finding, Report, first_word, undecided_rules
from envprint.core.text import one_line
from envprint.core.typed import NamedTuple
from envprint.outputs.formats import Appendix, View
from envprint.outputs.formats._words import counted_findings, happened

OMITS = OMITS_WITH_ALL = frozenset(
    (
        *("summary", "baseline", "current", "findings", "changes", "unjudged", "undecided"),
        *("advice", "ignored", "policy", "look_next", "expected", "also_changed"),
        *("policy_notes", "computes_on", "knowledge", "only", "way_back"),
    )
)
"""An annotation is something to look at; the summary of the job has everything."""
MAX_ANNOTATIONS = 9
MAX_TEXT = 2_000
"""Characters of an annotation: GitHub takes 4,096 bytes of one."""
APPENDIX = Appendix("markdown", "GITHUB_STEP_SUMMARY", 900_000)
"""GitHub refuses a summary above 1 MiB."""
_LEVELS = ("error", "warning", "notice")


class Annotation(NamedTuple):
    """One command for the runner."""

    level: str
    """One of `_LEVELS`."""
    title: str
    text: str


def render(report: Report, view: View = View()) -> str:  # noqa: B008  an immutable value
    """The annotations, a command in each line."""
    found = sorted(_annotations(report, view), key=lambda one: _LEVELS.index(one.level))
    shown, more = found[:MAX_ANNOTATIONS], len(found) - MAX_ANNOTATIONS
    lines = [_command(one) for one in shown]
    if more > 0:
        lines.append(_command(Annotation("notice", "envprint", f"{more} more in the summary")))
    return "\n".join(lines) + "\n"


def _annotations(report: Report, view: View) -> Iterator[Annotation]:
    word = first_word(report, report.impact)
    if report.not_checked is not None:
        yield Annotation("warning", f"envprint: {word}", report.not_checked)
    for finding in counted_findings(report, view):
        title = f"{finding.impact.word}: {finding.title}"
        yield Annotation(_level(finding, view), title, _text(finding))
    for change in report.unjudged:
        read = f"; read {change.read}" if change.read else ""
        text = f"{change.message} ({change.part}): {change.reason}{read}"
        yield Annotation("warning", "not judged", text)
    if rules := sorted(undecided_rules(report.undecided)):
        yield Annotation("notice", "undecided", ", ".join(rules))
    yield Annotation("notice", f"envprint: {word}", report.summary)


def _level(finding: Finding, view: View) -> str:
    if finding.impact >= view.fail_on:
        return "error"
    return "notice" if finding.impact == Impact.NONE else "warning"


def _text(finding: Finding) -> str:
    fix = f" Fix: {finding.remedy}" if finding.remedy else ""
    return f"{happened(finding)}.{fix} ({finding.rule})"


def _command(one: Annotation) -> str:
    text = one_line(one.text)
    text = text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
    title = _data(one_line(one.title)).replace(":", "%3A").replace(",", "%2C")
    return f"::{one.level} title={title}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
