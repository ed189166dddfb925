"""Watching the GPUs while something runs: intruders, gaps, and what is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import envprint
from envprint.core.errors import EnvprintError
from envprint.gpu import account as holders
from envprint.gpu import skipped_calls, watching
from envprint.gpu.account import MAX_MOMENTS, MemoryAccount
from envprint.gpu.watching import Watch, WatchResult
from tests.builders.driver import IDLE, Driver
from tests.builders.nvml_child import children_of_this_process
from tests.builders.nvml_readings import INITIAL, MIB
from tests.builders.support import host
from tests.nvml import simulator

CARD = "GPU-00000000-0000-4000-8000-000000000000"
SECOND = "GPU-00000001-0000-4000-8000-000000000000"


TWO = IDLE.replace("@0", "@1").replace(CARD, SECOND)


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """The driver that this process finds."""
    file = tmp_path / "driver.txt"
    found = Driver(file)
    variables = simulator.environment(file)
    for name in ("LD_LIBRARY_PATH", simulator.VARIABLE):
        monkeypatch.setenv(name, variables[name])
    # Where these tests run in a container, its numbers are those of the simulated driver too.
    monkeypatch.setattr(holders, "pids_are_ours", lambda host: True)
    monkeypatch.setattr(watching, "PAUSE_S", 0.05)
    monkeypatch.setattr(watching, "LATE_S", 60.0)  # a busy machine is no silent driver
    return found


@pytest.fixture
def stranger() -> Iterator[int]:
    """The pid of a process that is not a child of this one."""
    code = "import os, time\nif pid := os.fork(): print(pid)\nelse: time.sleep(600)"
    done = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert done.stdout
    pid = int(done.stdout.readline())
    done.wait()
    done.stdout.close()
    yield pid
    os.kill(pid, 9)


def until(watch: Watch, what: Callable[[WatchResult], Any], limit_s: float = 60.0) -> WatchResult:
    """What was seen, as soon as `what` is so."""
    end = time.monotonic() + limit_s
    while not what(watch.so_far()):
        assert time.monotonic() < end, watch.so_far()
        time.sleep(0.02)
    return watch.so_far()


def more_samples(watch: Watch) -> None:
    result = watch.so_far().samples
    until(watch, lambda now: now.samples > result + 1)


def test_an_intruder_is_told_with_start_end_and_peak(driver: Driver, stranger: int) -> None:
    pid = f"p{stranger}"
    with envprint.gpu.watch(interval_s=0.05) as watch:
        until(watch, lambda now: now.samples > 1)
        assert watch.so_far().intruders == ()
        for amount in (300, 900, 500):
            driver.holds(**{pid: amount})
            more_samples(watch)
        there = until(watch, lambda now: now.intruders)
        assert [(h.pid, h.own, h.seen_until) for h in there.intruders] == [(stranger, False, None)]
        driver.holds()
        gone = until(watch, lambda now: now.intruders[0].seen_until)
    (intruder,) = gone.intruders
    assert (intruder.gpu, intruder.peak_bytes) == (CARD, 900 * MIB)
    assert intruder.name and intruder.name.startswith("python")
    assert intruder.seen_until and intruder.seen_from <= intruder.seen_until
    assert gone.used_peak_bytes == {CARD: 904 * MIB}
    assert (gone.status, gone.gaps) == ("ok", ())


def test_who_was_there_before_is_a_holder_and_no_intruder(driver: Driver, stranger: int) -> None:
    driver.holds(**{f"p{stranger}": 412})
    with watching.watch(interval_s=0.05) as watch:
        result = until(watch, lambda now: now.holders)
    assert [(h.pid, h.at_start, h.peak_bytes) for h in result.holders] == [
        (stranger, True, 412 * MIB)
    ]
    assert result.intruders == ()


def test_a_run_does_not_accuse_itself_nor_its_children(driver: Driver) -> None:
    with subprocess.Popen(["sleep", "600"]) as child:
        with watching.watch(interval_s=0.05) as watch:
            until(watch, lambda now: now.samples)
            driver.holds(**{f"p{os.getpid()}": 6000, f"p{child.pid}": 3000})
            result = until(watch, lambda now: now.own_peak_bytes.get(CARD))
        child.kill()
    assert result.holders == ()
    assert result.own_peak_bytes == {CARD: 9000 * MIB}


def test_an_error_of_the_driver_is_a_gap_and_the_watch_goes_on(
    driver: Driver, stranger: int
) -> None:
    calls = ("MemoryInfo", "ComputeRunningProcesses", "GraphicsRunningProcesses")
    with watching.watch(interval_s=0.05) as watch:
        until(watch, lambda now: now.samples)
        driver.answers(*(f"nvmlDeviceGet{name}@0 = 999" for name in calls))
        until(watch, lambda now: now.gaps)
        driver.holds(**{f"p{stranger}": 300})
        result = until(watch, lambda now: now.intruders)
    (gap,) = result.gaps
    assert gap.gpu == CARD
    assert "NVML error 999" in gap.reason
    assert gap.seen_until is not None


def test_a_crash_of_the_driver_is_a_gap_and_a_new_child_goes_on(
    driver: Driver, stranger: int
) -> None:
    with watching.watch(interval_s=0.05) as watch:
        until(watch, lambda now: now.samples)
        driver.answers("nvmlDeviceGetMemoryInfo@0 = crash")
        until(watch, lambda now: now.gaps)
        driver.holds(**{f"p{stranger}": 300})
        result = until(watch, lambda now: now.intruders)
    (gap,) = result.gaps
    text = "reading NVML ended with signal 11 (during nvmlDeviceGetMemoryInfo, GPU 0)"
    assert (gap.gpu, gap.reason) == (None, text)
    assert gap.seen_until is not None


def test_a_hung_driver_is_a_gap_and_holds_nothing_up(driver: Driver, stranger: int) -> None:
    before = children_of_this_process()
    with watching.watch(interval_s=0.05, gpu_timeout_s=0.5) as watch:
        until(watch, lambda now: now.samples)
        driver.answers("nvmlDeviceGetMemoryInfo@0 = hang")
        until(watch, lambda now: now.gaps)
        driver.holds(**{f"p{stranger}": 300})
        result = until(watch, lambda now: now.intruders)
    assert "did not answer within 0.55 s (during nvmlDeviceGetMemoryInfo" in result.gaps[0].reason
    assert children_of_this_process() == before


@pytest.mark.parametrize("answers_again", [True, False])
def test_silence_is_a_gap_from_the_last_sample_on_long_before_the_time_is_over(
    answers_again: bool, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LATE_S", 0.5)
    with watching.watch(interval_s=0.05, gpu_timeout_s=600) as watch:
        until(watch, lambda now: now.samples)
        before = watch.so_far().gaps
        driver.answers(f"nvmlDeviceGetMemoryInfo@0 = hang {3 if answers_again else ''}".rstrip())
        hangs_from = iso(time.time())
        result = until(watch, lambda now: len(now.gaps) > len(before))
        if answers_again:
            result = until(watch, lambda now: now.gaps[-1].seen_until)
    gap = watch.so_far().gaps[len(before)]
    assert gap == result.gaps[len(before)]
    assert gap.reason == "NVML did not answer within 0.55 s (during nvmlDeviceGetMemoryInfo, GPU 0)"
    assert gap.seen_from <= hangs_from
    assert (gap.seen_until is not None) == answers_again


@pytest.mark.parametrize("failure", ["crash", "hang"])
@pytest.mark.parametrize("call", ["UUID", "MemoryInfo", "ComputeRunningProcesses"])
def test_a_card_whose_call_always_fails_does_not_hide_the_other(
    failure: str, call: str, driver: Driver, stranger: int
) -> None:
    listed = f"nvmlDeviceGetComputeRunningProcesses@0 = ok {stranger}:300MiB"
    memory = "nvmlDeviceGetMemoryInfo@0 = ok 40960MiB 594MiB 304MiB 40062MiB"
    driver.answers(TWO, listed, memory, f"nvmlDeviceGet{call}@1 = {failure}")
    with watching.watch(interval_s=0.05, gpu_timeout_s=2.0) as watch:
        result = until(watch, lambda now: now.samples > 5)
    assert [(h.gpu, h.pid, h.peak_bytes) for h in result.holders] == [(CARD, stranger, 300 * MIB)]
    during = f"(during nvmlDeviceGet{call}, GPU 1)"
    assert any(during in gap.reason and gap.seen_until for gap in result.gaps if gap.gpu is None)
    # Who holds the other is known where its memory alone cannot be asked for.
    single = [gap for gap in result.gaps if gap.gpu is not None]
    expected = [(SECOND, None)] if call == "ComputeRunningProcesses" else []
    assert [(gap.gpu, gap.seen_until) for gap in single] == expected
    assert all(during in gap.reason for gap in single)


def test_what_was_asked_before_the_driver_hung_is_seen_at_once(
    driver: Driver, stranger: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LATE_S", 0.5)
    listed = f"nvmlDeviceGetComputeRunningProcesses@0 = ok {stranger}:-"
    driver.answers(TWO, listed, "nvmlDeviceGetMemoryInfo@1 = hang")
    with watching.watch(interval_s=0.05, gpu_timeout_s=600) as watch:
        result = until(watch, lambda now: now.holders and now.gaps)
    assert [(h.gpu, h.pid) for h in result.holders] == [(CARD, stranger)]
    assert result.samples == 1
    assert result.gaps[-1].gpu is None


def test_a_card_that_recovers_is_watched_again(
    driver: Driver, stranger: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(skipped_calls, "FIRST_S", 0.5)
    driver.answers(TWO, "nvmlDeviceGetComputeRunningProcesses@1 = crash")
    with watching.watch(interval_s=0.05) as watch:
        until(watch, lambda now: any(gap.gpu == SECOND for gap in now.gaps))
        driver.answers(TWO, f"nvmlDeviceGetComputeRunningProcesses@1 = ok {stranger}:-")
        result = until(watch, lambda now: now.holders)
    assert [(h.gpu, h.pid) for h in result.holders] == [(SECOND, stranger)]
    assert all(gap.seen_until for gap in result.gaps)


def test_a_driver_that_does_not_count_its_cards_is_a_gap_and_no_sample(driver: Driver) -> None:
    driver.answers("nvmlDeviceGetCount = 999")
    with watching.watch(interval_s=0.05) as watch:
        result = until(watch, lambda now: now.gaps)
        assert (result.samples, result.gaps[0].gpu) == (0, None)
        assert "NVML error 999" in result.gaps[0].reason
        driver.answers()
        until(watch, lambda now: now.samples and now.gaps[0].seen_until)


def test_a_driver_that_refuses_to_start_is_a_gap(driver: Driver) -> None:
    driver.answers("nvmlInit = 9")
    with watching.watch(interval_s=0.05) as watch:
        result = until(watch, lambda now: now.gaps)
        assert result.gaps[0].reason.startswith(
            "the driver library is installed, the kernel module"
        )
        driver.answers()
        until(watch, lambda now: now.samples and now.gaps[0].seen_until)


def test_parts_of_a_divided_card_are_watched_and_the_whole_is_not(
    driver: Driver, stranger: int
) -> None:
    listed = f"nvmlDeviceGetComputeRunningProcesses@%s = ok {stranger}:300MiB"
    driver.answers(
        "nvmlDeviceGetMigMode@0 = ok 1 1",
        "nvmlDeviceGetUUID@0/0 = ok MIG-1",
        "nvmlDeviceGetMemoryInfo@0/0 = ok 20096MiB 0 320MiB 19776MiB",
        "nvmlDeviceGetGraphicsRunningProcesses@0/0 = ok",
        listed % "0",
        listed % "0/0",
    )
    with watching.watch(interval_s=0.05) as watch:
        result = until(watch, lambda now: now.holders)
    assert [h.gpu for h in result.holders] == ["MIG-1"]
    assert result.used_peak_bytes == {"MIG-1": 320 * MIB}


def test_without_a_library_there_is_nothing_to_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envprint.machine.nvml.client.find_library", lambda variables: None)
    before = threading.active_count()
    with watching.watch() as watch:
        assert threading.active_count() == before
    assert watch.stop() == WatchResult("libnvidia-ml.so.1 is not installed", 0, (), (), {}, {})


def test_nothing_is_left_after_a_stop_and_a_second_one_changes_nothing(driver: Driver) -> None:
    before = children_of_this_process(), threading.active_count()
    watch = watching.watch(interval_s=0.05)
    until(watch, lambda now: now.samples)
    first = watch.stop()
    assert watch.stop() == first
    assert (children_of_this_process(), threading.active_count()) == before
    assert watching.watch(interval_s=0.05).stop().samples == 0  # stopped before anything was seen


def test_the_child_of_a_watch_ends_with_its_parent(driver: Driver) -> None:
    code = (
        "import envprint, os, time\n"
        "watch = envprint.gpu.watch(interval_s=0.05)\n"
        "while not watch.so_far().samples: time.sleep(0.02)\n"
        "print(watch._child._pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    pid = int(done.stdout)
    end = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text():
        assert time.monotonic() < end
        time.sleep(0.05)


def sample(*processes: tuple[int, int | None], at_s: float = 1000.0) -> dict[str, Any]:
    device = {
        "handle": None,
        "uuid": CARD,
        "memory": {"api": "v2", "total": 100, "reserved": 1, "used": 50, "free": 49},
        "compute_processes": [{"pid": pid, "used": used} for pid, used in processes],
        "graphics_processes": [],
        "mps_processes": [],
    }
    return {"sampled_at_s": at_s, "devices": [device]}


def iso(now_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_s))


def test_a_gap_lasts_from_one_answer_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample bears the time when it was begun; in this one the driver hung for two minutes."""
    now = [900.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    account = MemoryAccount(host(real_path=INITIAL, interpreter={"pid": 1}), "ok")
    account.silence("at first")
    account.add(sample((7, 20), at_s=950.0))
    now[0] = 1200.0
    account.silence("hung")
    now[0] = 1500.0
    account.add(sample(at_s=1380.0))
    first, second = account.result().gaps
    assert (first.seen_from, first.seen_until) == (iso(900), iso(900))
    assert (second.seen_from, second.seen_until) == (iso(950), iso(1500))
    (holder,) = account.result().holders
    assert (holder.seen_from, holder.seen_until) == (iso(950), iso(950))


def test_the_course_of_memory_is_kept_with_what_the_run_itself_held() -> None:
    account = MemoryAccount(host(**{**NEIGHBOURS, "interpreter": {"pid": 7}}), "ok")
    for second in range(3):
        account.add(sample((7, 20 + second), at_s=1000.0 + second))
    assert [tuple(moment) for moment in account.result().memory] == [
        (CARD, iso(1000.0 + second), 50, 20 + second) for second in range(3)
    ]


@pytest.mark.parametrize("samples", [MAX_MOMENTS, MAX_MOMENTS + 1, 5000])
def test_a_long_course_stays_short_and_keeps_every_peak(samples: int) -> None:
    account = MemoryAccount(host(real_path=INITIAL, interpreter={"pid": 1}), "ok")
    for second in range(samples):
        reading = sample(at_s=1000.0 + second)
        reading["devices"][0]["memory"]["used"] = 99 if second == samples - 3 else second % 7
        account.add(reading)
    memory = account.result().memory
    assert MAX_MOMENTS // 2 <= len(memory) <= MAX_MOMENTS
    assert memory[0].seen_at == iso(1000.0)
    assert [one.seen_at for one in memory] == sorted({one.seen_at for one in memory})
    assert max(one.used_bytes or 0 for one in memory) == 99
    assert iso(1000.0 + samples - 10 * samples / MAX_MOMENTS - 2) <= memory[-1].seen_at


NEIGHBOUR = {"name": "python", "user": "other", "started_at_s": 900.0, "state": "sleeping"}
NEIGHBOURS: dict[str, Any] = {
    "real_path": INITIAL,
    "interpreter": {"pid": 1},
    "identity": {"user": "user"},
    "process": {"7": NEIGHBOUR, "8": NEIGHBOUR},
}


def test_who_is_seen_after_a_first_silence_may_have_been_there_before() -> None:
    account = MemoryAccount(host(**NEIGHBOURS), "ok")
    account.silence("the driver has to be loaded first")
    account.add(sample((7, 20)))
    account.silence("and again")
    account.add(sample((7, 20), (8, 20)))
    result = account.result()
    assert [(h.pid, h.own, h.at_start) for h in result.holders] == [
        (7, False, None),
        (8, False, False),
    ]
    assert [h.pid for h in result.intruders] == [8]


def test_who_is_on_a_card_that_was_not_there_at_first_may_have_been_there_before() -> None:
    account = MemoryAccount(host(**NEIGHBOURS), "ok")
    account.add({"sampled_at_s": 999.0, "devices": []})
    account.add(sample((7, 20)))
    assert [h.at_start for h in account.result().holders] == [None]


@pytest.mark.parametrize(("code", "peaks"), [(999, {CARD: 60}), (3, {})])
def test_without_an_answer_about_memory_at_least_what_processes_held_was_in_use(
    code: int, peaks: dict[str, int]
) -> None:
    """A card without memory of its own shares the system's, which is no use of the card."""
    account = MemoryAccount(host(**NEIGHBOURS), "ok")
    for processes in ((), ((7, 20), (8, 40)), ((8, None),)):
        reading = sample(*processes)
        reading["devices"][0]["memory"] = {"error": code, "name": "text"}
        account.add(reading)
    result = account.result()
    assert (result.used_peak_bytes, result.gaps) == (peaks, ())


def test_a_card_that_is_left_out_keeps_its_name() -> None:
    account = MemoryAccount(host(real_path=INITIAL, interpreter={"pid": 1}), "ok")
    account.add(sample())
    account.add({"sampled_at_s": 1001.0, "devices": [{"handle": {"error": None, "name": "hung"}}]})
    assert [(gap.gpu, gap.reason) for gap in account.result().gaps] == [(CARD, "hung")]


def test_a_part_of_a_sample_counts_once_and_tells_nothing_of_the_rest() -> None:
    account = MemoryAccount(host(real_path=INITIAL, interpreter={"pid": 1}), "ok")
    account.add_part({"devices": [{"handle": {"error": 15, "name": "lost"}}]})
    account.add_part({"sampled_at_s": 999.0, "devices": [{"uuid": CARD, "handle": None}]})
    assert account.result() == WatchResult("ok", 0, (), (), {}, {})
    reading = sample((7, 20))
    reading["devices"].append({"uuid": SECOND, "handle": None})
    for _ in range(2):
        account.add_part(reading)
        account.silence("hung")
    result = account.result()
    assert (result.samples, [h.gpu for h in result.holders]) == (1, [CARD])
    assert [(gap.gpu, gap.seen_until) for gap in result.gaps] == [(None, None)]


def test_in_another_pid_namespace_nobody_is_accused() -> None:
    account = MemoryAccount(host(real_path={"/proc/self/ns/pid": "pid:[4026532914]"}), "ok")
    account.add(sample())
    account.add(sample((7, 20)))
    result = account.result()
    assert [(h.pid, h.name, h.own) for h in result.holders] == [(7, None, None)]
    assert result.intruders == ()


def test_a_divided_card_whose_parts_are_not_told_is_watched_whole() -> None:
    account = MemoryAccount(host(real_path=INITIAL, interpreter={"pid": 1}), "ok")
    told = sample((7, 20))
    told["devices"][0] |= {"mig_mode": [1, 1], "mig_devices": {"error": 999, "name": "Unknown"}}
    account.add(told)
    assert [holder.pid for holder in account.result().holders] == [7]


def test_a_process_that_ended_before_it_was_looked_at_is_not_accused() -> None:
    account = MemoryAccount(host(real_path=INITIAL, interpreter={"pid": 1}), "ok")
    account.add(sample())
    account.add(sample((7, None)))
    assert [(h.own, h.peak_bytes) for h in account.result().holders] == [(None, None)]
    assert account.result().intruders == ()


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
@pytest.mark.parametrize("option", ["interval_s", "gpu_timeout_s"])
def test_numbers_that_make_no_sense_are_refused_by_name(option: str, value: float) -> None:
    with pytest.raises(EnvprintError, match=f"expected {option} .*, found {value!r}"):
        watching.watch(**{option: value})
