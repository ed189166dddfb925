"""The child that continues a stopped `envprint run` when its job goes on without it.

A stopped process observes nothing: someone who continues or ends the job alone, by its pid, would
leave the run stopped forever. Started by path, with the pids of the run and of its job; its stdin
stays open as long as the run lives.
"""

from __future__ import annotations

import os
import select
import signal
import sys

INTERVAL_S = 0.2


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped; True if it cannot be read."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  pathlib takes long to load
            return file.read().rpartition(b")")[2].split()[0] in (b"T", b"t")
    except OSError:
        return True


def main() -> None:
    """Poll until the run has ended or must be continued."""
    run, job = map(int, sys.argv[1:])
    while not select.select([0], [], [], INTERVAL_S)[0]:
        if is_stopped(run) and not is_stopped(job):
            os.kill(run, signal.SIGCONT)
            return


if __name__ == "__main__":
    main()
