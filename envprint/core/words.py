"""Sentences and words that several packages print."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from envprint.core.comparison import Comparison
from envprint.core.impact import Confidence, Impact
from envprint.core.report import Finding, Report, Undecided
from envprint.core.rule import Evidence

MEANING = {
    Impact.NONE: "the same bits",
    Impact.PERF: "the same bits, at another speed",
    Impact.NUMERIC: "other rounding: equal at first, further apart with every step",
    Impact.DIVERGES: "a different run from the first step",
    Impact.BREAKS: "probably does not run",
}
"""What each impact means for the same code on the same data."""
DEVICES = {"cpu": "the CPU", "gpu": "a GPU"}
"""The name of each device inside a sentence."""
HOW_WELL_KNOWN = {
    Confidence.DOCUMENTED: "a vendor, a project or its maintainers say so",
    Confidence.MEASURED: "seen in a measurement",
    Confidence.INFERRED: "concluded from a like case",
}
"""What each confidence means."""


def headline(
    findings: Sequence[Finding],
    causes: Sequence[str],
    otherwise: str,
    look: str,
    undecided: Sequence[Undecided],
) -> str:
    """The verdict in one sentence: the likeliest cause, or `otherwise` if there is no finding.

    `findings` are in the order of a report, worst first; `look` is where else to look.
    """
    text = _found(findings, causes) if findings else otherwise
    look = f"if results differ, {look}" if look else ""
    return "; ".join(filter(None, (text, look, doubts(undecided))))


def without_findings(comparison: Comparison | None, some_ignored: bool) -> str:
    """The verdict without findings: no change, only live values changed, or harmless changes."""
    if comparison is None:
        return "nothing found here that changes a training result"
    if not comparison.changes:
        return "no difference"
    if not some_ignored and all(change.path.startswith("live.") for change in comparison.changes):
        return "no difference but in values of the moment"
    but = ", but for what the policy leaves out," if some_ignored else ""
    return f"nothing that differs{but} is known to change a training result"


def verdict(report: Report, strict: bool) -> tuple[Impact, str]:
    """The impact and the headline; with `strict`, those of the worst advice if that is worse."""
    worst = max(report.advice, key=lambda advice: advice.impact, default=None) if strict else None
    if worst is None or worst.impact <= report.impact:
        return report.impact, report.summary
    others = len(report.advice) - 1
    more = f", and {others} more" if others else ""
    advice = f"{_inside_sentence(worst.title)} (advice, which --strict counts{more})"
    text = f"{MEANING[worst.impact]}: {advice}; without advice: {report.summary}"
    return worst.impact, text


def _found(findings: Sequence[Finding], causes: Sequence[str]) -> str:
    """What the worst finding means, the likeliest cause, and how many more there are."""
    seen = not all(finding.not_seen for finding in findings)
    impact = findings[0].impact
    meaning = MEANING[impact] if seen else "not seen here, as both sides were probed"
    first = next(iter(causes), findings[0].rule)
    title = next(finding.title for finding in findings if finding.rule == first)
    others = len(findings) - 1
    more = f" (and {others} more)" if others else ""
    return f"{meaning}: {_inside_sentence(title)}{more}"


def doubts(undecided: Sequence[Undecided]) -> str:
    """How many rules could not be decided, advice not counted; empty if there are none."""
    rules = {entry.rule for entry in undecided if entry.impact > Impact.NONE}
    return f"{counted(rules, 'rule')} could not be decided" if rules else ""


def counted(things: Collection[object], noun: str) -> str:
    """A count with its noun: `1 rule`, `3 rules`."""
    return f"{len(things)} {noun}" + ("" if len(things) == 1 else "s")


def source(evidence: Evidence) -> str:
    """The source of a claim: a URL, or the outcome of a measurement of this project."""
    if evidence.measured is None:
        return evidence.url or "no other source"
    from envprint.core.measurements import OUTCOMES

    outcome = OUTCOMES.get(evidence.measured, "as its row says")
    return f"measured {outcome} ({evidence.measured})"


def _inside_sentence(title: str) -> str:
    """`title` as it continues after a colon: names such as NumPy and LD_PRELOAD keep their case."""
    word = title.partition(" ")[0].partition("'")[0]
    return title if word != word.capitalize() else title[0].lower() + title[1:]
