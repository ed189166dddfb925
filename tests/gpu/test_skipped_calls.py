"""Which calls a watch leaves out, and for how long."""

from __future__ import annotations

from envprint.gpu.skipped_calls import FIRST_S, LONGEST_S, MAX_FAILURES_OF_ONE, SkippedCalls

MEMORY = "nvmlDeviceGetMemoryInfo 1"
COMPUTE = "nvmlDeviceGetComputeRunningProcesses 1"
HANDLE = "nvmlDeviceGetHandleByIndex 1 1"


def test_a_call_is_left_out_for_a_time_and_then_tried_again() -> None:
    spared = SkippedCalls()
    assert spared.calls(0.0) == {}
    spared.add("nvmlDeviceGetName 1", "crashed", 100.0)
    assert spared.calls(100.0) == {"nvmlDeviceGetName 1": "crashed"}
    assert not spared.is_over(100.0)
    assert spared.is_over(100.0 + FIRST_S)
    assert spared.calls(100.0 + FIRST_S) == {}


def test_older_interfaces_are_left_out_with_it() -> None:
    spared = SkippedCalls()
    spared.add(f"{MEMORY} 33554472", "hung", 0.0)
    spared.add(COMPUTE, "crashed", 0.0)
    assert spared.calls(0.0) == {
        f"{MEMORY} 33554472": "hung",
        MEMORY: "hung",
        COMPUTE: "crashed",
        "nvmlDeviceGetComputeRunningProcesses_v2 1": "crashed",
        "nvmlDeviceGetComputeRunningProcesses_v1 1": "crashed",
    }


def test_a_gpu_that_fails_again_and_again_is_left_out_whole() -> None:
    spared = SkippedCalls()
    for place, call in enumerate(("Name 1", "UUID 1", "UUID 0", "PciInfo 1")):
        assert HANDLE not in spared.calls(0.0), place
        spared.add(f"nvmlDeviceGet{call}", "hung", 0.0)
    assert spared.calls(0.0)[HANDLE] == "hung"
    assert "nvmlDeviceGetHandleByIndex 0 0" not in spared.calls(0.0)


def test_calls_of_no_gpu_leave_none_out() -> None:
    spared = SkippedCalls()
    for place in range(MAX_FAILURES_OF_ONE):
        spared.add(f"nvmlSystemGetSomething{place}", "hung", 0.0)
    spared.add("nvmlDeviceGetCount", "hung", 0.0)
    assert len(spared.calls(0.0)) == MAX_FAILURES_OF_ONE + 1


def test_what_fails_for_good_is_tried_less_and_less_often_until_it_answers() -> None:
    spared, now_s, pauses = SkippedCalls(), 0.0, []
    for _ in range(9):
        spared.add(MEMORY, "hung", now_s)
        begun_s = now_s
        while not spared.is_over(now_s):
            now_s += FIRST_S
        pauses.append(now_s - begun_s)
    assert pauses[:3] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S]
    assert pauses[-1] == LONGEST_S
    spared.clear()
    spared.add(COMPUTE, "hung", now_s)
    assert MEMORY not in spared.calls(now_s)
    assert spared.is_over(now_s + FIRST_S)
