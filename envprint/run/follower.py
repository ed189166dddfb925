"""What runs in the child that continues a stopped `envprint run` when its job goes on without it.

A stopped process sees nothing: whoever continues the job alone, by its pid, or ends it would leave
the run stopped for good. Started by path, with the pids of the run and of its job; its stdin stays
open for as long as the run lives.
"""

from __future__ import annotations

import os
import select
import signal
import sys

INTERVAL_S = 0.2


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped. One that cannot be seen is taken to be."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  pathlib takes long to load
            return file.read().rpartition(b")")[2].split()[0] in (b"T", b"t")
    except OSError:
        return True


def main() -> None:
    """Look until the run has ended, or is to be continued."""
    run, job = map(int, sys.argv[1:])
    while not select.select([0], [], [], INTERVAL_S)[0]:
        if is_stopped(run) and not is_stopped(job):
            os.kill(run, signal.SIGCONT)
            return


if __name__ == "__main__":
    main()
