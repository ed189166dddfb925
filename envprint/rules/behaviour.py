"""The effect of a library's release in which it changed what it does.

The releases are those of `knowledge/known_breaks.json`. Frameworks have rules of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint import knowledge
from envprint.core.comparison import Comparison
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Result, Rule, for_each
from envprint.core.workload import Workload, always
from envprint.knowledge.roles import is_of_job
from envprint.rules.kit.packages import DISTRIBUTIONS, crossed_breaks, equal_for_all, pip_install

_ORDER = ("numeric", "diverges", "breaks")


def _crossed(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    """One match for each library between whose two versions such a release lies."""
    before, after = (
        side.value(DISTRIBUTIONS) or {} for side in (comparison.before, comparison.after)
    )
    if before == after:
        return
    listed = knowledge.names("known_breaks")
    both = [name for name in listed if name in before and name in after]
    yield from for_each(both, lambda name: _of_package(comparison, workload, name))


def _of_package(comparison: Comparison, workload: Workload, name: str) -> Iterator[Match]:
    change = comparison.change(f"{DISTRIBUTIONS}[{name}].version")
    if not change or not change.before or not change.after:
        return
    # A step that was measured to give equal bits is judged, whatever a rare use meets.
    if equal_for_all(name, change.before, change.after):
        return
    found = crossed_breaks(name, change.before, change.after)
    for is_usual in (True, False):
        some = [entry for entry in found if entry.get("usual", False) is is_usual]
        if some:
            match = _match(comparison, name, (change.before, change.after), some)
            is_conditional = not is_usual or not is_of_job(name, workload)
            yield match._replace(is_conditional=is_conditional)


def _match(
    comparison: Comparison, name: str, versions: tuple[str, str], found: list[knowledge.Entry]
) -> Match:
    worst = max(found, key=lambda entry: _ORDER.index(entry["impact"]))
    texts = [f"from {entry['since']} on, {entry['what']}{_unless_usual(entry)}" for entry in found]
    concerns = dict.fromkeys(entry["only_if"] for entry in found)
    restored = dict.fromkeys(entry["restore"] for entry in found if "restore" in entry)
    is_measured = any(entry["known"] == "measured" for entry in found)
    return Match(
        f"{name} was {versions[0]}, is {versions[1]}: {'; '.join(texts)}",
        comparison.under(f"{DISTRIBUTIONS}[{name}]"),
        *versions,
        impact=Impact[worst["impact"].upper()],
        remedy=pip_install(name, versions[0]),
        note=f"Or bring the old behaviour back: {'; '.join(restored)}." if restored else "",
        not_when=f"The job uses none of this: {'; '.join(concerns)}.",
        confidence=Confidence.MEASURED if is_measured else None,
        evidence=tuple(dict.fromkeys(source for entry in found for source in _sources(entry))),
        about=name,
    )


def _unless_usual(entry: knowledge.Entry) -> str:
    """Whom it concerns, where that is not most jobs: advice has no room but its message."""
    return "" if entry.get("usual", False) else f" (concerns {entry['only_if']})"


def _sources(entry: knowledge.Entry) -> list[str]:
    source = entry["source"]
    return [source] if isinstance(source, str) else list(source)


RULES = (
    Rule(
        id="behaviour-changed",
        title="A library changed its behaviour between the two versions",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(DISTRIBUTIONS,),
        why="The library's changelog or a measurement says that the same code gives a different "
        "result from that release on: a different default, loss, random numbers, "
        "pixels or tokens.",
        not_when="The job does not use what changed; each finding names it.",
        remedy="Install the version of the baseline, or set what the release changed.",
        evidence=(
            Evidence(
                "Why gradient accumulation of Transformers gave a different loss",
                "https://github.com/huggingface/transformers/issues/34263",
            ),
        ),
        drift=_crossed,
    ),
)
