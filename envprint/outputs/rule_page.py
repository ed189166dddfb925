"""A rule as a page: the common source of `envprint explain` and docs/rules/."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.report import HOW_WELL_KNOWN, MEANING
from envprint.core.rule import Rule, source
from envprint.core.shell import kind


def page(rule: Rule) -> str:
    """The page of `rule`, in Markdown that also reads well as plain text."""
    return "\n".join(_lines(rule)) + "\n"


def _what_to_do(rule: Rule) -> str:
    remedy = rule.remedy if kind(rule.remedy) == "text" else f"    {rule.remedy}"
    return "\n\n".join(filter(None, (remedy, rule.note)))


def _lines(rule: Rule) -> Iterator[str]:
    yield f"# {rule.id}"
    yield ""
    yield f"{rule.title}."
    yield ""
    kind = "Advice; " if rule.advice else ""
    yield f"* {kind}impact at most: **{rule.impact.word}** ({MEANING[rule.impact]})"
    yield f"* confidence: {rule.confidence.value} ({HOW_WELL_KNOWN[rule.confidence]})"
    yield f"* applies: {rule.applies.text}"
    yield f"* looks at: {', '.join(f'`{path}`' for path in rule.watches)}"
    if rule.yields_to:
        yield f"* silent beside: {', '.join(rule.yields_to)}"
    if rule.probed:
        yield (
            "* decided by: numeric probes on both sides, which show its effect or that it has none"
        )
    for title, text in (
        ("Why", rule.why),
        ("When it does not apply", rule.not_when),
        ("What to do", _what_to_do(rule)),
    ):
        yield from ("", f"## {title}", "", text)
    yield from ("", "## Evidence", "")
    yield from (f"* {evidence.what}: {source(evidence)}" for evidence in rule.evidence)
