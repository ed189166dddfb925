"""Rules about the operating system: a kernel known to be bad, and what training never looks at."""

from __future__ import annotations

import pytest

from envprint.core.impact import Impact
from tests.builders.support import drift, fingerprint, state


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ("5.1.21", 0),
        ("5.2.0-1-amd64", 0),
        ("5.2.0", 1),
        ("5.2.11-200.fc30.x86_64", 1),
        ("5.2.21", 1),
        ("5.3.0-24-generic", 0),
        ("5.3.0-rc1", 1),
        ("5.3.14", 1),
        ("5.3.15", 0),
        ("5.4", 1),
        ("5.4.0-187-generic", 0),
        ("5.4.0-1048-aws", 0),
        ("5.4.0-arch1-1", 1),
        ("5.4.1-arch1-1", 1),
        ("5.4.2", 0),
        ("5.5.0", 0),
        ("6.1.0-18-amd64", 0),
        ("odd", 0),
        (None, 0),
    ],
)
def test_kernels_that_damage_registers_are_named(release: str | None, said: int) -> None:
    now = fingerprint({"facts.os.kernel_release": release, "facts.os.system": "Linux"})
    findings, undecided = state("os-kernel-known-bad", now)
    assert ([f.impact for f in findings], undecided) == ([Impact.NUMERIC] * said, [])


def test_another_system_with_such_a_number_is_not_meant() -> None:
    now = fingerprint({"facts.os.kernel_release": "5.3.0", "facts.os.system": "Darwin"})
    assert state("os-kernel-known-bad", now) == ([], [])
    unknown = fingerprint(unknown={"facts.os.kernel_release": "?"})
    assert len(state("os-kernel-known-bad", unknown)[1]) == 1


@pytest.mark.parametrize(
    ("rule", "field", "before", "after"),
    [
        ("os-system-changed", "system", "Linux", "Windows"),
        ("os-locale-changed", "locale", "C", "de_DE.UTF-8"),
    ],
)
def test_a_difference_is_said_with_both_values(
    rule: str, field: str, before: str, after: str
) -> None:
    sides = [fingerprint({f"facts.os.{field}": value}) for value in (before, after)]
    said, undecided = drift(rule, *sides)
    assert [(f.impact, f.message) for f in said] == [
        (Impact.NUMERIC, f"os.{field} was {before}, is {after}")
    ]
    assert undecided == []
    assert drift(rule, sides[0], sides[0]) == ([], [])
    unknown = fingerprint(unknown={f"facts.os.{field}": "denied"})
    assert [d.reason for d in drift(rule, sides[0], unknown)[1]] == ["denied"]


def test_another_time_zone_is_no_rules_business() -> None:
    from envprint.judging.judge import judge_drift
    from envprint.judging.policy.model import Policy
    from tests.builders.support import workload

    sides = [fingerprint({"facts.os.time_zone": zone}) for zone in ("UTC", "Europe/Berlin")]
    report = judge_drift(*sides, workload(["tensorflow", "torch", "numpy"]), Policy())
    assert (report.findings, report.advice) == ((), ())
    assert [change.path for change in report.changes] == ["facts.os.time_zone"]
