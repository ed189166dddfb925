"""The order of the likely causes: each of its keys, and which machine counts as the same."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.report import Finding
from envprint.core.workload import detect
from envprint.judging import likely_causes as ranking
from envprint.judging.likely_causes import is_same_machine, likely_causes
from envprint.judging.policy.model import Policy
from tests.builders.declared import DECLARED
from tests.builders.edits import edited
from tests.builders.judged import compare, judge_drift
from tests.builders.machines import MACHINES
from tests.builders.support import fingerprint

DRIVER = "facts.gpu.driver_version"
NUMPY = "facts.frameworks.numpy.version"
ISA = "facts.cpu.flags"
ONEDNN = "facts.environ.variables[TF_ENABLE_ONEDNN_OPTS]"
HELD = "live.gpu.devices[0].memory_free_bytes"
MACHINE = {
    "facts.cpu.model": "AMD EPYC",
    "facts.cpu.threads": 2,
    "facts.cpu.architecture": "x86_64",
    "live.host.memory_total_bytes": 8 << 30,
}
NO_STATES: tuple[str, ...] = ()


def a_finding(rule: str, path: str, **fields: Any) -> Finding:
    finding = Finding(
        rule=rule,
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        title="T",
        message="m",
        paths=(path,),
        before=None,
        after=None,
        why="W.",
        not_when="N.",
        remedy="r",
        evidence=(),
    )
    return finding._replace(**fields)


def sides(*changed: str, same: bool = True) -> Comparison:
    """A comparison in which just these paths changed, on one machine or on two."""
    before = fingerprint({**MACHINE, **dict.fromkeys(changed, "1")})
    other = {} if same else {"facts.cpu.model": "Xeon"}
    return compare(before, fingerprint({**MACHINE, **dict.fromkeys(changed, "2"), **other}))


def test_a_greater_impact_goes_first() -> None:
    findings = [
        a_finding("numeric", NUMPY),
        a_finding("breaks", ISA, impact=Impact.BREAKS, confidence=Confidence.INFERRED),
        a_finding("diverges", ISA, impact=Impact.DIVERGES),
    ]
    assert likely_causes(findings, NO_STATES, sides(NUMPY, ISA)) == (
        "breaks",
        "diverges",
        "numeric",
    )


def test_a_difference_goes_before_a_new_state_and_that_before_an_old_one() -> None:
    findings = [
        a_finding("a-old-state", "facts.python.subnormals_flushed"),
        a_finding("b-new-state", ONEDNN),
        a_finding("c-difference", NUMPY, confidence=Confidence.INFERRED),
    ]
    comparison = sides(NUMPY, ONEDNN)
    assert likely_causes(findings, {"a-old-state", "b-new-state"}, comparison) == (
        "c-difference",
        "b-new-state",
        "a-old-state",
    )


def test_what_is_known_goes_before_what_is_inferred() -> None:
    findings = [
        a_finding("a", NUMPY, confidence=Confidence.INFERRED),
        a_finding("b", NUMPY, confidence=Confidence.MEASURED),
        a_finding("c", NUMPY, confidence=Confidence.DOCUMENTED),
    ]
    assert likely_causes(findings, NO_STATES, sides(NUMPY)) == ("b", "c", "a")


def test_on_ones_own_machine_what_people_change_goes_before_the_hardware() -> None:
    findings = [
        a_finding("a-processor", ISA),
        a_finding("b-driver", DRIVER),
        a_finding("c-version", NUMPY),
    ]
    changed = (ISA, DRIVER, NUMPY, ONEDNN)
    assert likely_causes(findings, NO_STATES, sides(*changed)) == (
        "c-version",
        "b-driver",
        "a-processor",
    )
    findings.append(a_finding("d-variable", ONEDNN))
    assert likely_causes(findings, NO_STATES, sides(*changed)) == (
        "d-variable",
        "c-version",
        "b-driver",
    )
    assert likely_causes(findings, NO_STATES, sides(*changed, same=False)) == (
        "a-processor",
        "b-driver",
        "c-version",
    )


def test_of_several_places_the_one_that_changed_counts() -> None:
    both = a_finding("a-two-places", NUMPY, paths=(ONEDNN, ISA))
    findings = [both, a_finding("b-version", NUMPY)]
    assert likely_causes(findings, NO_STATES, sides(ISA, NUMPY))[0] == "b-version"
    assert likely_causes(findings, NO_STATES, sides(ISA, NUMPY, ONEDNN))[0] == "a-two-places"


def test_a_place_inside_or_around_a_change_has_changed_too() -> None:
    findings = [a_finding("a-version", NUMPY), a_finding("b-memory", "live.gpu.devices")]
    assert likely_causes(findings, NO_STATES, sides(NUMPY, HELD)) == ("b-memory", "a-version")


def test_at_most_three_rules_are_named_and_each_once() -> None:
    findings = [a_finding(name, NUMPY) for name in ("d", "a", "a", "b", "c")]
    assert likely_causes(findings, NO_STATES, sides(NUMPY)) == ("a", "b", "c")


def test_what_changes_no_result_is_no_cause_of_another_one() -> None:
    findings = [a_finding("slow", NUMPY, impact=Impact.PERF), a_finding("n", NUMPY)]
    assert likely_causes(findings, NO_STATES, sides(NUMPY)) == ("n",)
    assert likely_causes(findings[:1], NO_STATES, sides(NUMPY)) == ()


@pytest.mark.parametrize("machine", MACHINES)
def test_a_machine_is_known_again_though_its_software_and_its_settings_differ(machine: str) -> None:
    before = edited({"host": machine})
    after = edited(
        {
            "host": machine,
            "set": {
                "facts.gpu.driver_version": "580.65.06",
                "facts.os.kernel_release": "6.8",
                "facts.cpu.usable_threads": 1,
                "facts.frameworks.numpy.version": "9.9",
            },
        }
    )
    is_known = "facts.cpu.model" not in before.unknown
    assert is_same_machine(before, after) is is_known


def test_two_of_the_recorded_machines_are_never_one() -> None:
    machines = [edited({"host": machine}) for machine in MACHINES]
    for one in machines:
        assert not any(is_same_machine(one, other) for other in machines if other is not one)


def test_the_causes_of_any_verdict_are_among_its_findings_and_the_first_is_as_bad() -> None:
    machines = [edited({"host": machine}) for machine in MACHINES]
    named = 0
    for before in machines:
        for after in machines:
            report = judge_drift(before, after, detect(after, before), Policy())
            causes = report.likely_causes
            impacts = {finding.rule: finding.impact for finding in report.findings}
            assert len(causes) == min(3, sum(i >= Impact.NUMERIC for i in impacts.values()))
            assert [impacts[rule] for rule in causes] == sorted(
                (impacts[rule] for rule in causes), reverse=True
            )
            assert bool(causes) is (report.impact >= Impact.NUMERIC)
            assert bool(causes) is not bool(report.look_next)
            assert not causes or impacts[causes[0]] is report.impact
            named += bool(causes)
    assert named >= len(MACHINES)


def with_card(uuid: str, **fields: Any) -> Fingerprint:
    return fingerprint({**MACHINE, "facts.gpu.devices[0].uuid": uuid, **fields})


def test_cards_tell_machines_of_one_kind_apart() -> None:
    assert is_same_machine(with_card("GPU-1"), with_card("GPU-1"))
    assert not is_same_machine(with_card("GPU-1"), with_card("GPU-2"))
    assert is_same_machine(with_card("GPU-1"), fingerprint(MACHINE))


def test_memory_may_differ_by_what_the_kernel_keeps() -> None:
    total = "live.host.memory_total_bytes"
    before = fingerprint(MACHINE)
    assert is_same_machine(before, fingerprint({**MACHINE, total: (8 << 30) - (60 << 20)}))
    assert not is_same_machine(before, fingerprint({**MACHINE, total: 4 << 30}))
    assert not is_same_machine(before, fingerprint({**MACHINE, total: None}))


@pytest.mark.parametrize("path", list(MACHINE))
def test_a_machine_that_cannot_be_told_is_not_taken_for_the_same(path: str) -> None:
    known = fingerprint(MACHINE)
    rest = {name: value for name, value in MACHINE.items() if name != path}
    unknown = fingerprint(rest, {path: "denied"})
    assert not is_same_machine(known, unknown)
    assert not is_same_machine(unknown, unknown)


def test_what_changes_between_runs_is_named_as_it_is_declared() -> None:
    sections = {path.rpartition(".")[0] for path in DECLARED if path.count(".") == 2}
    named = [path for paths in ranking._CHANGED_BETWEEN_RUNS for path in paths]
    assert len(set(named)) == len(named)
    assert set(named) <= {*DECLARED, *sections}
