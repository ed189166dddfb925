"""`envprint explain`: one rule's page, those with some words, or the catalogue."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from envprint.cli._console import Console
from envprint.core.errors import EnvprintError
from envprint.core.report import HIDDEN_VALUE, NOT_JUDGED
from envprint.core.rule import Rule, source
from envprint.core.shell import kind
from envprint.core.suggest import closest
from envprint.core.text import WIDTH, wrapped
from envprint.core.typed import Any
from envprint.documents.codec import to_json
from envprint.outputs.rule_page import page, section_of
from envprint.rules import catalogue

HELP = "explain a rule: why, unless, fix and evidence; search or list the rules"
EPILOG = """\
example:
  envprint explain                                # all rules, by section
  envprint explain tensorflow-onednn-switched     # one rule's page
  envprint explain thread pool                    # those with these words
  envprint explain --format json > rules.json

exit codes:
  0  printed
  2  no such rule, and none with these words
"""


NOT_RULES = {
    HIDDEN_VALUE: (
        "A value is hidden on both sides",
        "It looks like a secret, so the fingerprint does not hold it, and whether it is the same "
        "on both sides is unknown. Random tokens carry a seal and are compared by it if both "
        "fingerprints are of one user.",
        "Compare the value by hand. The policy leaves it out with `[[ignore]]` and its path.",
    ),
    NOT_JUDGED: (
        "Nobody has judged this change",
        "A library that takes part in training has changed, and there is no rule, no measurement "
        "and no known break about that step. That does not make it harmless.",
        "Read its release notes, or run the job on both sides; then accept the step in the policy "
        "with `[[accept]]`.",
    ),
}
"""Ids that stand where a rule's id would, without a rule behind them: title, why, what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument(
        "rule",
        metavar="RULE",
        nargs="*",
        help="a rule's id, or words to search (default: list all)",
    )
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="default: %(default)s"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Print the page or the list."""
    is_json, words = options.format == "json", options.rule
    if len(words) == 1 and words[0] in NOT_RULES:
        text = _without_rule(words[0], options.format)
    elif len(words) == 1 and (rule := _by_id().get(_as_id(words[0]))):
        text = to_json(_document(rule)) if is_json else page(rule)
    else:
        rules = _found(words) if words else catalogue()
        text = to_json([_document(rule) for rule in rules]) if is_json else _listed(rules)
    console.emit(text)
    return 0


def _as_id(word: str) -> str:
    return word.lower().replace("_", "-")


def _by_id() -> dict[str, Rule]:
    return {rule.id: rule for rule in catalogue()}


def _without_rule(name: str, form: str) -> str:
    title, why, remedy = NOT_RULES[name]
    if form == "json":
        return to_json({"rule": name, "title": title, "why": why, "remedy": remedy})
    return f"# {name}\n\n{title}.\n\n## Why\n\n{why}\n\n## What to do\n\n{remedy}\n"


def _found(words: Sequence[str]) -> list[Rule]:
    """The rules with all these words. Raises `EnvprintError` if there is none."""
    name = " ".join(words)
    alike = closest(_as_id(name), _by_id(), count=3, cutoff=0.7)
    wanted = [word.lower() for word in words if word.strip()]
    found = [rule for rule in catalogue() if all(word in _text(rule) for word in wanted)]
    if found and wanted:
        return found
    hint = f"did you mean {' or '.join(alike)}? " if alike else ""
    raise EnvprintError(
        f"no rule {name[:60]!r}, and none with such words; {hint}`envprint explain` lists them all"
    )


def _text(rule: Rule) -> str:
    """Where words are looked for: what a reader of the rule's page would call it."""
    evidence = (one.what for one in rule.evidence)
    parts = (rule.id, rule.title, rule.why, rule.not_when, str(rule.remedy), *rule.watches)
    return "\n".join((*parts, *evidence)).lower()


def _listed(rules: Sequence[Rule]) -> str:
    """The rules with their titles, by section."""
    lines, before = list[str](), ""
    for rule in sorted(rules, key=lambda one: (section_of(one.id), one.id)):
        if (section := section_of(rule.id)) != before:
            lines += ["", section.upper()] if before else [section.upper()]
            before = section
        impact = "advice" if rule.advice else rule.impact.word
        lines.append(f"  {rule.id:<48} {impact:<9} {rule.confidence.value}")
        lines += [f"      {line}" for line in wrapped(rule.title, WIDTH - 6)]
    return "\n".join(lines) + "\n"


def _document(rule: Rule) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "title": rule.title,
        "impact": rule.impact.word,
        "confidence": rule.confidence.value,
        "advice": rule.advice,
        "applies": rule.applies.text,
        "watches": list(rule.watches),
        "why": rule.why,
        "not_when": rule.not_when,
        "remedy": rule.remedy,
        "remedy_kind": kind(rule.remedy),
        "note": rule.note or None,
        "evidence": [
            {**evidence._asdict(), "source": source(evidence)} for evidence in rule.evidence
        ],
        "yields_to": list(rule.yields_to),
    }
