"""Rules about what the team's policy requires."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.workload import Requirements
from tests.builders.gpus import T4, VISIBLE, machine, says
from tests.builders.support import fingerprint, state

HASH_SEED = "facts.environ.variables[PYTHONHASHSEED]"
SWITCH = "torch-deterministic-algorithms"
SWITCHES = "facts.determinism.switches"
PLACE = f"{SWITCHES}[{SWITCH}]"
IMPORTED = {"facts.frameworks.imported": ["torch"]}


def asked(rule: str, now: Fingerprint, **wanted: Any) -> Any:
    return state(rule, now, ["torch"], "cpu", required=Requirements(**wanted))


def numpy(version: str) -> Fingerprint:
    return fingerprint({"facts.packages.distributions[numpy]": {"version": version}})


def test_the_number_of_visible_gpus_must_be_the_required_one() -> None:
    rule, two = "required-gpus-missing", machine(T4, T4)
    assert says(asked(rule, two, gpus=4)) == [(Impact.BREAKS, "GPUs: 2 visible, 4 required")]
    hidden = machine(T4, T4, more={VISIBLE: "0"})
    assert says(asked(rule, hidden, gpus=2)) == [(Impact.BREAKS, "GPUs: 1 visible, 2 required")]
    assert asked(rule, two, gpus=2) == ([], [])
    assert asked(rule, two) == ([], [])
    silent = fingerprint({}, {"facts.gpu.devices": "no answer"})
    assert [d.path for d in asked(rule, silent, gpus=2)[1]] == ["facts.gpu.devices"]


@pytest.mark.parametrize(("value", "told"), [(None, "unset"), ("1", "1"), ("", "empty")])
def test_a_variable_must_have_its_value(value: str | None, told: str) -> None:
    rule, wanted = "required-variable-differs", {"PYTHONHASHSEED": "0"}
    now = fingerprint({HASH_SEED: value} if value is not None else {})
    findings, undecided = asked(rule, now, variables=wanted)
    text = f"PYTHONHASHSEED is {told}, 0 is required"
    assert [(f.message, f.remedy) for f in findings] == [(text, "export PYTHONHASHSEED=0")]
    assert undecided == []
    assert asked(rule, fingerprint({HASH_SEED: "0"}), variables=wanted) == ([], [])
    silent = fingerprint({}, {"facts.environ.variables": "denied"})
    assert [d.reason for d in asked(rule, silent, variables=wanted)[1]] == ["denied"]


def test_a_switch_must_be_on() -> None:
    rule, wanted = "required-switch-off", {"switches": (SWITCH,)}
    off = fingerprint({f"{PLACE}.value": "off"})
    text = f"{SWITCH} is off, and must be on"
    assert says(asked(rule, off, **wanted)) == [(Impact.BREAKS, text)]
    assert says(asked(rule, fingerprint(IMPORTED), **wanted)) == [(Impact.BREAKS, text)]
    assert asked(rule, fingerprint({f"{PLACE}.value": "on"}), **wanted) == ([], [])


def test_from_outside_of_a_program_its_switches_are_not_known() -> None:
    findings, undecided = asked("required-switch-off", fingerprint({}), switches=(SWITCH,))
    assert (findings, [d.path for d in undecided]) == ([], [PLACE])


@pytest.mark.parametrize(
    ("name", "versions", "text"),
    [
        ("numpy", "==2.3.*", "numpy is 2.4.6, ==2.3.* is required"),
        ("NumPy", ">=2.5,<3", "NumPy is 2.4.6, >=2.5,<3 is required"),
        ("scikit_learn", "*", "scikit_learn is not installed, any version is required"),
    ],
)
def test_a_package_must_be_in_a_version_that_is_admitted(
    name: str, versions: str, text: str
) -> None:
    said = asked("required-package-differs", numpy("2.4.6"), packages={name: versions})
    assert says(said) == [(Impact.BREAKS, text)]


@pytest.mark.parametrize("versions", ["*", "==2.4.6", "==2.4.*", ">=2,<3"])
def test_an_admitted_package_is_quiet(versions: str) -> None:
    rule = "required-package-differs"
    assert asked(rule, numpy("2.4.6"), packages={"numpy": versions}) == ([], [])
    silent = fingerprint({}, {"facts.packages.distributions": "denied"})
    assert [d.reason for d in asked(rule, silent, packages={"numpy": versions})[1]] == ["denied"]


def test_a_version_that_nothing_can_read_meets_nothing() -> None:
    wanted = {"packages": {"numpy": ">=1"}}
    for version in ("weird", "9" * 5_000):
        findings, _ = asked("required-package-differs", numpy(version), **wanted)
        assert [finding.after for finding in findings] == [version]


@pytest.mark.parametrize(
    ("rule", "wanted", "place", "value"),
    [
        (
            "required-variable-differs",
            {"variables": {"A": "1", "B": "1"}},
            "facts.environ.variables[{}]",
            "0",
        ),
        ("required-switch-off", {"switches": ("a", "b")}, f"{SWITCHES}[{{}}].value", "off"),
        (
            "required-package-differs",
            {"packages": {"a": "==1", "b": "==1"}},
            "facts.packages.distributions[{}].version",
            "2",
        ),
    ],
)
def test_a_requirement_that_cannot_be_checked_hides_no_other(
    rule: str, wanted: dict[str, Any], place: str, value: str
) -> None:
    (names,) = wanted.values()
    first, second = (place.format(name) for name in names)
    findings, undecided = asked(rule, fingerprint({second: value}, {first: "denied"}), **wanted)
    assert [finding.after for finding in findings] == [value]
    assert [entry.path for entry in undecided] == [first]
