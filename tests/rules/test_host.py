"""Rules about memory, shared memory and disk as they are now."""

from __future__ import annotations

import pytest

from envprint.core.impact import Impact
from envprint.core.workload import Workload
from envprint.judging.policy.model import Policy
from tests.builders.judged import judge_state
from tests.builders.support import drift, fingerprint, state

MIB = 1 << 20


@pytest.mark.parametrize(
    ("rule", "field", "low", "enough", "message"),
    [
        (
            "host-memory-low",
            "memory_available_bytes",
            300 * MIB,
            512 * MIB,
            "300 MiB of memory is available",
        ),
        (
            "host-memory-low",
            "memory_limit_left_bytes",
            300 * MIB,
            512 * MIB,
            "300 MiB of the memory limit of this container or group is left",
        ),
        (
            "host-shared-memory-small",
            "shm_total_bytes",
            64 * MIB,
            65 * MIB,
            "/dev/shm holds 64 MiB",
        ),
        (
            "host-disk-low",
            "disk_free_bytes",
            500 * MIB,
            1024 * MIB,
            "500 MiB are free where the program runs",
        ),
    ],
)
def test_too_little_may_end_the_run(
    rule: str, field: str, low: int, enough: int, message: str
) -> None:
    path = f"live.host.{field}"
    said, undecided = state(rule, fingerprint({path: low}), ["torch"])
    assert [(f.impact, f.message, f.after) for f in said] == [(Impact.BREAKS, message, low)]
    assert undecided == []
    assert state(rule, fingerprint({path: enough}), ["torch"]) == ([], [])
    assert state(rule, fingerprint({path: None}), ["torch"]) == ([], [])
    unknown = fingerprint(unknown={path: "no /proc"})
    assert [d.reason for d in state(rule, unknown, ["torch"])[1]] == ["no /proc"]


def test_nothing_free_at_all_is_little_and_not_unknown() -> None:
    now = fingerprint({"live.host.memory_available_bytes": 0})
    assert [f.message for f in state("host-memory-low", now)[0]] == ["0 MiB of memory is available"]


def test_shared_memory_is_nothing_to_tensorflow() -> None:
    now = fingerprint({"live.host.shm_total_bytes": 0})
    assert state("host-shared-memory-small", now, ["tensorflow"]) == ([], [])


def test_in_a_diff_only_new_shortness_is_told() -> None:
    low = fingerprint({"live.host.memory_available_bytes": 1})
    plenty = fingerprint({"live.host.memory_available_bytes": 1 << 40})
    assert len(drift("host-memory-low", plenty, low)[0]) == 1
    assert drift("host-memory-low", low, low) == ([], [])


def test_a_full_disk_is_advice_that_a_strict_check_counts() -> None:
    # What is computed does not change, and where the job writes is not known.
    now = fingerprint({"live.host.disk_free_bytes": 0})
    report = judge_state(now, None, Workload(("numpy",)), Policy())
    assert "host-disk-low" in [advice.rule for advice in report.advice]
    assert report.impact is Impact.NONE
    assert (report.exit_code(Impact.BREAKS), report.exit_code(Impact.BREAKS, strict=True)) == (0, 1)
