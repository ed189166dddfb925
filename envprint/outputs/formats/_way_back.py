"""The way back as one block for a shell: each line is a command or a comment."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.report import Report
from envprint.core.text import one_line, plain
from envprint.core.way_back import Step, WayBack
from envprint.outputs.formats import View
from envprint.outputs.formats._screen import verdict_sentence, verdict_word


def render(report: Report, way: WayBack, view: View) -> str:
    """The block as text that ends with a newline, without colour: it is to be pasted or saved."""
    return "\n".join(_lines(report, way, view._replace(colour=False))) + "\n"


def _lines(report: Report, way: WayBack, view: View) -> Iterator[str]:
    yield _comment(f"{verdict_word(report, view)} {verdict_sentence(report, view)}")
    yield _comment(f"The way back to {_name(report)}, to run where the job runs:")
    yield from map(_step, way.steps)
    if not way.steps:
        yield "# no command is needed, or none is known"
    if way.in_program:
        yield "# In the program:"
        for one in way.in_program:
            yield from (f"#   {plain(line)}  ({one.removes})" for line in one.code.splitlines())
    if way.without:
        yield "# Without a command:"
        for gap in way.without:
            yield _comment(f"  {gap.rule}: {gap.message}. {gap.remedy}")


def _name(report: Report) -> str:
    side = report.baseline
    return (side and (side.reference or side.label)) or "the baseline"


def _step(step: Step) -> str:
    about = ", ".join(step.removes)
    text = ": ".join(filter(None, (about, step.note)))
    return f"{plain(step.command)}  # {one_line(text)}"


def _comment(text: str) -> str:
    indent = " " * (len(text) - len(text.lstrip()))
    return f"# {indent}{one_line(text)}"
