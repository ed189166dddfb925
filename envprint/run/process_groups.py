"""Process groups: who is in this process's own, and what a job has left behind in others.

This process adopts orphans, so all that a job starts descends from it for as long as it runs, and
is found whatever group it is in. https://man7.org/linux/man-pages/man7/credentials.7.html,
man2/PR_SET_CHILD_SUBREAPER.2const.html
"""

import os
import signal
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

LEFT_WAIT_S = 5.0
"""How long what a command leaves behind may take to end when it is asked to."""
KILL_WAIT_S = 1.0
"""How long it may take when it is made to; what hangs in the kernel never does."""
ROUND_S = 0.05
"""Between two looks whether they have."""
SET_CHILD_SUBREAPER = 36
"""<linux/prctl.h>"""


class Process(NamedTuple):
    """Where a process belongs."""

    parent: int
    group: int
    session: int


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, where the kernel can do that."""
    with suppress(ImportError, OSError, AttributeError):
        from ctypes import CDLL

        CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def release_adopted(job: int) -> None:
    """Let go of the orphans that have ended; not of the job, nor of this process's own helpers.

    Those have stayed in its group.
    """
    with suppress(ChildProcessError, ProcessLookupError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid == job or os.getpgid(ended.si_pid) == os.getpgrp():
                return
            os.waitpid(ended.si_pid, 0)


def has_company() -> bool:
    """Whether others than this process and its descendants are in its group."""
    return is_of_others(os.getpgrp())


def is_of_others(group: int | None) -> bool:
    """Whether others than this process and its descendants are in a group."""
    processes = _living()
    return any(
        process.group == group and not _descends(pid, os.getpid(), processes)
        for pid, process in processes.items()
    )


def end_left_behind(job: int) -> int:
    """Ask what a job has left in this session to end, and make it; how many there were.

    That is what is in its group, or descends from it in another.
    """
    left = _left_behind(job)
    for number, wait_s in ((signal.SIGTERM, LEFT_WAIT_S), (signal.SIGKILL, KILL_WAIT_S)):
        _tell((process.group for process in _left_behind(job).values()), number)
        # By rounds and not by the clock, which goes on while a container is paused.
        for _ in range(round(wait_s / ROUND_S)):
            if not _left_behind(job):
                break
            time.sleep(ROUND_S)
    return len(left)


def _tell(groups: Iterable[int], number: int) -> None:
    """Send a signal to each group; one that is stopped has to go on to notice."""
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
    """Every process that this one can see and that has not ended, by its id."""
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
