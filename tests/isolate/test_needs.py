"""Which packages are switched together."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from envprint.core.isolation import PACKAGE, PYTHON, Plan, Switch
from envprint.isolate.needs import End, Requirement, needs_of, read_end
from envprint.isolate.search import SmallestSets
from tests.builders.environments import made_by_hand, packages_of


def end(versions: dict[str, str], **required: list[tuple[str, str]]) -> End:
    return End(
        versions,
        {name: tuple(Requirement(*one) for one in asked) for name, asked in required.items()},
    )


def plan_of(before: End, after: End, *more: Switch) -> Plan:
    names = sorted({*before.versions, *after.versions})
    switches = [
        Switch(
            f"package {name}", PACKAGE, name, before.versions.get(name), after.versions.get(name)
        )
        for name in names
        if before.versions.get(name) != after.versions.get(name)
    ]
    return Plan((*more, *switches), ())


def needed(before: End, after: End, *more: Switch) -> dict[str, set[str]]:
    found = needs_of(plan_of(before, after, *more), before, after)
    words = {name.removeprefix("package "): needs for name, needs in found.items() if needs}
    return {name: {one.removeprefix("package ") for one in needs} for name, needs in words.items()}


def test_a_new_version_that_refuses_the_old_one_of_another_needs_the_new_one() -> None:
    before = end({"scipy": "1.15", "numpy": "1.26"}, scipy=[("numpy", "<2.3")])
    after = end({"scipy": "1.17", "numpy": "2.4"}, scipy=[("numpy", ">=2")])
    # The old one refuses the new one, too, so both go together.
    assert needed(before, after) == {"scipy": {"numpy"}, "numpy": {"scipy"}}


def test_a_need_has_a_direction() -> None:
    before = end({"scipy": "1.15", "numpy": "2.2"}, scipy=[("numpy", ">=1.23")])
    after = end({"scipy": "1.17", "numpy": "2.4"}, scipy=[("numpy", ">=2.3")])
    assert needed(before, after) == {"scipy": {"numpy"}}


def test_what_is_added_is_needed_by_what_requires_it() -> None:
    before = end({"joblib": "1.4"})
    after = end({"joblib": "1.6", "cloudpickle": "3.1"}, joblib=[("cloudpickle", "")])
    assert needed(before, after) == {"joblib": {"cloudpickle"}}


def test_what_is_removed_goes_only_with_what_required_it() -> None:
    before = end({"pandas": "2.2", "pytz": "2025.1"}, pandas=[("pytz", ">=2020.1")])
    after = end({"pandas": "3.1"})
    assert needed(before, after) == {"pytz": {"pandas"}}


def test_a_requirement_that_an_end_itself_does_not_meet_groups_nothing() -> None:
    before = end({"a": "1", "b": "1"})
    after = end({"a": "2", "b": "2"}, a=[("b", ">=3")])
    assert needed(before, after) == {}


def test_a_requirement_that_both_versions_meet_groups_nothing() -> None:
    before = end({"a": "1", "b": "1"}, a=[("b", ">=1")])
    after = end({"a": "2", "b": "2"}, a=[("b", ">=1")])
    assert needed(before, after) == {}


def test_python_and_all_packages_are_one_switch() -> None:
    before, after = end({"a": "1"}), end({"a": "2"})
    python = Switch(PYTHON, PYTHON, "Python", "3.11.7", "3.12.1")
    assert needed(before, after, python) == {"python": {"a"}, "a": {"python"}}


@pytest.mark.parametrize("seed", range(20))
def test_no_closed_set_of_two_consistent_ends_breaks_a_requirement(seed: int) -> None:
    dice = random.Random(seed)
    names = [f"p{number}" for number in range(20)]
    before, after = (consistent(dice, names, side) for side in (1, 2))
    plan = plan_of(before, after)
    sets = SmallestSets(
        [one.name for one in plan.switches], needs_of(plan, before, after), lambda _: None
    )  # type: ignore[arg-type,return-value]
    for _ in range(50):
        some = dice.sample([one.name for one in plan.switches], 7)
        assert_consistent(
            before, after, {name.removeprefix("package ") for name in sets._closed(some)}
        )


def consistent(dice: random.Random, names: list[str], side: int) -> End:
    """An end in which each package requires some others, often of this side only."""
    versions = {name: f"{side}.{dice.randrange(9)}" for name in names}
    return End(
        versions,
        {
            name: tuple(
                Requirement(
                    other, dice.choice(["", ">=1", f">={versions[other]}", f"<={versions[other]}"])
                )
                for other in dice.sample(names, 2)
            )
            for name in names
        },
    )


def assert_consistent(before: End, after: End, switched: set[str]) -> None:
    there = {name: (after if name in switched else before) for name in before.versions}
    for name, own in there.items():
        for requirement in own.required[name]:
            assert own.accepts(requirement, there[requirement.name]), (name, requirement)


def test_an_end_is_read_from_its_metadata(tmp_path: Path) -> None:
    place = made_by_hand(tmp_path / "venv", "alpha==1.0", "beta==2.0")
    metadata = next(packages_of(place).glob("alpha-*")) / "METADATA"
    metadata.write_text(
        "Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\n"
        "Requires-Dist: beta>=2\nRequires-Dist: gamma; extra == 'all'\n"
        "Requires-Dist: old; python_version < '3'\n"
    )
    found = read_end(str(place / "bin" / "python"))
    assert found.versions == {"alpha": "1.0", "beta": "2.0"}
    assert found.required["alpha"] == (Requirement("beta", ">=2"),)
