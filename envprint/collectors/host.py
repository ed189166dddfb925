"""The machine at this moment: memory, load, shared memory and disk."""

from __future__ import annotations

from collections.abc import Mapping

from envprint.collectors._cgroup import memory_left_bytes
from envprint.core.fields import INTEGER, NUMBER, Field
from envprint.core.fingerprint import Unknown
from envprint.core.typed import Any
from envprint.machine.attempt import attempt
from envprint.machine.host import Host

LIVE = (
    Field("memory_total_bytes", INTEGER, "Memory of the machine; a container may be allowed less."),
    Field("memory_available_bytes", INTEGER, "Memory available without swapping."),
    Field(
        "memory_limit_left_bytes",
        INTEGER,
        "What is left of the memory limit of the container or group; null without a limit.",
    ),
    Field(
        "swap_used_bytes",
        INTEGER,
        "Swap space in use.",
        unwatched="memory swapped out long ago says nothing about this run",
    ),
    Field(
        "load_1_minute",
        NUMBER,
        "Processes that ran or waited for a processor, mean of the last minute.",
        unwatched="load affects the speed of a run, not its result",
    ),
    Field(
        "uptime_s",
        NUMBER,
        "Seconds since the machine started.",
        unwatched="no result depends on it",
    ),
    Field("shm_total_bytes", INTEGER, "Size of /dev/shm; null if there is none."),
    Field("shm_free_bytes", INTEGER, "Free in /dev/shm; null if there is none."),
    Field("disk_free_bytes", INTEGER, "Free space in the working directory."),
)


def sample(host: Host) -> Mapping[str, Any]:
    """Read from proc_meminfo(5), proc_loadavg(5), proc_uptime(5) and statvfs(3)."""
    return {
        **_memory(host),
        "memory_limit_left_bytes": attempt(lambda: memory_left_bytes(host)),
        "load_1_minute": attempt(lambda: _first_number(host, "/proc/loadavg")),
        "uptime_s": attempt(lambda: _first_number(host, "/proc/uptime")),
        **_shared_memory(host),
        "disk_free_bytes": attempt(lambda: host.disk(host.directory())["free_bytes"]),
    }


def _memory(host: Host) -> dict[str, int | Unknown]:
    sizes = attempt(lambda: parse_meminfo(host.read_text("/proc/meminfo")))
    if isinstance(sizes, Unknown):
        return dict.fromkeys(
            ("memory_total_bytes", "memory_available_bytes", "swap_used_bytes"), sizes
        )
    return {
        "memory_total_bytes": attempt(lambda: sizes["MemTotal"]),
        "memory_available_bytes": attempt(lambda: sizes["MemAvailable"]),
        "swap_used_bytes": attempt(lambda: sizes["SwapTotal"] - sizes["SwapFree"]),
    }


# MemTotal:       24684092 kB
# HugePages_Total:       0
# https://man7.org/linux/man-pages/man5/proc_meminfo.5.html
def parse_meminfo(text: str) -> dict[str, int]:
    """Name to bytes, for the lines with a size. Raises `ValueError`."""
    sizes = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if value.endswith(" kB"):
            sizes[name] = int(value[:-3]) * 1024
    return sizes


# 0.20 0.18 0.12 1/80 11206      in /proc/loadavg
# 1945.32 3695.18                in /proc/uptime
def _first_number(host: Host, path: str) -> float:
    return float(host.read_text(path).split()[0])


def _shared_memory(host: Host) -> dict[str, int | Unknown | None]:
    sizes = attempt(lambda: _sizes_or_none(host, "/dev/shm"))
    if sizes is None or isinstance(sizes, Unknown):
        return {"shm_total_bytes": sizes, "shm_free_bytes": sizes}
    return {"shm_total_bytes": sizes["total_bytes"], "shm_free_bytes": sizes["free_bytes"]}


def _sizes_or_none(host: Host, path: str) -> Mapping[str, int] | None:
    try:
        return host.disk(path)
    except FileNotFoundError:
        return None
