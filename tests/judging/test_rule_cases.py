"""What the tests of the rules have asked, asked again in other ways.

Each call of `drift` and `state` in tests/rules/ is a case, see `cases` in conftest.py; so the audit
counts what was really asked and answered and not what a file seems to say.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint, split_path
from envprint.core.report import Finding
from envprint.core.rule import Rule
from envprint.rules import catalogue
from tests.builders.support import Case, ask

RULES = {rule.id: rule for rule in catalogue()}
VARIABLES = "facts.environ.variables"

each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)

ONE_WAY = {
    "container-memory-limit-lowered": "more memory never hurts",
    "framework-missing": "one that was added is not missed",
    "gpu-less-free-than-baseline": "more free memory never hurts",
    "gpu-memory-total-smaller": "more memory never hurts",
}
"""Rules for which only one direction is bad, and why."""


@pytest.fixture
def own(rule: Rule, cases: list[Case]) -> list[Case]:
    """The cases of one rule, in workloads that it applies to."""
    return [c for c in cases if c.rule == rule.id and rule.applies.holds(c.workload)]


@pytest.fixture
def firing(own: list[Case]) -> list[Case]:
    """Those in which it says something."""
    return [case for case in own if case.findings]


@each_rule
def test_every_rule_has_a_test_in_which_it_fires(rule: Rule, firing: list[Case]) -> None:
    assert firing


@each_rule
def test_every_rule_has_a_test_in_which_it_could_fire_and_stays_quiet(
    rule: Rule, own: list[Case]
) -> None:
    assert [case for case in own if not case.findings and not case.doubts]


@each_rule
def test_a_rule_that_knows_nothing_doubts(rule: Rule, firing: list[Case]) -> None:
    """With all that it watches unknown, on either side or both."""
    for case in firing:
        if case.workload.replicas:
            continue  # the user has told what the rule would else look up
        for before, after in hidden(case, {known_as(path) for path in rule.watches}):
            findings, undecided = ask(rule.id, before, after, case.workload)
            assert findings == []
            # Each unknown value is listed: those that were hidden, and those of the case itself.
            own = {*case.after.unknown.values(), *(case.before or case.after).unknown.values()}
            reasons = {entry.reason for entry in undecided}
            assert "denied" in reasons
            assert reasons <= own | {"denied"}


@each_rule
def test_not_knowing_one_thing_never_makes_a_rule_say_more(rule: Rule, own: list[Case]) -> None:
    for case in own:
        said = {claim(f) for f in ask(rule.id, case.before, case.after, case.workload)[0]}
        for path in {known_as(path) for path in rule.watches}:
            for before, after in hidden(case, {path}):
                findings, _ = ask(rule.id, before, after, case.workload)
                assert {claim(finding) for finding in findings} <= said, path


@each_rule
def test_a_difference_is_the_same_seen_from_the_other_side(rule: Rule, firing: list[Case]) -> None:
    for case in firing if not rule.state else ():
        assert case.before
        there, _ = ask(rule.id, case.before, case.after, case.workload)
        back, _ = ask(rule.id, case.after, case.before, case.workload)
        if rule.id in ONE_WAY:
            assert back == []
        elif not any(ask(s, case.after, case.before, case.workload)[0] for s in rule.yields_to):
            assert sorted(map(mirrored, back)) == sorted(map(claim, there))


def test_no_reason_for_going_one_way_is_stale() -> None:
    assert {name for name, rule in RULES.items() if not rule.state} >= set(ONE_WAY)


@each_rule
def test_two_equal_sides_differ_in_nothing(rule: Rule, own: list[Case]) -> None:
    for case in own:
        assert ask(rule.id, case.after, case.after, case.workload)[0] == []


def claim(finding: Finding) -> tuple[str, ...]:
    """What a finding says of the two sides; of the places it names, some are in one only."""
    return finding.impact.word, repr(finding.before), repr(finding.after)


def mirrored(finding: Finding) -> tuple[str, ...]:
    """What it says with the sides exchanged."""
    return claim(finding._replace(before=finding.after, after=finding.before))


def known_as(path: str) -> str:
    """The place at which a collector knows or does not know what is at `path`."""
    return VARIABLES if path.startswith(VARIABLES) else path


def hidden(case: Case, paths: set[str]) -> Iterator[tuple[Fingerprint | None, Fingerprint]]:
    """The sides of a case with `paths` unknown: after, and where there is one before, and both."""
    after = without(case.after, paths)
    yield case.before and without(case.before, paths), after
    if case.before:
        yield case.before, after
        yield without(case.before, paths), case.after


def without(fingerprint: Fingerprint, paths: Iterable[str]) -> Fingerprint:
    """The fingerprint as a capture would give it that was denied a look at `paths`."""
    root: dict[str, Any] = copy.deepcopy({"facts": fingerprint.facts, "live": fingerprint.live})
    for path in paths:
        *outer, last = split_path(path)
        place: Any = root
        for key in outer:
            place = place.get(key) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place.pop(last, None)
    unknown = {**fingerprint.unknown, **dict.fromkeys(paths, "denied")}
    return fingerprint._replace(**root, unknown=unknown)
