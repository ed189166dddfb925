"""What trials can switch, and in which order."""

from __future__ import annotations

from typing import Any

from envprint.core.isolation import Fixed, Plan
from envprint.documents.codec import fingerprint_shape
from envprint.isolate.switches import plan
from envprint.judging.compare import compare_without_secrets
from envprint.judging.context import Request, agreed
from tests.builders.support import fingerprint

VARIABLES = "facts.environ.variables"
DISTRIBUTIONS = "facts.packages.distributions"


def planned(before: dict[str, Any], after: dict[str, Any], cpus: int = 8) -> Plan:
    sides = tuple(fingerprint({**COMMON, **side}) for side in (before, after))
    comparison = compare_without_secrets(*sides, fingerprint_shape())
    report = agreed(Request(frameworks=("numpy",)), fingerprint_shape).drift(*sides)
    return plan(comparison, report, cpus)


COMMON: dict[str, Any] = {
    "facts.cpu.usable_threads": 4,
    "facts.cpu.architecture": "x86_64",
    "facts.python.version": "3.11.7",
    VARIABLES: {},
    DISTRIBUTIONS: {},
}


def names(plan: Plan) -> list[str]:
    return [one.name for one in plan.switches]


def distribution(version: str, kind: str = "index", build_id: str = "a") -> dict[str, Any]:
    origin = {"kind": kind, "url": None, "vcs": None, "commit": None}
    return {"version": version, "origin": origin, "build_id": build_id}


def test_each_variable_and_each_package_is_a_switch_of_its_own() -> None:
    before = {VARIABLES: {"TZ": "UTC", "TF_A": "1"}, DISTRIBUTIONS: {"old": distribution("1")}}
    after = {VARIABLES: {"TZ": "UTC", "TF_B": "1"}, DISTRIBUTIONS: {"new": distribution("2")}}
    found = planned(before, after)
    assert set(names(found)) == {"variable TF_A", "variable TF_B", "package old", "package new"}


def test_what_the_report_calls_likely_comes_first_with_its_rules() -> None:
    before = {VARIABLES: {"OMP_NUM_THREADS": "2"}}
    after = {VARIABLES: {"AAA": "1", "TF_A": "1", "OMP_NUM_THREADS": "1"}}
    first = planned(before, after).switches[0]
    assert first.name == "variable OMP_NUM_THREADS"
    assert first.rules


def test_the_number_of_cpus_is_a_switch_where_there_are_enough() -> None:
    before, after = {"facts.cpu.usable_threads": 2}, {"facts.cpu.usable_threads": 4}
    assert names(planned(before, after)) == ["affinity"]
    assert planned(before, after, cpus=2).fixed == (Fixed("CPUs 2 → 4", "this process may use 2"),)


def test_a_hidden_variable_cannot_be_switched() -> None:
    found = planned({VARIABLES: {"TF_A": "<hidden>"}}, {VARIABLES: {"TF_A": "1"}})
    assert found.switches == ()
    assert Fixed("TF_A", "its value is hidden") in found.fixed


def test_a_package_that_no_index_has_cannot_be_switched() -> None:
    before = {DISTRIBUTIONS: {"mine": distribution("1", "editable")}}
    after = {DISTRIBUTIONS: {"mine": distribution("2", "editable")}}
    found = planned(before, after)
    assert found.switches == ()
    assert "an editable installation" in [one.reason for one in found.fixed]


def test_another_build_of_the_same_version_cannot_be_switched() -> None:
    before = {DISTRIBUTIONS: {"numpy": distribution("2.4.6", build_id="a")}}
    after = {DISTRIBUTIONS: {"numpy": distribution("2.4.6", build_id="b")}}
    found = planned(before, after)
    assert found.switches == ()
    assert found.fixed == (Fixed("numpy 2.4.6", "a different build of one version"),)


def test_the_wheel_of_another_python_goes_with_python() -> None:
    before = {DISTRIBUTIONS: {"numpy": distribution("2.4.6", build_id="a")}}
    after = {DISTRIBUTIONS: {"numpy": distribution("2.4.6", build_id="b")}}
    found = planned(before, {**after, "facts.python.version": "3.12.1"})
    assert (names(found), found.fixed) == (["python"], ())
    patch = planned(before, {**after, "facts.python.version": "3.11.9"})
    assert names(patch) == ["python"]
    assert [one.what for one in patch.fixed] == ["numpy 2.4.6"]


def test_the_machine_is_listed_as_fixed() -> None:
    before, after = (
        {"facts.cpu.model": "A", "facts.os.kernel_release": "6.1"},
        {
            "facts.cpu.model": "B",
            "facts.os.kernel_release": "6.8",
        },
    )
    assert [one.what for one in planned(before, after).fixed] == ["the processor", "the kernel"]
