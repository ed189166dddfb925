"""A child process, read line by line with a deadline and never waited for too long.

Importing `subprocess` costs a third of a capture, and it waits for children that hang in the kernel
and cannot be killed.
"""

from __future__ import annotations

import errno
import os
import select
import time
from collections.abc import Iterator, Mapping

from envprint.core.errors import suppress
from envprint.core.typed import Any

END_WAIT_S = 0.25
"""How long a child may take to exit; one that hangs in the kernel never does, even if killed."""


class Child:
    """Runs `argv` with stdin open as long as this process lives, and stderr discarded.

    It gets this process's environment and `variables`. With `is_alone` it has no input, and no
    other variables. Raises `OSError` if it cannot be started.
    """

    def __init__(
        self, argv: list[str], variables: Mapping[str, str] | None = None, is_alone: bool = False
    ) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self._is_gone = False
        self._is_late = False
        self._out, out = os.pipe()
        into, self._into = os.pipe()
        actions = [
            (os.POSIX_SPAWN_DUP2, into, 0),
            (os.POSIX_SPAWN_DUP2, out, 1),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        environ = {**({} if is_alone else os.environ), **(variables or {})}
        options: dict[str, Any] = {}
        if is_alone:
            actions[0] = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
            from signal import SIGPIPE  # `signal` makes enums of all names, and few need one

            # Python ignores SIGPIPE, and the thread that starts it may block all signals.
            options = {"setsigmask": (), "setsigdef": (SIGPIPE,)}
        try:
            self._pid = os.posix_spawn(argv[0], argv, environ, file_actions=actions, **options)
        except OSError:
            os.close(self._out)
            os.close(self._into)
            raise
        finally:
            os.close(into)
            os.close(out)

    def output(self, deadline_s: float, limit: int) -> bytes:
        """All that it prints until it ends, or closes its stdout.

        Raises `TimeoutError` at `deadline_s` (monotonic), and `OSError` above `limit` bytes.
        """
        waiting = select.poll()
        waiting.register(self._out, select.POLLIN)
        chunks: list[bytes] = []
        size = 0
        while size <= limit:
            left_ms = (deadline_s - time.monotonic()) * 1000
            if left_ms <= 0 or not waiting.poll(left_ms):
                raise TimeoutError
            chunk = os.read(self._out, 1 << 20)
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)
            size += len(chunk)
        raise OSError(errno.EFBIG, f"it printed more than {limit >> 20} MiB")

    def lines(self, deadline_s: float) -> Iterator[bytes]:
        """Each line the child prints until it ends. Raises `TimeoutError` at `deadline_s`."""
        while (line := self.line(deadline_s)) is not None:
            yield line

    def line(self, deadline_s: float) -> bytes | None:
        """The next line; None after the last. Raises `TimeoutError` at `deadline_s` (monotonic).

        What the child has printed by the deadline counts, even if the caller asks for it later.
        """
        waiting = select.poll()
        waiting.register(self._out, select.POLLIN)
        while not self._lines:
            left_ms = (deadline_s - time.monotonic()) * 1000
            # One read past the deadline takes all that a pipe holds; a child that prints without
            # end gets no second one.
            was_late, self._is_late = self._is_late, left_ms <= 0
            if (was_late and self._is_late) or not waiting.poll(max(left_ms, 0)):
                raise TimeoutError
            printed = os.read(self._out, 65536)
            if not printed:
                return None
            *lines, self._rest = (self._rest + printed).split(b"\n")
            self._lines = lines[::-1]
        return self._lines.pop()

    def kill(self) -> None:
        """Kill it, from any thread; `end` must still be called."""
        from signal import SIGKILL

        if not self._is_gone:  # its pid may have been reused
            with suppress(ProcessLookupError):
                os.kill(self._pid, SIGKILL)

    def end(self, kill: bool = False, wait_s: float = END_WAIT_S) -> int | None:
        """Close its pipes and reap it; returns the exit code or the negated signal.

        Kills it if `kill` is set or if it does not exit by itself within `wait_s`, and then waits
        briefly. None if it was left behind or somebody else has reaped it.
        """
        os.close(self._out)
        os.close(self._into)
        code = None if kill else self._ended(wait_s)
        if code is None:
            self.kill()
            code = self._ended(END_WAIT_S)
        return code

    def _ended(self, wait_s: float) -> int | None:
        pause_s, until = 0.0005, time.monotonic() + wait_s
        while True:
            try:
                pid, status = os.waitpid(self._pid, os.WNOHANG)
            except ChildProcessError:
                self._is_gone = True
                return None
            if pid:
                self._is_gone = True
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() >= until:
                return None
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 0.02)
