"""Commands that run beside one another, each in a process group of its own, for a limited time.

What they print is kept in small part, they have no input, and whatever they leave behind in their
groups is killed: when each has ended, and when the caller is interrupted.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from envprint.core.typed import NamedTuple

KEPT_BYTES = 16384
"""What is kept of each of a command's two streams."""
ROUND_S = 0.02
"""Seconds between two checks whether a command has ended; a process of its own may keep its pipes
open for longer."""


_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals by which a user or a system ends a program."""


class Command(NamedTuple):
    """What to run, and with which variables."""

    name: str
    argv: Sequence[str]
    environ: Mapping[str, str]


class Ended(NamedTuple):
    """How a command ended."""

    name: str
    code: int | None
    """Its exit code or the negated signal; None if it was too slow."""
    out: bytes
    """The first bytes of its stdout."""
    err: bytes
    """The last bytes of its stderr."""
    seconds: float


def run_beside(
    commands: Iterable[Command],
    count: int,
    timeout_s: float,
    on_end: Callable[[Ended], None],
) -> None:
    """Run all commands, `count` at a time; `on_end` learns of each as soon as it has ended.

    Raises `OSError` if one cannot be started.
    """
    waiting, running = list(commands)[::-1], list[_Running]()
    try:
        while waiting or running:
            while waiting and len(running) < count:
                with _undisturbed() as mask:
                    running.append(_Running(waiting.pop(), mask))
            _read(running)
            for one in [one for one in running if one.is_over(timeout_s)]:
                running.remove(one)
                on_end(one.end())
    finally:
        for one in running:
            one.end()


@contextmanager
def _undisturbed() -> Iterator[Iterable[int]]:
    """Hold signals back, so that none comes between the start of a command and its place in the
    list of those to end. The commands themselves start with the mask from before.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield before
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _read(running: Sequence[_Running]) -> None:
    """Read what the commands have printed; wait for a moment if that is nothing."""
    pipes = {pipe: one for one in running for pipe in one.pipes}
    if not pipes:
        time.sleep(ROUND_S)
        return
    waiting = select.poll()
    for pipe in pipes:
        waiting.register(pipe, select.POLLIN)
    for pipe, _ in waiting.poll(ROUND_S * 1000):
        pipes[pipe].read(pipe)


class _Running:
    def __init__(self, command: Command, mask: Iterable[int]) -> None:
        self._name = command.name
        self._started_s = time.monotonic()
        self._printed: dict[int, bytes] = {}
        self._has_ended = False
        out, to_out = os.pipe()
        err, to_err = os.pipe()
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, to_out, 1),
            (os.POSIX_SPAWN_DUP2, to_err, 2),
        ]
        argv = list(command.argv)
        try:
            self._pid = os.posix_spawn(
                *(argv[0], argv, command.environ),
                file_actions=actions,
                setpgroup=0,
                setsigmask=mask,
            )
        except OSError:
            os.close(out)
            os.close(err)
            raise
        finally:
            os.close(to_out)
            os.close(to_err)
        self._out, self._err = out, err
        self.pipes = {out, err}

    def read(self, pipe: int) -> None:
        """Read what a pipe holds, and keep a part of it."""
        content = os.read(pipe, 65536)
        if not content:
            self.pipes.discard(pipe)
        kept = self._printed.get(pipe, b"") + content
        self._printed[pipe] = kept[:KEPT_BYTES] if pipe == self._out else kept[-KEPT_BYTES:]

    def is_over(self, timeout_s: float) -> bool:
        """Whether it has ended, or is too slow."""
        # It is not reaped yet, so that no other process can have its group's number.
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        self._has_ended = os.waitid(os.P_PID, self._pid, flags) is not None
        return self._has_ended or time.monotonic() - self._started_s > timeout_s

    def end(self) -> Ended:
        """Kill what is left of its group, and reap it."""
        seconds = time.monotonic() - self._started_s
        with suppress(ProcessLookupError, PermissionError):  # macOS: a group of zombies
            os.killpg(self._pid, signal.SIGKILL)
        # What it printed last is in the pipes; a process that left the group may print more.
        for pipe in self.pipes.copy():
            if select.select([pipe], [], [], 0)[0]:
                self.read(pipe)
        os.close(self._out)
        os.close(self._err)
        code = self._reaped()
        out, err = (self._printed.get(pipe, b"") for pipe in (self._out, self._err))
        return Ended(self._name, code if self._has_ended else None, out, err, seconds)

    def _reaped(self) -> int | None:
        """Its exit code; None if it hangs in the kernel and cannot be killed."""
        for _ in range(50):
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(ROUND_S)
        return None
