"""A rule as a page: the common source of `envprint explain` and docs/rules/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from envprint.core.report import HOW_WELL_KNOWN, MEANING
from envprint.core.rule import Rule, source
from envprint.core.shell import kind
from envprint.outputs.rule_examples import EXAMPLES, EXPERIMENTS
from envprint.rules import catalogue

MOST_RELATED = 8
_HAPPENED = frozenset(
    "changed switched missing differs limited off on in not of to by the low short old bad known "
    "newer older than may less part two one side unset set version build threads".split()
)
_MEASURE = "python -m tests.benchmarks.accuracy.measure --pair"


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
        ("Example", f"    {EXAMPLES[rule.id]}" if rule.id in EXAMPLES else ""),
    ):
        yield from ("", f"## {title}", "", text) if text else ()
    yield from ("", "## Evidence", "")
    yield from (f"* {evidence.what}: {source(evidence)}" for evidence in rule.evidence)
    yield from _experiments(rule)
    yield from _related(rule)


def _experiments(rule: Rule) -> Iterator[str]:
    """What was done for each measurement, and the command that does it again, in a checkout."""
    pairs = [one.measured for one in rule.evidence if one.measured in EXPERIMENTS]
    if pairs:
        yield from ("", "## Experiment", "")
    for pair in pairs:
        yield f"* {pair}: {EXPERIMENTS[str(pair)]}"
    if pairs:
        yield from ("", "Again, in a checkout (minutes each):", "")
        yield from (f"    {_MEASURE} {pair}" for pair in pairs)


def _related(rule: Rule) -> Iterator[str]:
    if names := related(rule):
        titles = {one.id: one.title for one in catalogue()}
        yield from ("", "## Related", "")
        yield from (f"* {name}: {titles[name]}" for name in names)


def related(rule: Rule) -> list[str]:
    """The rules nearest to it: beside which it is silent, about the same values, the same thing."""
    scores = {one.id: _nearness(rule, one) for one in catalogue() if one.id != rule.id}
    near = [name for name, score in scores.items() if score]
    return sorted(near, key=lambda name: (-scores[name], name))[:MOST_RELATED]


def _nearness(rule: Rule, other: Rule) -> int:
    yields = rule.id in other.yields_to or other.id in rule.yields_to
    shared = _places(rule.id, rule.watches) & _places(other.id, other.watches)
    words = _words(rule.id) & _words(other.id)
    return 4 * yields + 2 * bool(shared) + len(words)


def _words(name: str) -> set[str]:
    """The words of an id that say what it is about, and not what happened to it."""
    return {section_of(name), *name.split("-")} - _HAPPENED


@cache
def _places(name: str, watches: tuple[str, ...]) -> frozenset[str]:
    """The watched paths, without what many rules look at to know the workload."""
    common = ("facts.packages.distributions", "facts.frameworks", "facts.gpu.devices")
    return frozenset(path for path in watches if path not in common)


@cache
def section_of(name: str) -> str:
    """What the rule is about: the file that the id begins with, such as `scikit-learn`."""
    from envprint.rules import file_names

    tops = {re.sub("_", "-", file.partition(".")[0]) for file in file_names()}
    found = [top for top in tops if name.startswith(f"{top}-")]
    return max(found, key=len, default=name.partition("-")[0])
