"""`envprint explain`: one rule's page, or the catalogue."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from envprint.cli._console import Console
from envprint.core.errors import EnvprintError
from envprint.core.report import HIDDEN_VALUE, NOT_JUDGED
from envprint.core.rule import Rule, source
from envprint.core.shell import kind
from envprint.core.suggest import closest
from envprint.core.text import table
from envprint.core.typed import Any
from envprint.documents.codec import to_json
from envprint.outputs.rule_page import page
from envprint.rules import catalogue

HELP = "explain a rule: why, unless, fix and evidence; or list all rules"
EPILOG = """\
example:
  envprint explain                # the catalogue
  envprint explain tensorflow-onednn-switched

exit codes:
  0  printed
  2  no such rule
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
    parser.add_argument("rule", metavar="RULE", nargs="?", help="a rule's id (default: list all)")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(options: argparse.Namespace, console: Console) -> int:
    """Print the page or the list."""
    if options.rule in NOT_RULES:
        text = _without_rule(options.rule, options.format)
    elif options.rule is not None:
        rule = _find(options.rule)
        text = to_json(_document(rule)) if options.format == "json" else page(rule)
    elif options.format == "json":
        text = to_json([_document(rule) for rule in catalogue()])
    else:
        text = table(_row(rule) for rule in catalogue())
    console.emit(text)
    return 0


def _without_rule(name: str, form: str) -> str:
    title, why, remedy = NOT_RULES[name]
    if form == "json":
        return to_json({"rule": name, "title": title, "why": why, "remedy": remedy})
    return f"# {name}\n\n{title}.\n\n## Why\n\n{why}\n\n## What to do\n\n{remedy}\n"


def _find(name: str) -> Rule:
    by_id = {rule.id: rule for rule in catalogue()}
    if name not in by_id:
        near = _near(name, by_id)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise EnvprintError(f"no rule {name[:60]!r}; {hint}`envprint explain` lists them all")
    return by_id[name]


def _near(name: str, ids: Iterable[str]) -> list[str]:
    """At most three ids spelt like `name`, else those with the same first word."""
    alike = closest(name.lower(), ids, count=3, cutoff=0.7)
    topic = name.lower().partition("-")[0]
    return alike or [rule for rule in ids if topic in rule.split("-")][:3]


def _row(rule: Rule) -> tuple[str, str, str]:
    return rule.id, "advice" if rule.advice else rule.impact.word, rule.confidence.value


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
