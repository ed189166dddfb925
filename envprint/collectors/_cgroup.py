"""Limits that control groups (version 1 and 2) set for this process.

The limits of all ancestors apply too, so the tightest one from the group's directory up to the root
of the mount counts. In a container, /proc/self/cgroup may show the path outside it; then only the
root exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from envprint.machine.attempt import text_or_none
from envprint.machine.host import Host

ROOT = "/sys/fs/cgroup"

# Version 1 writes "no limit" as the largest multiple of the page size in 63 bits.
_UNLIMITED_BYTES = 1 << 60


def quota_cpus(host: Host) -> float | None:
    """The CPU quota of this process, in CPUs; None without a limit.

    Raises `OSError` and `ValueError`.
    """
    return _tightest(host, "cpu", _quota_v1, _quota_v2)


def memory_limit_bytes(host: Host) -> int | None:
    """Memory that this process and its group may use; None without a limit.

    Raises `OSError` and `ValueError`.
    """
    limit = _tightest(host, "memory", _memory_v1, _memory_v2)
    return None if limit is None else int(limit)


def memory_left_bytes(host: Host) -> int | None:
    """Memory that the limits leave now; None without a limit.

    Inactive file pages are reclaimed on demand, so they count as free. Raises `OSError` and
    `ValueError`.
    """
    left = _tightest(host, "memory", _left_v1, _left_v2)
    return None if left is None else max(0, int(left))


Limit = Callable[[Host, str], "float | None"]


def _tightest(host: Host, controller: str, version_1: Limit, version_2: Limit) -> float | None:
    groups = parse_groups(text_or_none(host, "/proc/self/cgroup") or "")
    if controller in groups:
        read, root, path = version_1, f"{ROOT}/{controller}", groups[controller]
    elif "" in groups:
        read, root, path = version_2, ROOT, groups[""]
    else:
        return None
    limits = [read(host, directory) for directory in _upwards(root, path)]
    return min((limit for limit in limits if limit is not None), default=None)


# 4:memory:/user.slice/user-1000.slice      (version 1: number, controllers, path)
# 0::/system.slice/docker-3f9c.scope         (version 2)
# https://man7.org/linux/man-pages/man7/cgroups.7.html
def parse_groups(text: str) -> dict[str, str]:
    """Controller to the group's path; the empty name means version 2."""
    groups = {}
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        controllers, colon, path = rest.partition(":")
        if colon:
            groups.update(dict.fromkeys(controllers.split(","), path))
    return groups


def _upwards(root: str, path: str) -> Iterator[str]:
    """The directories from the group's own up to the root of the mount."""
    steps = [step for step in path.split("/") if step not in ("", "..")]
    for count in range(len(steps), -1, -1):
        yield "/".join((root, *steps[:count]))


# 100000 in cpu.cfs_period_us and 200000, or -1 for no limit, in cpu.cfs_quota_us
# https://docs.kernel.org/scheduler/sched-bwc.html
def _quota_v1(host: Host, directory: str) -> float | None:
    quota = _number(text_or_none(host, f"{directory}/cpu.cfs_quota_us"))
    period = _number(text_or_none(host, f"{directory}/cpu.cfs_period_us"))
    return None if quota is None or period is None or quota < 0 else _share(quota, period)


# 200000 100000, or max 100000
# https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
def _quota_v2(host: Host, directory: str) -> float | None:
    quota, _, period = (text_or_none(host, f"{directory}/cpu.max") or "max").partition(" ")
    return None if quota.strip() == "max" else _share(int(quota), int(period))


def _share(quota_us: int, period_us: int) -> float:
    if quota_us <= 0 or period_us <= 0:
        raise ValueError(f"a quota of {quota_us} µs in {period_us} µs")
    return quota_us / period_us


# 9223372036854771712
# https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
def _memory_v1(host: Host, directory: str) -> float | None:
    limit = _number(text_or_none(host, f"{directory}/memory.limit_in_bytes"))
    return limit if limit is not None and limit < _UNLIMITED_BYTES else None


# 8589934592, or max
# https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
def _memory_v2(host: Host, directory: str) -> float | None:
    text = (text_or_none(host, f"{directory}/memory.max") or "max").strip()
    return None if text == "max" else int(text)


def _left_v1(host: Host, directory: str) -> float | None:
    limit = _memory_v1(host, directory)
    used = _number(text_or_none(host, f"{directory}/memory.usage_in_bytes"))
    return _left(host, directory, limit, used, "total_inactive_file")


def _left_v2(host: Host, directory: str) -> float | None:
    limit = _memory_v2(host, directory)
    used = _number(text_or_none(host, f"{directory}/memory.current"))
    return _left(host, directory, limit, used, "inactive_file")


# anon 1024000
# inactive_file 2048000
# https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files (memory.stat)
def _left(
    host: Host, directory: str, limit: float | None, used: int | None, idle: str
) -> float | None:
    if limit is None or used is None:
        return None
    lines = (text_or_none(host, f"{directory}/memory.stat") or "").splitlines()
    given_back = sum(int(line.split()[1]) for line in lines if line.split()[:1] == [idle])
    return limit - (used - given_back)


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
