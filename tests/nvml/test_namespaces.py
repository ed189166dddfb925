"""Processes seen from where they cannot be seen: a real pid namespace, a real hidden /proc."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from envprint.gpu.processes import INITIAL_NAMESPACE
from tests.nvml import simulator

IDLE = Path(__file__).parent / "scenarios" / "idle" / "driver.txt"
NOBODY = "65534"
HIDDEN = (
    "mount -t proc -o hidepid=2 proc /proc && exec setpriv --regid=65533 --clear-groups "
    '--bounding-set=-sys_ptrace,-kill "$@"'
)
"""A root that may neither look into others' processes nor signal them, in a /proc that hides."""


def is_allowed(*command: str) -> bool:
    """Whether this user may do that here."""
    if not shutil.which(command[0]):
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not is_allowed("unshare", "--mount", "--pid", "--fork", "--mount-proc", "true"),
    reason="NO NAMESPACES HERE: unshare needs root and its permission",
)


@pytest.fixture
def held_by(tmp_path: Path) -> Iterator[int]:
    """The pid of a process of another user, which the simulated driver lists with 2,000 MiB."""
    run = subprocess.Popen(["setpriv", f"--reuid={NOBODY}", "sleep", "600"])
    driver = IDLE.read_text(encoding="utf-8")
    held = (
        f"nvmlDeviceGetComputeRunningProcesses@0 = ok {run.pid}:2000MiB\n"
        "nvmlDeviceGetMemoryInfo@0 = ok 40960MiB 594MiB 2004MiB 38362MiB\n"
    )
    (tmp_path / "driver.txt").write_text(driver + held, encoding="utf-8")
    yield run.pid
    run.kill()
    run.wait()


def process_seen(folder: Path, *prefix: str) -> dict[str, Any]:
    """What a capture under `prefix` records of the only process."""
    variables = simulator.environment(folder / "driver.txt")
    command = [*prefix, sys.executable, "-m", "envprint", "capture"]
    done = subprocess.run(command, capture_output=True, env=variables, check=True, timeout=120)
    (found,) = json.loads(done.stdout)["live"]["gpu"]["devices"]["0"]["processes"]
    assert found["memory_bytes"] == 2000 << 20
    return dict(found)


@pytest.mark.skipif(
    not os.path.realpath("/proc/self/ns/pid").endswith(INITIAL_NAMESPACE),
    reason="NOT THE INITIAL PID NAMESPACE: no name would be attached here",
)
def test_where_all_can_be_seen_the_process_has_its_name(held_by: int, tmp_path: Path) -> None:
    found = process_seen(tmp_path)
    assert (found["pid"], found["name"], found["own"]) == (held_by, "sleep", False)
    assert found["same_user"] is False


def test_in_another_pid_namespace_it_has_none(held_by: int, tmp_path: Path) -> None:
    found = process_seen(tmp_path, "unshare", "--pid", "--fork", "--mount-proc")
    assert (found["pid"], "name" in found) == (held_by, False)
    assert found["name_unknown"] == "the pid is not in this pid namespace"


def test_in_a_proc_that_hides_others_it_is_there_and_not_visible(
    held_by: int, tmp_path: Path
) -> None:
    found = process_seen(tmp_path, "unshare", "--mount", "sh", "-c", HIDDEN, "sh")
    assert (found["pid"], found["exists"], "name" in found) == (held_by, True, False)
    assert found["name_unknown"] == "the process is not visible to this user"
