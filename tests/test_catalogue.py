"""The catalogue audits itself: every rule is founded and tested, every field is looked at or not.

A rule that nobody tested, a watched path that no collector declares, or a reason for not watching
that is no longer true fails here, and not at a user's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from envprint import collectors
from envprint.fields import Field, MapOf, Record
from envprint.model import Confidence, Impact
from envprint.rule import Rule
from envprint.rules import catalogue

RULES = catalogue()
TESTS = "\n".join(path.read_text() for path in (Path(__file__).parent / "rules").glob("test_*.py"))

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def declared() -> Iterator[tuple[str, Field, tuple[Field, ...]]]:
    """Every declared field with its path (`[*]` for a map's entries) and the fields around it."""
    for place in ("facts", "live"):
        for section in collectors.declared(place).fields:
            yield from inside(f"{place}.{section.name}", section.shape, ())


def inside(
    path: str, shape: object, around: tuple[Field, ...]
) -> Iterator[tuple[str, Field, tuple[Field, ...]]]:
    if isinstance(shape, MapOf):
        yield from inside(f"{path}[*]", shape.item, around)
    elif isinstance(shape, Record):
        for field in shape.fields:
            here = f"{path}.{field.name}"
            yield here, field, around
            yield from inside(here, field.shape, (*around, field))


def pattern(path: str) -> str:
    """A watched path with its map entries made general."""
    return re.sub(r"\[[^\]]*\]", "[*]", path)


def is_within(path: str, outer: str) -> bool:
    return path == outer or path.startswith((outer + ".", outer + "["))


DECLARED = {path: (field, around) for path, field, around in declared()}
WATCHED = {pattern(path) for rule in RULES for path in rule.watches}


def places() -> set[str]:
    """Declared fields, and the entries of those that are maps."""
    entries = {
        f"{path}[*]" for path, (field, _) in DECLARED.items() if isinstance(field.shape, MapOf)
    }
    return set(DECLARED) | entries


def test_ids_are_unique_and_well_formed() -> None:
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids)
    assert [name for name in ids if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name)] == []


@each_rule
def test_every_rule_says_why_when_not_and_what_to_do(rule: Rule) -> None:
    for text in (rule.why, rule.not_when):
        assert text.endswith("."), text
    assert rule.remedy
    assert rule.title
    assert not rule.title.endswith(".")


@each_rule
def test_every_rule_has_evidence(rule: Rule) -> None:
    assert rule.evidence
    for evidence in rule.evidence:
        assert evidence.what
        assert evidence.measured or (evidence.url or "").startswith("https://"), evidence


@each_rule
def test_what_is_inferred_is_at_most_numeric(rule: Rule) -> None:
    if rule.confidence is Confidence.INFERRED:
        assert rule.impact <= Impact.NUMERIC


@each_rule
def test_what_is_called_measured_names_the_measurement(rule: Rule) -> None:
    if rule.confidence is Confidence.MEASURED:
        assert any(evidence.measured for evidence in rule.evidence) or rule.id in MEASURED_ELSEWHERE


MEASURED_ELSEWHERE = {"tensorflow-onednn-switched"}
"""Measured by others or outside the recorded pairs; the evidence says where."""


@each_rule
def test_a_rule_looks_at_a_comparison_or_a_state_and_not_both(rule: Rule) -> None:
    assert not (rule.drift and rule.state)
    assert rule.watches


@each_rule
def test_a_rule_yields_to_rules_that_exist(rule: Rule) -> None:
    assert set(rule.yields_to) <= {other.id for other in RULES} - {rule.id}


@each_rule
def test_every_watched_path_is_declared(rule: Rule) -> None:
    assert {pattern(path) for path in rule.watches} - places() == set()


@each_rule
def test_every_rule_has_a_test_that_names_it(rule: Rule) -> None:
    assert f'"{rule.id}"' in TESTS


def test_every_field_is_watched_or_says_why_not() -> None:
    silent = []
    for path, (field, around) in DECLARED.items():
        if isinstance(field.shape, Record) or _has_records(field):
            continue
        covered = any(is_within(path, w) or is_within(w, path) for w in WATCHED)
        if not covered and not any(outer.unwatched for outer in (*around, field)):
            silent.append(path)
    assert silent == []


def _has_records(field: Field) -> bool:
    """Whether the fields inside are judged one by one."""
    return isinstance(field.shape, MapOf) and isinstance(field.shape.item, Record)


def test_no_reason_for_not_watching_is_stale() -> None:
    stale = [
        path
        for path, (field, _) in DECLARED.items()
        if field.unwatched and any(is_within(watched, path) for watched in WATCHED)
    ]
    assert stale == []


def test_every_measurement_that_is_cited_is_in_the_project() -> None:
    data = Path(__file__).parent / "benchmarks" / "accuracy" / "pairs.jsonl"
    known = {json.loads(line)["id"] for line in data.read_text().splitlines()}
    cited = {evidence.measured for rule in RULES for evidence in rule.evidence} - {None}
    assert cited
    assert cited <= known
