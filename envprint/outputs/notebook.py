"""Reports and fingerprints as HTML for notebooks: one compact table, complete in itself.

It takes the colours of the page, so that it suits a dark one too. Text from a document may be
hostile: markup in it is escaped, and so are control and direction characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from envprint.core.comparison import Change
from envprint.core.fingerprint import Fingerprint
from envprint.core.report import DEVICES, Finding, Report, Summary, first_word
from envprint.core.summary import summarise
from envprint.core.text import one_line
from envprint.core.typed import Any
from envprint.outputs.fingerprint import absent, present, sections, unknown_inside

MAX_TEXT = 2000
"""Letters of a text that are shown."""
MAX_ROWS = 200
"""Rows of one table that are shown; further ones are only counted."""
_STYLE = (
    "<style>.envprint table{border-collapse:collapse}.envprint th,.envprint td"
    "{text-align:left;vertical-align:top;padding:0.1em 0.8em 0.1em 0}</style>"
)
"""Notebooks align cells to the right. It names no colour."""

Rows = Iterable[Sequence[Any]]


def report_html(report: Report) -> str:
    """The verdict, what was compared, the findings, and the rest folded."""
    parts = [
        f"<p><b>{_text(first_word(report, report.impact))}</b> {_text(report.summary)}</p>",
        _table((), _head(report)),
        _table(("impact", "finding", "before → after", "what to do", "rule"), _findings(report)),
        *_folded(report),
    ]
    return _page("".join(parts))


def fingerprint_html(fingerprint: Fingerprint) -> str:
    """The machine in a few lines, then each section folded."""
    summary = summarise(fingerprint)
    head = [
        *([("label", summary.label)] if summary.label else []),
        ("captured", summary.captured_at),
        ("digest", fingerprint.digest),
        *summary.lines,
    ]
    parts = [
        _details(path.removeprefix("facts."), (), _fields(path, fields, fingerprint.unknown))
        for path, fields in sections(fingerprint)
    ]
    return _page(_table((), head) + "".join(parts))


def _page(content: str) -> str:
    return f'<div class="envprint">{_STYLE}{content}</div>'


def _head(report: Report) -> Iterator[Sequence[Any]]:
    if report.not_checked is not None:
        yield "not checked", report.not_checked
    if report.likely_causes:
        titles = {finding.rule: finding.title for finding in report.findings}
        yield "likely", "; ".join(titles.get(rule, rule) for rule in report.likely_causes)
    if report.only:
        yield "only", f"{', '.join(report.only)}; no other section was judged"
    if report.baseline:
        yield "baseline", _side(report.baseline)
    yield "current", _side(report.current)
    frameworks = ", ".join(report.workload.frameworks) or "no framework found"
    yield "workload", f"{frameworks}; on {DEVICES[report.workload.device]}"
    if report.policy is not None:
        yield "policy", report.policy


def _side(summary: Summary) -> str:
    named = (summary.reference, summary.label, summary.prefix)
    return ", ".join((*filter(None, named), summary.captured_at, summary.digest[:19]))


def _findings(report: Report) -> Iterator[Sequence[Any]]:
    for finding in report.findings:
        what = "; ".join(filter(None, (finding.message or finding.title, finding.probed_equal)))
        step = _step(finding.before, finding.after)
        yield finding.impact.word, what, step, finding.remedy, finding.rule


def _folded(report: Report) -> Iterator[str]:
    unjudged = ((u.name, _step(u.before, u.after), u.role, u.read) for u in report.unjudged)
    yield _details("not judged", ("name", "before → after", "role", "read"), unjudged)
    expected = ((entry.message, entry.reason) for entry in report.expected)
    yield _details("expected", ("difference", "reason"), expected)
    came_too = ((rule,) for rule in report.also_changed)
    yield _details("came with what was expected", (), came_too)
    undecided = ((entry.rule, entry.path, entry.reason) for entry in report.undecided)
    yield _details("undecided", ("rule", "unknown", "reason"), undecided)
    yield _details("other changes", ("path", "before → after"), map(_change, report.changes))
    yield _details("advice", ("advice", "what to do", "rule"), map(_advice, report.advice))
    ignored = ((entry.rule, entry.message, entry.reason) for entry in report.ignored)
    yield _details("ignored", ("rule", "finding", "reason"), ignored)
    yield _details("policy", (), ((note,) for note in report.policy_notes))
    yield _details("look at", (), ((text,) for text in report.look_next))


def _change(change: Change) -> Sequence[Any]:
    return change.path, _step(change.before, change.after)


def _advice(advice: Finding) -> Sequence[Any]:
    return advice.message or advice.title, advice.remedy, advice.rule


def _fields(
    path: str, fields: Mapping[str, Any], unknown: Mapping[str, str]
) -> Iterator[Sequence[Any]]:
    yield from present(fields)
    if empty := absent(fields):
        yield "none", ", ".join(empty)
    for name, reason in unknown_inside(path, unknown):
        yield name, f"unknown: {reason}"


def _step(before: Any, after: Any) -> str:
    """`before → after`, the order everywhere; a state has no value before."""
    if before is None and after is None:
        return ""
    return f"{_short(before)} → {_short(after)}"


def _short(value: Any) -> str:
    if value is None or value in ({}, []):
        return "none"
    return "empty" if value == "" else str(value)


def _details(title: str, columns: Sequence[str], rows: Rows) -> str:
    """A table that a click unfolds; nothing without rows."""
    listed = list(rows)
    if not listed:
        return ""
    name = f"{_text(title)} ({len(listed)})"
    return f"<details><summary>{name}</summary>{_table(columns, listed)}</details>"


def _table(columns: Sequence[str], rows: Rows) -> str:
    listed = list(rows)
    if not listed:
        return ""
    head = f"<tr>{''.join(_cell('th', name) for name in columns)}</tr>" if columns else ""
    body = "".join(
        f"<tr>{''.join(_cell('td', value) for value in row)}</tr>" for row in listed[:MAX_ROWS]
    )
    more = f"<p>and {len(listed) - MAX_ROWS} more</p>" if len(listed) > MAX_ROWS else ""
    return f"<table>{head}{body}</table>{more}"


def _cell(kind: str, value: Any) -> str:
    return f"<{kind}>{_text(_short(value))}</{kind}>"


def _text(text: str) -> str:
    """`text` as it can stand anywhere in HTML, on one line and not too long."""
    shown = one_line(text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…")
    return escape(shown)
