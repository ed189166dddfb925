"""The sentences that more than one part of envprint says."""

from __future__ import annotations

from collections.abc import Sequence

from envprint.model import Comparison, Impact
from envprint.report import Finding, Undecided

MEANING = {
    Impact.NONE: "the same bits",
    Impact.PERF: "the same bits, at another speed",
    Impact.NUMERIC: "other rounding: equal at first, further apart with every step",
    Impact.DIVERGES: "a different run from the first step",
    Impact.BREAKS: "probably does not run",
}
"""What each impact means for the same code on the same data."""
DEVICES = {"cpu": "the CPU", "gpu": "a GPU"}
"""How a sentence calls each device."""

LOOK_NEXT = "look at the code, the data and the seeds"


def headline(
    impact: Impact,
    findings: Sequence[Finding],
    comparison: Comparison | None,
    undecided: Sequence[Undecided],
) -> str:
    """The verdict in one sentence."""
    if findings:
        worst = [finding for finding in findings if finding.impact == impact]
        text = f"{MEANING[impact]}: {_inside_sentence(worst[0].title)}"
        others = len(findings) - 1
        text += f" (and {others} more)" if others else ""
    elif comparison is None:
        text = "nothing found here that changes a training result"
    elif comparison.changes:
        text = "nothing that differs is known to change a training result"
    else:
        text = f"no difference; if results differ, {LOOK_NEXT}"
    return "; ".join(filter(None, (text, doubts(undecided))))


def doubts(undecided: Sequence[Undecided]) -> str:
    """How many rules could not be decided, advice left out; empty when all could."""
    count = sum(doubt.impact > Impact.NONE for doubt in undecided)
    rules = "1 rule" if count == 1 else f"{count} rules"
    return f"{rules} could not be decided" if count else ""


def _inside_sentence(title: str) -> str:
    """`title` as it goes on after a colon: names such as NumPy and LD_PRELOAD keep their case."""
    word = title.partition(" ")[0].partition("'")[0]
    return title if word != word.capitalize() else title[0].lower() + title[1:]
