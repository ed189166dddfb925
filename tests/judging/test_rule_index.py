"""The index of rule files is what the rules themselves say, and leaves out nothing that counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from itertools import chain, combinations
from pathlib import Path

import pytest

from envprint import rules as package
from envprint.core.comparison import Comparison
from envprint.core.discovery import part_names
from envprint.core.fingerprint import NOT_MEASURED, split_path
from envprint.core.rule import Rule
from envprint.core.workload import FRAMEWORKS, Requirements, Workload
from envprint.rules import KIT, _index, applying, catalogue
from envprint.rules.kit.packages import DISTRIBUTIONS
from tests.builders.judged import compare
from tests.builders.support import fingerprint
from tests.hosts.judge import captured, report

FILE = Path(_index.__file__ or "")
MACHINES = sorted((Path(__file__).parents[1] / "hosts").glob("*/host.json"))
UPDATE = "python -m pytest --update-golden tests/judging/test_rule_index.py"
NAMES = [name for name in part_names(package) if not name.startswith(f"{KIT}.")]
TEXT = '''"""What each file of rules is about. The rules say it; this is made of them by

{update}
"""
# fmt: off
# ruff: noqa: E501

FRAMEWORKS = {frameworks}
"""File to the frameworks of which a workload needs one for any of its rules to apply."""

PLACES = {places}
"""File to the fields that its rules watch, or packages there."""

STATES = {states}
"""Files with a rule about a state."""
'''


def jobs() -> Iterator[Workload]:
    """Every set of frameworks on each device and some machines."""
    sets = chain.from_iterable(combinations(FRAMEWORKS, n) for n in range(len(FRAMEWORKS) + 1))
    for frameworks in sets:
        for device in ("cpu", "gpu"):
            for machine in ("", "x86_64", "aarch64"):
                yield Workload(frameworks, device, machine)
    yield Workload(required=Requirements(gpus=0))


JOBS = tuple(jobs())


def rules_of(name: str) -> tuple[Rule, ...]:
    found: tuple[Rule, ...] = import_module(f"envprint.rules.{name}").RULES
    return found


def frameworks_of(rules: tuple[Rule, ...]) -> list[str]:
    """The frameworks without which none of the rules applies; empty if one of them may."""
    reached = [job.frameworks for job in JOBS if any(rule.applies.holds(job) for rule in rules)]
    alone = {names[0] for names in reached if len(names) == 1}
    return sorted(alone) if all(alone.intersection(names) for names in reached) else []


def places_of(rules: tuple[Rule, ...]) -> list[str]:
    """The fields with what the rules watch; packages by name, as some differ often."""
    found = {place_of(path) for rule in rules for path in rule.watches}
    return sorted(place for place in found if not (place.endswith("]") and DISTRIBUTIONS in found))


def place_of(path: str) -> str:
    if path.startswith(f"{DISTRIBUTIONS}["):
        return path.partition("]")[0] + "]"
    return ".".join(split_path(path)[:3])


def as_code(found: dict[str, list[str]]) -> str:
    named = {name: frozenset(items) for name, items in found.items() if items}
    lines = [f"    {name!r}: frozenset({sorted(items)!r}),\n" for name, items in named.items()]
    return "{\n" + "".join(lines).replace("'", '"') + "}"


def test_the_index_is_up_to_date(update_golden: bool) -> None:
    states = sorted(name for name in NAMES if any(rule.state for rule in rules_of(name)))
    text = TEXT.format(
        update=UPDATE,
        frameworks=as_code({name: frameworks_of(rules_of(name)) for name in NAMES}),
        states=f"frozenset({states})".replace("'", '"'),
        places=as_code({name: places_of(rules_of(name)) for name in NAMES}),
    )
    if update_golden:
        FILE.write_text(text, encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == text, f"run\n{UPDATE}"


def test_no_job_loses_a_rule_that_applies_to_it() -> None:
    for job in JOBS:
        assert applying(job) == [rule for rule in catalogue() if rule.applies.holds(job)], job


def test_a_file_that_the_index_does_not_know_is_looked_at() -> None:
    every = {rule.id for rule in catalogue()}
    known, _index.PLACES = _index.PLACES, {}
    try:
        named = {rule.id for rule in applying(JOBS[0], lambda _: False)}
    finally:
        _index.PLACES = known
    assert named == {rule.id for rule in catalogue() if rule.applies.holds(JOBS[0])} <= every


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_no_difference_of_recorded_machines_is_lost(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is left out by what it watches, so nothing else may make its rules speak."""
    states = [captured(json.loads(file.read_text("utf-8"))["answers"]) for file in MACHINES]
    pairs = [(was, now) for was in states for now in states]
    short = [report(now, was, FRAMEWORKS, device) for was, now in pairs]
    monkeypatch.setattr(_index, "PLACES", {})
    assert short == [report(now, was, FRAMEWORKS, device) for was, now in pairs]


def test_what_is_unknown_or_hidden_or_new_may_differ() -> None:
    same = fingerprint({"facts.cpu.usable_threads": 4})
    for place, side in (
        ("facts.cpu", same._replace(unknown={"facts.cpu.model": "denied"})),
        ("facts.cpu", same._replace(unknown={"facts.cpu": "denied"})),
        ("facts.cpu", same._replace(undeclared=("facts.cpu.later",))),
        ("facts.cpu", fingerprint({"facts.cpu.usable_threads": 5})),
    ):
        comparison = compare(same, side)
        assert comparison.may_differ(place)
        assert not comparison.may_differ("facts.os")
    assert not compare(same, same).may_differ("facts.cpu")
    assert Comparison(same, same, (), ("facts.cpu.model",)).may_differ("facts.cpu")


def test_what_was_requested_on_neither_side_does_not_differ() -> None:
    """So the rules about probes load only where something was measured, or failed to be."""
    silent = fingerprint({}, {"facts.probes.numeric": NOT_MEASURED})
    for reason, side in ((NOT_MEASURED, silent), ("denied", None)):
        other = side or silent._replace(unknown={"facts.probes.numeric": reason})
        assert compare(silent, other).may_differ("facts.probes.numeric") is (side is None)


def test_a_package_that_differs_concerns_the_rules_about_it_alone() -> None:
    of_numba, of_another = (
        compare(fingerprint({}), fingerprint({f"{DISTRIBUTIONS}[{name}]": {"version": "1"}}))
        for name in ("numba", "unrelated")
    )
    place = f"{DISTRIBUTIONS}[numba]"
    assert place in _index.PLACES["numba"]
    assert of_numba.may_differ(place)
    assert not of_another.may_differ(place)
