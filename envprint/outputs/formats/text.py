"""The report for people: a screen with verdict, causes and fixes, then as much as is wanted.

It reads the same without colour. Text from a document may be hostile: control and direction
characters are shown as escapes and never reach the terminal.
"""

from __future__ import annotations

from envprint.core.report import Report
from envprint.core.text import one_line
from envprint.outputs.formats import ALL, LIKELY, QUIET, View
from envprint.outputs.formats._screen import first_screen, verdict_sentence, verdict_word

OMITS = frozenset(
    (
        *("summary", "findings", "changes", "unjudged", "undecided", "advice", "ignored"),
        *("expected", "also_changed", "policy_notes"),
    )
)
"""Parts that are counted and not shown whole, unless all details are wanted. Of the summary the
first screen makes lines of their own."""
OMITS_WITH_ALL = frozenset({"summary"})


def render(report: Report, view: View = View()) -> str:  # noqa: B008  an immutable value
    """The report as text that ends with a newline."""
    if report.way_back is not None:
        from envprint.outputs.formats._way_back import render as render_way_back

        return render_way_back(report, report.way_back, view)
    if view.details == QUIET:
        return f"{verdict_word(report, view)} {one_line(verdict_sentence(report, view))}\n"
    lines = [*first_screen(report, view)]
    has_more = report.findings or report.unjudged or (view.strict and report.advice)
    if view.details == ALL or (view.details == LIKELY and has_more):
        from envprint.outputs.formats._details import in_full, likely

        lines += (in_full if view.details == ALL else likely)(report, view)
    return "\n".join(lines) + "\n"
