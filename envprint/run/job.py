"""Runs a command in its own process group; signals, terminal and exit code are as without envprint.

Signals from a user, a terminal or a scheduler are blocked and taken one by one, so that each is
passed on and none ends this process before its job. It waits for them without a time limit:
when suspended beyond one, CPython's `signal.sigtimedwait` returns uninitialised memory, as after
EINTR it reads the result of a failed call (Modules/signalmodule.c, 3.10 to 3.14).
https://man7.org/linux/man-pages/man7/signal.7.html, man7/credentials.7.html (process groups)
"""

import errno
import os
import resource  # noqa: F401  `os.wait4` imports it, and after a job it may be gone
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from envprint.core.errors import suppress
from envprint.core.typed import NamedTuple
from envprint.machine.child_process import Child
from envprint.run.foreground import Terminal
from envprint.run.looking import Looking
from envprint.run.process_groups import adopt_orphans, end_left_behind, release_adopted
from envprint.run.spawn import start

BLOCKED = signal.valid_signals() - {
    signal.SIGKILL,
    signal.SIGSTOP,
    # Caused by writing: to a pipe without a reader, or beyond a limit.
    signal.SIGPIPE,
    signal.SIGXFSZ,
}
"""Every signal that may be sent to a job by way of this process.

SIGSEGV and the like included: when this process itself faults, they end it although blocked.
"""
NOT_PASSED_ON = {
    signal.SIGCHLD,
    # From the terminal, for another process in this one's group.
    signal.SIGTTIN,
    signal.SIGTTOU,
}
FROM_KERNEL = 0x80
"""`si_code` of a signal typed at the terminal; SI_KERNEL in <asm-generic/siginfo.h>."""
MARGIN_BYTES = 1 << 20
"""Tolerance: the kernel counts pages only approximately."""
NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""Exit codes of env(1)."""
LOST = 125
"""Exit code if another process has reaped the command; its own code is then lost."""
RETRY_S = 1.0
"""Seconds to pause after a failure while waiting for a job."""
FOLLOWER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "follower.py")


class Ended(NamedTuple):
    """How a job ended."""

    exit_code: int
    """As a shell reports it: 128 plus the signal's number if a signal ended the job."""
    signal: int | None
    duration_s: float
    memory_peak_bytes: int | None
    """The largest resident set of one of its processes. None if not above that of this process,
    which the kernel also counts for a program that it starts."""
    left_behind: int
    """Processes it had started that were still running, and were ended."""
    by_ctrl_c: bool = False
    """It was ended from the terminal; a script around it should end too."""


class StartError(Exception):
    """The command could not be started; `code` is the exit code that env(1) would return."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class BlockedSignals:
    """A block in which the signals for a job are blocked, for its `wait` to pass on.

    Also in threads started in it: a signal would end the process through any of them. Signals that
    arrive after the job has ended have no receiver and are dropped. If the process ends with the
    job, they stay blocked to the very end, so that none changes its exit code.
    """

    mask: set[int]
    """The signals that were blocked before; the job starts with these blocked."""
    ignores_children: bool
    """Whether this process inherited an ignored SIGCHLD, with which no job can be waited for."""

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
    """A command that was started inside a `Held` block. Raises `StartError`."""

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
        """Pass signals on until the command ends; call `look` after each pause, the last repeating.

        A failure meanwhile must cost nothing else: the command runs on and depends on this process.
        """
        end, message = None, ""
        with Looking(look, pauses_s):
            while end is None:
                try:
                    end = self._round()
                except ChildProcessError as error:
                    warn(f"how the command ended is unknown: {error.strerror}")
                    end = LOST << 8, 0
                # Whatever the error is, abandoning the command would be worse.
                except Exception as error:  # noqa: BLE001  see the reason above
                    reason = f"{type(error).__name__}: {error}"
                    if reason != message:
                        warn(f"while the command runs: {reason}")
                    message = reason
                    time.sleep(RETRY_S)
        return self._end(*end, time.monotonic() - self._begun)

    def _round(self) -> tuple[int, int] | None:
        """Handle the next signal; after the job's end its wait status and largest resident set."""
        pid, status, usage = os.wait4(self.pid, os.WNOHANG | os.WUNTRACED)
        if not pid:
            # SIGCHLD covers the end or stop of the job, also just before this call.
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
            # Ctrl-C, which the terminal sent to the job alone.
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
            # This process may now be in the foreground, where it was not before.
            self._terminal.offer(self.pid)
            self._asked_to_stop = False
        if taken.si_signo == signal.SIGTSTP:
            self._asked_to_stop = True
        if taken.si_signo == signal.SIGINT and taken.si_code == FROM_KERNEL:
            self._typed = True
        if taken.si_signo not in NOT_PASSED_ON:
            self._pass_on(taken.si_signo)

    def _pass_on(self, number: int) -> None:
        # The kernel forbids signals to a job that now runs as another user (sudo).
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
        with suppress(ProcessLookupError, PermissionError):
            if os.getpgid(self.pid) != self.pid:
                os.kill(self.pid, number)

    def _stopped(self, number: int) -> None:
        """Give a stopped job the terminal, if it needs it, or stop with it.

        With a terminal, a shell waits for this process to stop. Without one no process does, unless
        this process was itself sent a signal to stop.
        """
        wants_terminal = number in (signal.SIGTTIN, signal.SIGTTOU)
        # If a stop is pending here, the job does not get the terminal: the shell is about to take
        # it, and continuing the job would make the kernel discard the other stop. Ctrl-Z reaches
        # this process until the job has the terminal, and the job from then on, so checking before
        # and after misses none.
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
        """Whether this process was sent a Ctrl-Z stop and has not stopped since."""
        return self._asked_to_stop or signal.SIGTSTP in signal.sigpending()

    def _stop(self, number: int | None) -> None:
        """Stop this process until it or the job is continued.

        Stops its group with the signal that the terminal sent to the job alone. SIGCONT is the next
        signal taken after that, and is passed on.
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
        """The child that continues this process when the job goes on; None if it cannot start."""
        argv = [sys.executable or "", "-I", "-S", FOLLOWER, str(os.getpid()), str(self.pid)]
        with suppress(OSError):
            return Child(argv)
        return None


def _is_to_go_on() -> bool:
    """Whether this process was continued before it stopped.

    A shell does so when it sees other members of the group stop. Stopping now would make the
    kernel discard that SIGCONT, just as a SIGCONT discards a pending stop.
    """
    return signal.SIGCONT in signal.sigpending()


# VmHWM:	   17264 kB
def _own_peak_bytes() -> int:
    """The largest resident set of this process, without the one it inherited itself."""
    with suppress(OSError, IndexError), open("/proc/self/status", "rb") as file:  # noqa: PTH123
        return int(file.read().partition(b"VmHWM:")[2].split()[0]) << 10
    return 0
