"""A command that runs in its own process group, with signals, terminal and exit code as without us.

The signals that a person, a terminal or a scheduler sends are blocked here and taken one by one, so
that each is passed on and none ends this process before its job. https://man7.org/linux/man-pages/
man7/signal.7.html, man7/credentials.7.html (process groups)

They are waited for without a time limit. `signal.sigtimedwait` of CPython returns memory that
nobody has set when the process is suspended beyond the limit: after EINTR it leaves its loop at
the deadline and reads the result of a call that failed (Modules/signalmodule.c, 3.10 to 3.14).
Without waiting it is sound.
"""

import errno
import os
import resource  # noqa: F401  `os.wait4` imports it, and after a job it may be gone
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from envprint.machine.child_process import Child
from envprint.run.foreground import Terminal
from envprint.run.looking import Looking
from envprint.run.process_groups import adopt_orphans, end_left_behind, release_adopted
from envprint.run.spawn import start

BLOCKED = signal.valid_signals() - {
    signal.SIGKILL,
    signal.SIGSTOP,
    # What writing brings about, to a pipe that nobody reads or beyond a limit.
    signal.SIGPIPE,
    signal.SIGXFSZ,
}
"""Everything that somebody may send to a job by way of this process.

SIGSEGV and the like as well: a fault of this process itself ends it although they are held.
"""
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
LOST = 125
"""Exit code of a command that somebody else has waited for; nobody can know its own."""
RETRY_S = 1.0
"""After what has failed while a job was waited for."""
FOLLOWER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "follower.py")


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


class BlockedSignals:
    """A block in which the signals for a job are held, for its `wait` to pass on.

    In threads that are started in it, too: a signal would end the process through any of them.
    Those that come when the job has ended have nobody to go to, and are dropped. Where the process
    ends with the job, they are held to its very end, so that none changes its exit code.
    """

    mask: set[int]
    """The signals that were held before, and that the job is to hold."""
    ignores_children: bool
    """Whether SIGCHLD is ignored by whoever started this process: nobody could wait for a job."""

    def __init__(self, *, to_the_end: bool = False) -> None:
        self._to_the_end = to_the_end

    def __enter__(self) -> "BlockedSignals":
        self.mask = set(signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED))
        self.ignores_children = signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN
        if self.ignores_children:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._to_the_end:
            return
        while signal.sigtimedwait(BLOCKED, 0):
            pass
        if self.ignores_children:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, self.mask)


class Job:
    """A command that has been started, inside of a `BlockedSignals` block. Raises `StartError`."""

    def __init__(
        self, argv: Sequence[str], variables: Mapping[str, str], held: BlockedSignals
    ) -> None:
        self._begun = time.monotonic()
        if not argv[0]:
            raise StartError(NOT_FOUND, "its name is empty")
        adopt_orphans()
        self._inherited_bytes = _own_peak_bytes() + MARGIN_BYTES
        self._typed = self._asked_to_stop = False
        self._terminal = Terminal()
        try:
            self.pid = start(argv, variables, held.mask, held.ignores_children)
        except OSError as error:
            code = NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE
            raise StartError(code, os.strerror(error.errno or 0)) from error
        self._terminal.offer(self.pid)

    def wait(
        self, look: Callable[[], None], pauses_s: Sequence[float], warn: Callable[[str], None]
    ) -> Ended:
        """Pass signals on until the command ends; `look` after each pause, the last repeating.

        What fails meanwhile costs no more than itself: the command runs on, and has nobody else.
        """
        end, message = None, ""
        with Looking(look, pauses_s):
            while end is None:
                try:
                    end = self._round()
                except ChildProcessError as error:
                    warn(f"how the command ended is not known: {error.strerror}")
                    end = LOST << 8, 0
                # Whatever it is, to leave the command alone would be worse.
                except Exception as error:  # noqa: BLE001  see the reason above
                    reason = f"{type(error).__name__}: {error}"
                    if reason != message:
                        warn(f"while the command runs: {reason}")
                    message = reason
                    time.sleep(RETRY_S)
        return self._end(*end, time.monotonic() - self._begun)

    def _round(self) -> tuple[int, int] | None:
        """Take what comes next; the wait status and the largest resident set after the end."""
        pid, status, usage = os.wait4(self.pid, os.WNOHANG | os.WUNTRACED)
        if not pid:
            # Its end or stop, from now on or a moment ago, is a signal, too.
            self._take(signal.sigwaitinfo(BLOCKED))
        elif os.WIFSTOPPED(status):
            self._stopped(os.WSTOPSIG(status))
        else:
            return status, usage.ru_maxrss << 10
        return None

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

    def _take(self, taken: signal.struct_siginfo) -> None:
        if taken.si_signo == signal.SIGCHLD:
            release_adopted(self.pid)
        if taken.si_signo == signal.SIGCONT:
            # Perhaps in the foreground, and it was not before.
            self._terminal.offer(self.pid)
            self._asked_to_stop = False
        if taken.si_signo == signal.SIGTSTP:
            self._asked_to_stop = True
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

    def _stopped(self, number: int) -> None:
        """Give a stopped job the terminal, if that is what it wants, or stop with it.

        A terminal has a shell behind it that waits for this process to stop. Without one nobody
        does, unless it was this process that was sent a signal to stop.
        """
        wants_terminal = number in (signal.SIGTTIN, signal.SIGTTOU)
        # What was to stop anyway does not get it: the shell is about to take it, and to continue
        # the job would have the kernel forget the other stop. A Ctrl-Z is sent to this process
        # until the job has the terminal, and to the job from then on, so that looking before and
        # after misses none.
        if (
            wants_terminal
            and not self._is_to_stop()
            and self._terminal.lend(os.getpgid(self.pid))
            and not self._is_to_stop()
        ):
            self._pass_on(signal.SIGCONT)
        elif self._is_to_stop():
            self._asked_to_stop = False
            self._stop(None)
        elif self._terminal.is_there:
            typed = self._terminal.is_lent and number == signal.SIGTSTP
            self._stop(number if wants_terminal or typed else None)

    def _is_to_stop(self) -> bool:
        """Whether this process has been sent what Ctrl-Z sends, and not stopped since."""
        return self._asked_to_stop or signal.SIGTSTP in signal.sigpending()

    def _stop(self, number: int | None) -> None:
        """Stop this process, until somebody continues it or the job.

        With its group, by the signal that the terminal has sent to the job alone. SIGCONT is the
        next that is taken then, and passed on.
        """
        follower = self._follower()
        self._terminal.take_back()
        if number and not _is_to_go_on():
            os.killpg(os.getpgrp(), number)
        if not _is_to_go_on():
            os.kill(os.getpid(), signal.SIGSTOP)
        if follower:
            follower.end(kill=True)

    def _follower(self) -> Child | None:
        """What continues this process when the job goes on; None where it cannot be started."""
        argv = [sys.executable or "", "-I", "-S", FOLLOWER, str(os.getpid()), str(self.pid)]
        with suppress(OSError):
            return Child(argv)
        return None


def _is_to_go_on() -> bool:
    """Whether this process has been continued before it has stopped.

    As by a shell that has seen others of the group stop. To stop now would have the kernel forget
    it, as it forgets, when it continues a process, that it was to stop.
    """
    return signal.SIGCONT in signal.sigpending()


# VmHWM:	   17264 kB
def _own_peak_bytes() -> int:
    """The largest resident set of this process; not what it has inherited in its turn."""
    with suppress(OSError, IndexError), open("/proc/self/status", "rb") as file:  # noqa: PTH123
        return int(file.read().partition(b"VmHWM:")[2].split()[0]) << 10
    return 0
