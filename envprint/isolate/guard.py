"""Runs one command for `isolate` and leaves no process behind, even if envprint itself is killed.

A process of its own, between envprint and the command: its stdin ends when envprint does, and then
it kills all that has descended from the command, in whatever session. Read from stdin is one line,
the `Order` as JSON; written to stdout is one line, how the command ended.
https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

from envprint.core.typed import Any, NamedTuple
from envprint.run.process_groups import adopt_orphans, kill_descendants

SET_PDEATHSIG = 1
"""<linux/prctl.h>"""
ROUND_S = 0.02


class Order(NamedTuple):
    """What to run, and how."""

    argv: list[str]
    directory: str
    variables: dict[str, str]
    cpus: list[int] | None
    """Processors that it may use; None for those of this process."""
    limit_s: float | None
    out: str
    """The file for its stdout."""
    err: str


def main() -> None:
    """Run the order from stdin."""
    order = Order(**json.loads(sys.stdin.buffer.readline()))
    try:
        told = _run(order)
    except OSError as error:
        told = {"error": error.strerror or str(error)}
    with suppress(OSError):  # nobody listens any more
        os.write(sys.stdout.fileno(), json.dumps(told).encode() + b"\n")


def _run(order: Order) -> dict[str, Any]:
    adopt_orphans()
    begun = time.monotonic()
    with open(order.out, "wb") as out, open(order.err, "wb") as err:  # noqa: PTH123
        job = subprocess.Popen(
            order.argv,
            cwd=order.directory,
            env=order.variables,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
            # This process has one thread, and is here for nothing else.
            preexec_fn=lambda: _prepare(order.cpus),  # noqa: PLW1509
        )
    is_late = is_alone = False
    while job.poll() is None and not is_late and not is_alone:
        is_late = order.limit_s is not None and time.monotonic() - begun > order.limit_s
        is_alone = bool(select.select([sys.stdin], [], [], ROUND_S)[0])
    seconds = time.monotonic() - begun
    left = kill_descendants()
    with suppress(ChildProcessError):
        job.wait()
    return {"code": job.returncode, "is_late": is_late, "left": left, "seconds": seconds}


def _prepare(cpus: list[int] | None) -> None:
    with suppress(ImportError, OSError, AttributeError):
        from ctypes import CDLL

        CDLL(None).prctl(SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if cpus is not None:
        os.sched_setaffinity(0, cpus)
