"""Process groups: the members of this process's own, and what a job leaves behind in others.

This process adopts orphans, so all that a job starts stays its descendant, and is found in whatever
group it is. https://man7.org/linux/man-pages/man7/credentials.7.html,
man2/PR_SET_CHILD_SUBREAPER.2const.html
"""

import os
import signal
import time
from collections.abc import Iterable, Mapping

from envprint.core.errors import suppress
from envprint.core.typed import NamedTuple

LEFT_WAIT_S = 5.0
"""Seconds that processes left behind have to end after SIGTERM."""
KILL_WAIT_S = 1.0
"""Seconds that they have after SIGKILL; a process that hangs in the kernel never ends."""
ROUND_S = 0.05
"""Seconds between two checks whether they have ended."""
SET_CHILD_SUBREAPER = 36
"""<linux/prctl.h>"""


class Process(NamedTuple):
    """A process's position: its parent, group and session."""

    parent: int
    group: int
    session: int


def adopt_orphans() -> None:
    """Become the parent of every orphaned descendant, if the kernel supports it."""
    with suppress(ImportError, OSError, AttributeError):
        from ctypes import CDLL

        CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def release_adopted(job: int) -> None:
    """Reap the orphans that have ended, but neither the job nor this process's own helpers.

    Those helpers have stayed in its group.
    """
    with suppress(ChildProcessError, ProcessLookupError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid == job or os.getpgid(ended.si_pid) == os.getpgrp():
                return
            os.waitpid(ended.si_pid, 0)


def has_company() -> bool:
    """Whether other processes than this one and its descendants are in its group."""
    return is_of_others(os.getpgrp())


def is_of_others(group: int | None) -> bool:
    """Whether other processes than this one and its descendants are in a group."""
    processes = _living()
    return any(
        process.group == group and not _descends(pid, os.getpid(), processes)
        for pid, process in processes.items()
    )


def end_left_behind(job: int) -> int:
    """Terminate, then kill, what a job has left in this session; returns how many there were.

    Those are the members of its group, and its descendants in other groups.
    """
    left = _left_behind(job)
    for number, wait_s in ((signal.SIGTERM, LEFT_WAIT_S), (signal.SIGKILL, KILL_WAIT_S)):
        _tell((process.group for process in _left_behind(job).values()), number)
        # Counted in rounds and not by the clock, which continues while a container is paused.
        for _ in range(round(wait_s / ROUND_S)):
            if not _left_behind(job):
                break
            time.sleep(ROUND_S)
    return len(left)


def kill_descendants() -> int:
    """Kill everything that descends from this process, in whatever session; returns how many.

    Repeated until none is left: one of them may just be starting another.
    """
    killed: set[int] = set()
    for _ in range(round(LEFT_WAIT_S / ROUND_S)):
        processes, own = _living(), os.getpid()
        below = [pid for pid in processes if pid != own and _descends(pid, own, processes)]
        if not below:
            break
        for pid in below:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        killed.update(below)
        time.sleep(ROUND_S)
    return len(killed)


def _tell(groups: Iterable[int], number: int) -> None:
    """Send a signal to each group, and continue it: a stopped process must run to handle it."""
    for group in set(groups):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
            os.killpg(group, signal.SIGCONT)


def _left_behind(job: int) -> dict[int, Process]:
    processes, own, group, session = _living(), os.getpid(), os.getpgrp(), os.getsid(0)
    return {
        pid: process
        for pid, process in processes.items()
        if process.group == job
        or (
            process.group != group and process.session == session and _descends(pid, own, processes)
        )
    }


def _descends(pid: int, ancestor: int, processes: Mapping[int, Process]) -> bool:
    for _ in processes:  # no line of descent is longer
        if pid == ancestor or pid not in processes:
            break
        pid = processes[pid].parent
    return pid == ancestor


# 2950 (Web Content (x)) S 2801 2801 2791 …
# https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
def _living() -> dict[int, Process]:
    """Every visible process that has not ended, by pid."""
    found: dict[int, Process] = {}
    names: list[str] = []
    with suppress(OSError):
        names = os.listdir("/proc")
    for name in names:
        if name.isdecimal():
            with suppress(OSError, ValueError):
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123  hundreds of them
                    state, *numbers = file.read().rpartition(b")")[2].split()[:4]
                if state != b"Z":
                    found[int(name)] = Process(*map(int, numbers))
    return found
