"""Libraries whose own kernels do not repeat themselves on a GPU."""

from __future__ import annotations

import pytest

from envprint import knowledge
from envprint.core.impact import Impact
from envprint.judging.policy.model import Policy
from tests.builders.judged import judge_state
from tests.builders.support import fingerprint, state, workload

RULE = "gpu-kernels-not-repeatable"
PLACE = "facts.packages.distributions"


@pytest.mark.parametrize(
    "name", [entry["distribution"] for entry in knowledge.entries("unrepeatable_kernels")]
)
def test_they_are_advice_without_a_baseline(name: str) -> None:
    now = fingerprint({f"{PLACE}[{name}].version": "2.5.6"})
    report = judge_state(now, None, workload(["torch"], "gpu"), Policy())
    (advice,) = [one for one in report.advice if one.rule == RULE]
    assert advice.message.startswith(f"{name} 2.5.6: ")
    assert advice.remedy and advice.not_when.startswith("The job uses none of this: ")
    assert RULE not in [one.rule for one in report.findings]


@pytest.mark.parametrize(("framework", "device"), [("torch", "cpu"), ("tensorflow", "gpu")])
def test_they_do_not_reach_other_jobs(framework: str, device: str) -> None:
    now = fingerprint({f"{PLACE}[flash-attn].version": "2.5.6"})
    report = judge_state(now, None, workload([framework], device), Policy())
    assert RULE not in [one.rule for one in report.advice]


def test_an_environment_without_them_is_quiet() -> None:
    assert state(RULE, fingerprint({f"{PLACE}[torch].version": "2.6.0"}), ["torch"], "gpu") == (
        [],
        [],
    )


def test_unknown_packages_leave_it_undecided() -> None:
    findings, undecided = state(RULE, fingerprint(unknown={PLACE: "denied"}), ["torch"], "gpu")
    assert (findings, len(undecided)) == ([], 1)


def test_an_unknown_version_leaves_its_own_library_undecided() -> None:
    now = fingerprint(
        {f"{PLACE}[flash-attn]": {"tags": None}, f"{PLACE}[xformers].version": "0.0.29"},
        unknown={f"{PLACE}[flash-attn].version": "denied"},
    )
    findings, undecided = state(RULE, now, ["torch"], "gpu")
    assert [finding.impact for finding in findings] == [Impact.NUMERIC]
    assert [entry.reason for entry in undecided] == ["denied"]
