"""The live host section: memory, load, shared memory, disk."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.collectors import host as section
from envprint.core.fingerprint import Unknown
from tests.builders.support import host

MEMINFO = (
    "MemTotal:       24684092 kB\nMemFree:        24536684 kB\nMemAvailable:   24446792 kB\n"
    "SwapTotal:       2097148 kB\nSwapFree:        2097124 kB\nHugePages_Total:       0\n"
)


def machine(meminfo: Any = MEMINFO, **answers: Any) -> Any:
    read = {
        "/proc/meminfo": meminfo,
        "/proc/loadavg": "0.20 0.18 0.12 1/80 11206\n",
        "/proc/uptime": "1945.32 3695.18\n",
        **answers.pop("read", {}),
    }
    disk = {
        "/dev/shm": {"total_bytes": 67108864, "free_bytes": 67100000},
        "/home/x": {"total_bytes": 10**12, "free_bytes": 10**11},
        **answers.pop("disk", {}),
    }
    return host(read=read, disk=disk, directory="/home/x", **answers)


def test_a_machine_is_read_whole() -> None:
    assert section.sample(machine()) == {
        "memory_total_bytes": 24684092 * 1024,
        "memory_available_bytes": 24446792 * 1024,
        "memory_limit_left_bytes": None,
        "swap_used_bytes": 24 * 1024,
        "load_1_minute": 0.2,
        "uptime_s": 1945.32,
        "shm_total_bytes": 67108864,
        "shm_free_bytes": 67100000,
        "disk_free_bytes": 10**11,
    }


def test_an_old_kernel_does_not_say_what_is_available() -> None:
    read = section.sample(machine("MemTotal: 10 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"))
    assert read["memory_total_bytes"] == 10240
    assert isinstance(read["memory_available_bytes"], Unknown)
    assert read["swap_used_bytes"] == 0


@pytest.mark.parametrize("text", ["", "MemTotal\n", "MemTotal: lots kB\n", {"error": "EACCES"}])
def test_odd_meminfo_is_unknown(text: Any) -> None:
    read = section.sample(machine(text))
    assert isinstance(read["memory_total_bytes"], Unknown)
    assert isinstance(read["swap_used_bytes"], Unknown)


def test_no_shared_memory_is_absent_and_a_refusal_is_unknown() -> None:
    absent = section.sample(machine(disk={"/dev/shm": {"error": "ENOENT"}}))
    assert (absent["shm_total_bytes"], absent["shm_free_bytes"]) == (None, None)
    refused = section.sample(machine(disk={"/dev/shm": {"error": "EACCES"}}))
    assert refused["shm_free_bytes"] == Unknown("/dev/shm: Permission denied")


def test_without_proc_everything_says_why() -> None:
    read = section.sample(host(directory={"error": "ENOENT"}))
    assert read.keys() == {field.name for field in section.LIVE}
    assert read["load_1_minute"] == Unknown("/proc/loadavg: No such file or directory")
    assert isinstance(read["disk_free_bytes"], Unknown)


@pytest.mark.parametrize(
    ("files", "left"),
    [
        ({}, None),
        ({"memory.max": "max\n", "memory.current": "5\n"}, None),
        ({"memory.max": "1000\n", "memory.current": "700\n"}, 300),
        (
            {
                "memory.max": "1000\n",
                "memory.current": "900\n",
                "memory.stat": "anon 5\ninactive_file 250\nactive_file 9\n",
            },
            350,
        ),
        ({"memory.max": "1000\n", "memory.current": "1200\n"}, 0),
    ],
)
def test_what_a_limit_leaves_of_memory(files: dict[str, str], left: int | None) -> None:
    found = {f"/sys/fs/cgroup/job/{name}": text for name, text in files.items()}
    answers = host(read={"/proc/self/cgroup": "0::/job\n", **found})
    assert section.sample(answers)["memory_limit_left_bytes"] == left


def test_the_tightest_of_all_groups_counts_in_version_1_too() -> None:
    root = "/sys/fs/cgroup/memory"
    files = {
        "/proc/self/cgroup": "4:memory:/a/b\n",
        f"{root}/a/b/memory.limit_in_bytes": "1000\n",
        f"{root}/a/b/memory.usage_in_bytes": "100\n",
        f"{root}/a/memory.limit_in_bytes": "1000\n",
        f"{root}/a/memory.usage_in_bytes": "800\n",
        f"{root}/a/memory.stat": "inactive_file 1\ntotal_inactive_file 50\n",
    }
    assert section.sample(host(read=files))["memory_limit_left_bytes"] == 250
