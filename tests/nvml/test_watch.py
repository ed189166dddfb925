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
from envprint import gpu, holders
from envprint.errors import EnvprintError
from envprint.gpu import Watch, Watched
from envprint.holders import Account
from tests.collectors.test_gpu import INITIAL, MIB
from tests.nvml import simulator
from tests.nvml.test_reading import children_of_this_process
from tests.support import host

CARD = "GPU-00000000-0000-4000-8000-000000000000"
IDLE = (Path(__file__).parent / "scenarios" / "idle" / "driver.txt").read_text(encoding="utf-8")


class Driver:
    """A simulated driver whose answers change while it is watched."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.answers()

    def answers(self, *entries: str) -> None:
        """An idle card, with these entries on top."""
        written = self._file.with_suffix(".new")
        written.write_text("\n".join((IDLE, *entries)) + "\n", encoding="utf-8")
        simulator.validate(written)
        written.replace(self._file)

    def holds(self, **amounts: int) -> None:
        """These pids hold so many MiB."""
        listed = " ".join(f"{pid[1:]}:{amount}MiB" for pid, amount in amounts.items())
        used = 4 + sum(amounts.values())
        self.answers(
            f"nvmlDeviceGetComputeRunningProcesses@0 = ok {listed}",
            f"nvmlDeviceGetMemoryInfo@0 = ok 40960MiB 594MiB {used}MiB {40366 - used}MiB",
        )


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
    monkeypatch.setattr(gpu, "PAUSE_S", 0.05)
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


def until(watch: Watch, what: Callable[[Watched], Any], limit_s: float = 60.0) -> Watched:
    """What was seen, as soon as `what` is so."""
    end = time.monotonic() + limit_s
    while not what(watch.so_far()):
        assert time.monotonic() < end, watch.so_far()
        time.sleep(0.02)
    return watch.so_far()


def more_samples(watch: Watch) -> None:
    seen = watch.so_far().samples
    until(watch, lambda now: now.samples > seen + 1)


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
    with gpu.watch(interval_s=0.05) as watch:
        seen = until(watch, lambda now: now.holders)
    assert [(h.pid, h.at_start, h.peak_bytes) for h in seen.holders] == [
        (stranger, True, 412 * MIB)
    ]
    assert seen.intruders == ()


def test_a_run_does_not_accuse_itself_nor_its_children(driver: Driver) -> None:
    with subprocess.Popen(["sleep", "600"]) as child:
        with gpu.watch(interval_s=0.05) as watch:
            until(watch, lambda now: now.samples)
            driver.holds(**{f"p{os.getpid()}": 6000, f"p{child.pid}": 3000})
            seen = until(watch, lambda now: now.own_peak_bytes.get(CARD))
        child.kill()
    assert seen.holders == ()
    assert seen.own_peak_bytes == {CARD: 9000 * MIB}


def test_an_error_of_the_driver_is_a_gap_and_the_watch_goes_on(
    driver: Driver, stranger: int
) -> None:
    calls = ("MemoryInfo", "ComputeRunningProcesses", "GraphicsRunningProcesses")
    with gpu.watch(interval_s=0.05) as watch:
        until(watch, lambda now: now.samples)
        driver.answers(*(f"nvmlDeviceGet{name}@0 = 999" for name in calls))
        until(watch, lambda now: now.gaps)
        driver.holds(**{f"p{stranger}": 300})
        seen = until(watch, lambda now: now.intruders)
    (gap,) = seen.gaps
    assert gap.gpu == CARD
    assert "NVML error 999" in gap.reason
    assert gap.seen_until is not None


def test_a_crash_of_the_driver_is_a_gap_and_a_new_child_goes_on(
    driver: Driver, stranger: int
) -> None:
    with gpu.watch(interval_s=0.05) as watch:
        until(watch, lambda now: now.samples)
        driver.answers("nvmlDeviceGetMemoryInfo@0 = crash")
        until(watch, lambda now: now.gaps)
        driver.holds(**{f"p{stranger}": 300})
        seen = until(watch, lambda now: now.intruders)
    (gap,) = seen.gaps
    text = "reading NVML ended with signal 11 (during nvmlDeviceGetMemoryInfo, GPU 0)"
    assert (gap.gpu, gap.reason) == (None, text)
    assert gap.seen_until is not None


def test_a_hung_driver_is_a_gap_and_holds_nothing_up(driver: Driver, stranger: int) -> None:
    before = children_of_this_process()
    with gpu.watch(interval_s=0.05, gpu_timeout_s=0.5) as watch:
        until(watch, lambda now: now.samples)
        driver.answers("nvmlDeviceGetMemoryInfo@0 = hang")
        until(watch, lambda now: now.gaps)
        driver.holds(**{f"p{stranger}": 300})
        seen = until(watch, lambda now: now.intruders)
    assert "did not answer within 0.55 s (during nvmlDeviceGetMemoryInfo" in seen.gaps[0].reason
    assert children_of_this_process() == before


def test_a_driver_that_refuses_to_start_is_a_gap(driver: Driver) -> None:
    driver.answers("nvmlInit = 9")
    with gpu.watch(interval_s=0.05) as watch:
        seen = until(watch, lambda now: now.gaps)
        assert seen.gaps[0].reason.startswith("the driver library is installed, the kernel module")
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
    with gpu.watch(interval_s=0.05) as watch:
        seen = until(watch, lambda now: now.holders)
    assert [h.gpu for h in seen.holders] == ["MIG-1"]
    assert seen.used_peak_bytes == {"MIG-1": 320 * MIB}


def test_without_a_library_there_is_nothing_to_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envprint.nvml.reading.find_library", lambda variables: None)
    before = threading.active_count()
    with gpu.watch() as watch:
        assert threading.active_count() == before
    assert watch.stop() == Watched("libnvidia-ml.so.1 is not installed", 0, (), (), {}, {})


def test_nothing_is_left_after_a_stop_and_a_second_one_changes_nothing(driver: Driver) -> None:
    before = children_of_this_process(), threading.active_count()
    watch = gpu.watch(interval_s=0.05)
    until(watch, lambda now: now.samples)
    first = watch.stop()
    assert watch.stop() == first
    assert (children_of_this_process(), threading.active_count()) == before
    assert gpu.watch(interval_s=0.05).stop().samples == 0  # stopped before anything was seen


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


def test_in_another_pid_namespace_nobody_is_accused() -> None:
    account = Account(host(real_path={"/proc/self/ns/pid": "pid:[4026532914]"}), "ok")
    account.add(sample())
    account.add(sample((7, 20)))
    seen = account.watched()
    assert [(h.pid, h.name, h.own) for h in seen.holders] == [(7, None, None)]
    assert seen.intruders == ()


def test_a_divided_card_whose_parts_are_not_told_is_watched_whole() -> None:
    account = Account(host(real_path=INITIAL, interpreter={"pid": 1}), "ok")
    told = sample((7, 20))
    told["devices"][0] |= {"mig_mode": [1, 1], "mig_devices": {"error": 999, "name": "Unknown"}}
    account.add(told)
    assert [holder.pid for holder in account.watched().holders] == [7]


def test_a_process_that_ended_before_it_was_looked_at_is_not_accused() -> None:
    account = Account(host(real_path=INITIAL, interpreter={"pid": 1}), "ok")
    account.add(sample())
    account.add(sample((7, None)))
    assert [(h.own, h.peak_bytes) for h in account.watched().holders] == [(None, None)]
    assert account.watched().intruders == ()


@pytest.mark.parametrize(("option", "value"), [("interval_s", 0.0), ("gpu_timeout_s", 0.0)])
def test_numbers_that_make_no_sense_are_refused(option: str, value: float) -> None:
    with pytest.raises(EnvprintError):
        gpu.watch(**{option: value})
