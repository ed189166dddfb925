"""The report as JUnit XML, which every service that runs tests shows: a test case per finding.

A finding that reaches the threshold fails; what is undecided or not judged is skipped.
https://github.com/testmoapp/junitxml
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from html import escape

from envprint.core.report import NOT_JUDGED, Finding, Report, Summary, first_word
from envprint.core.text import one_line, unicode_text
from envprint.core.typed import NamedTuple
from envprint.outputs.formats import ALL, View
from envprint.outputs.formats._words import compared, happened, short

OMITS = OMITS_WITH_ALL = frozenset({"way_back"})
SUITE = "envprint"
CHECKED = "environment-is-checked"
"""The case that every report has: a suite without cases looks like a failure of its own."""
_NOT_XML = "[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""What an XML 1.0 document may not hold, not even as a reference."""


class Case(NamedTuple):
    """One test case."""

    rule: str
    subject: str
    failure: str = ""
    """The impact, where it fails."""
    skipped: bool = False
    message: str = ""
    output: str = ""
    """Lines that explain it."""


def render(report: Report, view: View = View()) -> str:  # noqa: B008  an immutable value
    """The report as an XML document that ends with a newline."""
    cases = [*_cases(report, view)]
    failures, skipped = (sum(map(bool, column)) for column in list(zip(*cases, strict=True))[2:4])
    counts = f'tests="{len(cases)}" failures="{failures}" errors="0" skipped="{skipped}" time="0"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="{SUITE}" {counts}>',
        f'  <testsuite name="{SUITE}" {counts} timestamp="{_xml(_when(report.current))}">',
        "    <properties>",
        *(f'      <property name="{_xml(n)}" value="{_xml(v)}"/>' for n, v in _about(report)),
        "    </properties>",
        *_elements(cases),
        *_output("system-out", _changes(report), "    "),
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _when(side: Summary) -> str:
    return side.captured_at.removesuffix("Z")


def _about(report: Report) -> Iterator[tuple[str, str]]:
    yield "verdict", first_word(report, report.impact)
    yield "summary", report.summary
    yield from compared(report, View(details=ALL))
    if report.only:
        yield "only", report.only_in_words()
    for name, texts in (
        ("likely cause", report.likely_causes),
        ("look next", report.look_next),
        ("came with what was expected", report.also_changed),
        ("policy note", report.policy_notes),
    ):
        yield from ((name, text) for text in texts)


def _changes(report: Report) -> Iterator[str]:
    for change in report.changes:
        yield f"{change.path}: {short(change.before)} → {short(change.after)}"


# Cases.


def _cases(report: Report, view: View) -> Iterator[Case]:
    reason = report.not_checked
    yield Case(CHECKED, "", skipped=reason is not None, message=reason or "")
    for finding in report.findings:
        yield _finding(finding, is_failure=finding.impact >= view.fail_on)
    for advice in report.advice:
        yield _finding(advice, is_failure=view.strict and advice.impact >= view.fail_on)
    for change in report.unjudged:
        message = f"{change.message} ({change.part}): {change.reason}"
        yield Case(NOT_JUDGED, change.name, skipped=True, message=message, output=change.read or "")
    for entry in report.undecided:
        yield Case(entry.rule, entry.path, skipped=True, message=entry.reason)
    for left_out in report.ignored:
        until = f", until {left_out.expires}" if left_out.expires else ""
        message = f"ignored by the policy: {left_out.reason}{until}"
        yield Case(left_out.rule, left_out.message, skipped=True, message=message)
    for expected in report.expected:
        output = f"{expected.message}\nexpected by the policy: {expected.reason}"
        yield Case(expected.rule or "change", expected.path, output=output)


def _finding(finding: Finding, *, is_failure: bool) -> Case:
    return Case(
        finding.rule,
        next(iter(finding.paths), ""),
        failure=finding.impact.word if is_failure else "",
        message=happened(finding),
        output="\n".join(_explained(finding)),
    )


def _explained(finding: Finding) -> Iterator[str]:
    yield one_line(happened(finding))
    yield one_line(f"{'advice' if finding.advice else finding.impact.word}: {finding.title}")
    for label, text in (
        ("not seen", finding.probed_equal),
        ("why", finding.why),
        ("unless", finding.not_when),
        ("fix", finding.remedy),
        ("note", finding.note),
    ):
        if text:
            yield one_line(f"{label}: {text}")
    for source in finding.evidence:
        yield one_line(f"evidence ({finding.confidence.value}): {source}")


def _elements(cases: Iterable[Case]) -> Iterator[str]:
    name_of = _unique_names()
    for case in cases:
        name = f"{case.rule}: {case.subject}" if case.subject else case.rule
        opening = f'    <testcase classname="{SUITE}" name="{_xml(name_of(name))}" time="0"'
        message = f'message="{_xml(case.message)}"'
        if case.failure:
            yield f"{opening}>"
            yield f'      <failure type="{case.failure}" {message}>{_text(case.output)}</failure>'
        elif case.skipped:
            yield f"{opening}>"
            yield f"      <skipped {message}/>"
            yield from _output("system-out", case.output.splitlines(), "      ")
        elif case.output:
            yield f"{opening}>"
            yield from _output("system-out", case.output.splitlines(), "      ")
        else:
            yield f"{opening}/>"
            continue
        yield "    </testcase>"


def _unique_names() -> Callable[[str], str]:
    """A function that numbers a name from its second use on."""
    used: dict[str, int] = {}

    def name_of(name: str) -> str:
        safe = _safe(name)
        used[safe] = used.get(safe, 0) + 1
        return safe if used[safe] == 1 else name_of(f"{safe} ({used[safe]})")

    return name_of


def _output(element: str, lines: Iterable[str], indent: str) -> Iterator[str]:
    text = _text("\n".join(one_line(line) for line in lines))
    if text:
        yield f"{indent}<{element}>{text}</{element}>"


def _text(lines: str) -> str:
    """Lines, each of them safe."""
    return "\n".join(map(_xml, lines.splitlines()))


def _xml(text: str) -> str:
    """`text` on one line, as it can stand anywhere in XML."""
    return escape(_safe(text))


def _safe(text: str) -> str:
    return re.sub(_NOT_XML, _escaped, one_line(unicode_text(text)))


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
