"""`check --wait-free-gpu`: waits for memory to be given back and to settle, and no longer."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.report import Report
from envprint.core.units import parse_seconds
from envprint.core.workload import Workload
from envprint.judging.policy.model import Policy
from envprint.run import wait_for_gpu
from tests.builders.driver import Driver
from tests.builders.environments import bare, put_framework
from tests.builders.gpu_memory import FIREFOX, XORG, in_use
from tests.builders.gpus import A10, GIB, T4, machine
from tests.builders.judged import judge_state
from tests.builders.support import fingerprint
from tests.nvml import simulator

JOB = Workload(("torch",), "gpu", "x86_64")
BUSY = XORG | {"memory_bytes": 9000}
NO_GPU = machine(more={"live.gpu.devices": {}})
UNIFIED = machine(
    T4 | {"shares_system_memory": True, "memory_total_bytes": None},
    more={"live.gpu.devices": {"0": {}}, "live.host.memory_available_bytes": 64 * GIB},
)
"""As its driver tells no free memory, and the system's is what counts."""
SILENT = fingerprint({}, {"facts.gpu.devices": "no answer", "live.gpu.devices": "no answer"})


def judge(now: Fingerprint) -> Report:
    return judge_state(now, None, JOB, Policy())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which passes only while somebody sleeps."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda s: now.__setitem__(0, now[0] + s))
    return now


def waited(moments: list[Fingerprint], limit_s: float) -> tuple[Fingerprint, list[str], int]:
    """What is waited for, what is told meanwhile, and how many captures it takes."""
    messages: list[str] = []
    left = iter(moments)
    taken: list[Fingerprint] = []

    def capture() -> Fingerprint:
        taken.append(next(left, moments[-1]))
        return taken[-1]

    found = wait_for_gpu.wait(capture, judge, Impact.NUMERIC, limit_s, messages.append)
    return found, messages, len(taken)


def test_what_is_free_and_settled_is_waited_for_once_more_only(clock: list[float]) -> None:
    free = in_use(16000)
    found, messages, captures = waited([free], 60)
    assert (found, captures) == (free, 2)
    assert messages == ["waiting, 60 s at most: free memory of the GPUs has not settled yet"]


def test_memory_that_is_being_released_is_waited_for_until_it_settles(clock: list[float]) -> None:
    moments = [in_use(4000, BUSY), in_use(4000, BUSY), in_use(11000), in_use(15900), in_use(15900)]
    found, messages, captures = waited(moments, 60)
    assert (found, captures) == (moments[-1], 5)
    assert [text.partition(": ")[2][:26] for text in messages] == [
        "9,000 MiB of 16.0 GiB (55 ",
        "free memory of the GPUs ha",
    ]


def test_it_is_not_waited_longer_than_asked(clock: list[float]) -> None:
    found, messages, captures = waited([in_use(4000, BUSY, FIREFOX)], 7)
    assert (found, captures) == (in_use(4000, BUSY, FIREFOX), 5)
    assert clock[0] == 1007.0
    assert len(messages) == 1


def test_without_a_gpu_there_is_nothing_to_wait_for(clock: list[float]) -> None:
    for now in (NO_GPU, UNIFIED):
        assert waited([now], 60) == (now, [], 1)


def test_which_gpu_the_job_gets_is_no_question_of_time(clock: list[float]) -> None:
    wanted = {"facts.environ.variables[CUDA_VISIBLE_DEVICES]": "0"}
    now = machine(T4, A10, more=wanted)
    assert [d.path for d in judge(now).undecided if d.rule == "gpu-memory-free-low"] == [
        "facts.gpu.visible"
    ]
    assert waited([now], 60)[2] == 2


def test_a_driver_that_does_not_answer_is_not_taken_for_free(clock: list[float]) -> None:
    free = in_use(15900)
    found, messages, captures = waited([in_use(4000, BUSY), SILENT, SILENT, SILENT, free], 60)
    assert (found, captures) == (free, 6)
    assert [text.partition(": ")[2] for text in messages[1:]] == [
        "free memory of the GPUs is unknown: no answer",
        "free memory of the GPUs has not settled yet",
    ]


def test_at_the_end_it_is_said_that_it_could_not_be_told(clock: list[float]) -> None:
    found, messages, captures = waited([SILENT], 7)
    assert (found, captures, clock[0]) == (SILENT, 5, 1007.0)
    assert messages == [
        "waiting, 7 s at most: free memory of the GPUs is unknown: no answer",
        "7 s are over: free memory of the GPUs is unknown: no answer",
    ]


def test_a_silent_driver_does_not_hold_up_work_for_the_cpu(clock: list[float]) -> None:
    def judge_cpu(now: Fingerprint) -> Report:
        return judge_state(now, None, JOB._replace(device="cpu"), Policy())

    assert wait_for_gpu.wait(lambda: SILENT, judge_cpu, Impact.NUMERIC, 60, print) == SILENT
    assert clock[0] == 1000.0


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("45s", 45), ("10m", 600), ("1.5h", 5400), (" 2 H ", 7200)]
)
def test_times_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-5", "1d", "1e3", "10 m s"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a time such as"):
        parse_seconds(text)


def check(file: Path, *options: str) -> subprocess.Popen[str]:
    """A check under this driver."""
    return subprocess.Popen(
        [sys.executable, "-m", "envprint", "check", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=simulator.environment(file),
    )


@pytest.mark.parametrize(("action", "code"), [("warn", 0), ("fail", 3)])
def test_a_driver_that_hangs_all_the_time_is_a_doubt_after_it(
    action: str, code: int, tmp_path: Path
) -> None:
    file = tmp_path / "driver.txt"
    Driver(file).answers("nvmlInit = hang")
    python = bare(tmp_path / "venv")
    (library,) = (tmp_path / "venv").glob("lib/python3*/site-packages")
    put_framework(library, "jax")
    # Whatever else this machine is in doubt of, or warned of.
    alone = ("--python", python, "--fail-on", "breaks", "--on-unknown", action)
    with check(file, *alone, "--wait-free-gpu", "2s", "--gpu-timeout", "0.5") as run:
        said, messages = run.communicate(timeout=60)
    assert run.returncode == code, said
    assert "2 s are over: free memory of the GPUs is unknown: NVML did not answer" in messages


def test_a_check_waits_for_a_program_to_end(tmp_path: Path) -> None:
    file = tmp_path / "driver.txt"
    driver = Driver(file)
    driver.holds(p99999=9000)
    needs = ("--device", "gpu", "--min-free-gpu", "39GiB")
    with check(file, *needs, "--wait-free-gpu", "60s") as run:
        assert run.stderr
        assert " s at most: GPU 0 has" in run.stderr.readline()
        driver.holds()
        said, _ = run.communicate(timeout=120)
    assert run.returncode == 0, said
