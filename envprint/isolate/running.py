"""Runs a command under the guard, which leaves no process behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from envprint.core.errors import EnvprintError
from envprint.core.typed import NamedTuple
from envprint.isolate.guard import Order

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_START = "import sys; sys.path.append(sys.argv[1]); from envprint.isolate.guard import main; main()"
END_WAIT_S = 15.0
"""Seconds for the guard to kill what a command has started."""


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    """The exit code, or the negated number of the signal that ended it."""
    seconds: float
    is_late: bool = False
    """Whether it was killed at its time limit."""


def run(order: Order) -> Ended:
    """Run a command to its end. Raises `EnvprintError` if it cannot be started."""
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _START, ROOT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Ctrl-C of a terminal is for envprint, which then ends the guard.
        start_new_session=True,
    )
    assert guard.stdin and guard.stdout
    try:
        guard.stdin.write(json.dumps(order._asdict()).encode() + b"\n")
        guard.stdin.flush()
        told = guard.stdout.readline()
    finally:
        guard.stdin.close()
        guard.stdout.close()
        _end(guard)
    if not told:
        raise EnvprintError("the process that runs a trial was killed")
    found = json.loads(told)
    if "error" in found:
        raise EnvprintError(f"{order.argv[0]} cannot be started: {found['error']}")
    return Ended(found["code"], found["seconds"], found["is_late"])


def _end(guard: subprocess.Popen[bytes]) -> None:
    try:
        guard.wait(END_WAIT_S)
    except subprocess.TimeoutExpired:
        guard.kill()
        guard.wait()
