"""The report as CSV for a spreadsheet: one row for each finding, change or open question.

A cell that a spreadsheet would compute begins with an apostrophe:
https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from envprint.core.report import Finding, Report, Unjudged
from envprint.core.text import one_line
from envprint.core.typed import Any
from envprint.outputs.formats import View

OMITS = OMITS_WITH_ALL = frozenset(
    (
        *("baseline", "current", "policy", "look_next", "only", "computes_on", "knowledge"),
        "way_back",
    )
)
"""A row is something that was found; what was compared is none."""
COLUMNS = (
    *("kind", "impact", "rule", "path", "before", "after", "message", "reason", "remedy"),
    *("confidence", "evidence"),
)
_COMPUTED = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


def render(report: Report, view: View = View()) -> str:  # noqa: B008  an immutable value
    """The report as CSV with a row of names; every cell is quoted."""
    return written(COLUMNS, rows(report))


def written(columns: Sequence[str], items: Iterable[Mapping[str, Any]]) -> str:
    """A row of names and a row for each item."""
    text = io.StringIO()
    # Each cell is on one line, so that a reader of lines reads rows.
    writer = csv.DictWriter(text, columns, "", quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(row[key]) for key in row} for row in items)
    return text.getvalue()


def rows(report: Report) -> Iterator[dict[str, Any]]:
    """The verdict, and all that was found or is open."""
    word = report.impact.word if report.not_checked is None else "not checked"
    reason = report.not_checked or ""
    yield {"kind": "verdict", "impact": word, "message": report.summary, "reason": reason}
    yield from ({"kind": "finding"} | of_finding(finding) for finding in report.findings)
    yield from ({"kind": "not judged"} | _open(change) for change in report.unjudged)
    for entry in report.undecided:
        yield {"kind": "undecided"} | entry._asdict() | {"impact": entry.impact.word}
    for change in report.changes:
        row = {"path": change.path, "before": change.before, "after": change.after}
        yield {"kind": "change", **row, "message": change.kind}
    yield from ({"kind": "advice"} | of_finding(advice) for advice in report.advice)
    yield from _agreed(report)


def _agreed(report: Report) -> Iterator[dict[str, Any]]:
    """What the policy says of this report."""
    yield from ({"kind": "expected"} | expected._asdict() for expected in report.expected)
    for rule in report.also_changed:
        yield {"kind": "came with what was expected", "rule": rule}
    for ignored in report.ignored:
        until = f", until {ignored.expires}" if ignored.expires else ""
        row = {"rule": ignored.rule, "message": ignored.message}
        yield {"kind": "ignored", **row, "reason": f"{ignored.reason}{until}"}
    yield from ({"kind": "policy", "message": note} for note in report.policy_notes)


def _open(change: Unjudged) -> dict[str, Any]:
    return {
        "path": change.path,
        "before": change.before,
        "after": change.after,
        "message": change.message,
        "reason": f"{change.part}: {change.reason}",
        "evidence": change.read,
    }


def of_finding(finding: Finding) -> dict[str, Any]:
    """The cells of a finding."""
    return {
        "impact": finding.impact.word,
        "rule": finding.rule,
        "path": "; ".join(finding.paths),
        "before": finding.before,
        "after": finding.after,
        "message": finding.message or finding.title,
        "reason": " ".join(filter(None, (finding.probed_equal, finding.why))),
        "remedy": " ".join(filter(None, (finding.remedy, finding.note))),
        "confidence": finding.confidence.value,
        "evidence": "; ".join(finding.evidence),
    }


def _cell(value: Any) -> str:
    if value is None:
        return ""
    is_text = isinstance(value, str)
    text = one_line(value if is_text else json.dumps(value, ensure_ascii=False, sort_keys=True))
    is_computed = _COMPUTED.match(text) and not _NUMBER.fullmatch(text)
    return f"'{text}" if is_computed else text
