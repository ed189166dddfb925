"""A command that runs in its own process group, with signals, terminal and exit code as without us.

The signals that a person, a terminal or a scheduler sends are blocked here and taken one by one, so
that each is passed on and none ends this process before its job. https://man7.org/linux/man-pages/
man7/signal.7.html, man7/credentials.7.html (process groups)
"""

import errno
import os
import resource  # noqa: F401  `os.wait4` imports it, and after a job it may be gone
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from envprint.groups import adopt_orphans, end_left_behind, release_adopted
from envprint.spawning import start
from envprint.terminal import Terminal

HELD = signal.valid_signals() - {
    signal.SIGKILL,
    signal.SIGSTOP,
    # Faults of this process itself.
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGSEGV,
    signal.SIGSYS,
    signal.SIGTRAP,
    # What writing brings about, to a pipe that nobody reads or beyond a limit.
    signal.SIGPIPE,
    signal.SIGXFSZ,
}
"""Everything that somebody may send to a job by way of this process."""
NOT_PASSED_ON = {
    signal.SIGCHLD,
    # From the terminal, for another process of this one's group.
    signal.SIGTTIN,
    signal.SIGTTOU,
}
FROM_KERNEL = 0x80
"""`si_code` of what was typed; SI_KERNEL in <asm-generic/siginfo.h>."""
MARGIN_BYTES = 1 << 20
"""The kernel counts pages roughly."""
NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""Exit codes of env(1)."""


class Ended(NamedTuple):
    """How a job ended."""

    exit_code: int
    """As a shell tells it: 128 and the signal's number when one ended it."""
    signal: int | None
    duration_s: float
    memory_peak_bytes: int | None
    """The largest resident set of one of its processes. None when it was no larger than that of
    this process, which the kernel counts to a program that it starts."""
    left_behind: int
    """Processes that it had started and that were still there, and were ended."""
    by_ctrl_c: bool = False
    """It was ended at the terminal, which a script around it should be, too."""


class StartError(Exception):
    """The command could not be started; `code` is that of env(1)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Held:
    """A block in which the signals for a job are held, for its `wait` to pass on.

    In threads that are started in it, too: a signal would end the process through any of them.
    Those that come when the job has ended have nobody to go to, and are dropped.
    """

    mask: set[int]
    """The signals that were held before, and that the job is to hold."""
    ignores_children: bool
    """Whether SIGCHLD is ignored by whoever started this process: nobody could wait for a job."""

    def __enter__(self) -> "Held":
        self.mask = set(signal.pthread_sigmask(signal.SIG_BLOCK, HELD))
        self.ignores_children = signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN
        if self.ignores_children:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        return self

    def __exit__(self, *exception: object) -> None:
        while signal.sigtimedwait(HELD, 0):
            pass
        if self.ignores_children:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, self.mask)


class Job:
    """A command that has been started, inside of a `Held` block. Raises `StartError`."""

    def __init__(self, argv: Sequence[str], variables: Mapping[str, str], held: Held) -> None:
        self._begun = time.monotonic()
        if not argv[0]:
            raise StartError(NOT_FOUND, "its name is empty")
        adopt_orphans()
        try:
            self.pid = start(argv, variables, held.mask, held.ignores_children)
        except OSError as error:
            code = NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE
            raise StartError(code, os.strerror(error.errno or 0)) from error
        self._inherited_bytes = _own_peak_bytes() + MARGIN_BYTES
        self._typed = False
        self._terminal = Terminal()
        self._terminal.offer(self.pid)

    def wait(self, look: Callable[[], None], pauses_s: Sequence[float]) -> Ended:
        """Pass signals on until the command ends; `look` after each pause, the last repeating."""
        end, round_ = None, 0
        due = time.monotonic() + pauses_s[0]
        while end is None:
            self._next_signal(due - time.monotonic())
            end = self._ended()
            if time.monotonic() >= due and end is None:
                look()
                round_ = min(round_ + 1, len(pauses_s) - 1)
                due = time.monotonic() + pauses_s[round_]
        return self._end(*end, time.monotonic() - self._begun)

    def _end(self, status: int, peak_bytes: int, duration_s: float) -> Ended:
        code = os.waitstatus_to_exitcode(status)
        number = -code if code < 0 else None
        was_lent = self._terminal.take_back()
        if was_lent and number in (signal.SIGINT, signal.SIGQUIT):
            # Typed, and the terminal has told the job alone.
            os.killpg(os.getpgrp(), number)
        by_ctrl_c = number == signal.SIGINT and (was_lent or self._typed)
        left = end_left_behind(self.pid)
        known_bytes = peak_bytes if peak_bytes > self._inherited_bytes else None
        exit_code = 128 + number if number else code
        return Ended(exit_code, number, duration_s, known_bytes, left, by_ctrl_c)

    def _next_signal(self, wait_s: float) -> None:
        taken = signal.sigtimedwait(HELD, max(0.0, wait_s))
        if taken is None:
            return
        if taken.si_signo == signal.SIGCHLD:
            release_adopted(self.pid)
        if taken.si_signo == signal.SIGCONT:
            # Perhaps in the foreground, and it was not before.
            self._terminal.offer(self.pid)
        if taken.si_signo == signal.SIGINT and taken.si_code == FROM_KERNEL:
            self._typed = True
        if taken.si_signo not in NOT_PASSED_ON:
            self._pass_on(taken.si_signo)

    def _pass_on(self, number: int) -> None:
        # To a job that has become another user's (sudo) the kernel lets nothing through.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
        with suppress(ProcessLookupError, PermissionError):
            if os.getpgid(self.pid) != self.pid:
                os.kill(self.pid, number)

    def _ended(self) -> tuple[int, int] | None:
        """The wait status and the largest resident set when the command has ended."""
        pid, status, usage = os.wait4(self.pid, os.WNOHANG | os.WUNTRACED)
        if not pid:
            return None
        if os.WIFSTOPPED(status):
            self._stopped(os.WSTOPSIG(status))
            return None
        return status, usage.ru_maxrss << 10

    def _stopped(self, number: int) -> None:
        """Give a stopped job the terminal, if that is what it wants, or stop with it."""
        wants_terminal = number in (signal.SIGTTIN, signal.SIGTTOU)
        if wants_terminal and self._terminal.lend(os.getpgid(self.pid)):
            self._pass_on(signal.SIGCONT)
            return
        was_lent = self._terminal.take_back()
        if wants_terminal or (was_lent and number == signal.SIGTSTP):
            # The terminal would have told all of the group. Whoever continues this process has the
            # kernel forget that it is to stop.
            os.killpg(os.getpgrp(), number)
        os.kill(os.getpid(), signal.SIGSTOP)
        # Whoever continues this process continues the job; SIGCONT is passed on by then.


# VmHWM:	   17264 kB
def _own_peak_bytes() -> int:
    """The largest resident set of this process; not what it has inherited in its turn."""
    with suppress(OSError, IndexError), open("/proc/self/status", "rb") as file:  # noqa: PTH123
        return int(file.read().partition(b"VmHWM:")[2].split()[0]) << 10
    return 0
