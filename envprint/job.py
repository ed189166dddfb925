"""A command that runs in its own process group, with signals, terminal and exit code as without us.

The signals that a person, a terminal or a scheduler sends are blocked here and taken one by one, so
that each is passed on and none ends this process before its job. https://man7.org/linux/man-pages/
man7/signal.7.html, man7/credentials.7.html (process groups)
"""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

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
LEFT_WAIT_S = 5.0
"""How long what a command leaves behind in its group may take to end when it is asked to."""
NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""Exit codes of env(1)."""


class Ended(NamedTuple):
    """How a job ended."""

    exit_code: int
    """As a shell tells it: 128 and the signal's number when one ended it."""
    signal: int | None
    duration_s: float
    left_behind: int
    """Processes of its group that were still there, and were ended."""
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

    def __enter__(self) -> Held:
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
        start = _start_ignoring_children if held.ignores_children else _start
        try:
            self.pid = start(argv, variables, held.mask)
        except OSError as error:
            code = NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE
            raise StartError(code, os.strerror(error.errno or 0)) from error
        self._terminal = _Terminal()
        self._terminal.give(self.pid)

    def wait(self, look: Callable[[], None], pauses_s: Sequence[float]) -> Ended:
        """Pass signals on until the command ends; `look` after each pause, the last repeating."""
        status, round_ = None, 0
        due = time.monotonic() + pauses_s[0]
        while status is None:
            self._next_signal(due - time.monotonic())
            status = self._ended()
            if time.monotonic() >= due and status is None:
                look()
                round_ = min(round_ + 1, len(pauses_s) - 1)
                due = time.monotonic() + pauses_s[round_]
        duration_s = time.monotonic() - self._begun
        self._terminal.take_back()
        left = _end_group(self.pid)
        code = os.waitstatus_to_exitcode(status)
        number = -code if code < 0 else None
        exit_code = 128 + number if number else code
        at_terminal = self._terminal.is_ours and number == signal.SIGINT
        return Ended(exit_code, number, duration_s, left, at_terminal)

    def _next_signal(self, wait_s: float) -> None:
        taken = signal.sigtimedwait(HELD, max(0.0, wait_s))
        if taken and taken.si_signo not in NOT_PASSED_ON:
            if taken.si_signo == signal.SIGCONT:
                self._terminal.give(self.pid)
            with suppress(ProcessLookupError):
                os.killpg(self.pid, taken.si_signo)

    def _ended(self) -> int | None:
        """The wait status when the command has ended; a stopped job stops this process, too."""
        pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
        if not pid:
            return None
        if os.WIFSTOPPED(status):
            self._terminal.take_back()
            os.kill(os.getpid(), signal.SIGSTOP)
            # Whoever continues this process continues the job; SIGCONT is passed on by then.
            return None
        return status


def _start(argv: Sequence[str], variables: Mapping[str, str], mask: set[int]) -> int:
    """The pid of the command, begun as the leader of a new process group. Raises `OSError`."""
    return os.posix_spawnp(
        argv[0],
        list(argv),
        variables,
        setpgroup=0,
        setsigmask=mask,
        # Python ignores these two for itself, and a child would inherit that.
        setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),
    )


def _start_ignoring_children(
    argv: Sequence[str], variables: Mapping[str, str], mask: set[int]
) -> int:
    """The same for a command that ignores SIGCHLD, which `posix_spawn` cannot make it do.

    To ignore it here while the job starts would do, but for one that ends before the next line.
    """
    import subprocess

    def prepare() -> None:
        os.setpgid(0, 0)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    # The child runs no other code of Python than that before it is another program.
    job = subprocess.Popen(argv, env=variables, close_fds=False, preexec_fn=prepare)  # noqa: PLW1509
    job.returncode = 0  # it is waited for by its pid
    return job.pid


class _Terminal:
    """The terminal that this process has in the foreground, if it has one."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        with suppress(OSError):
            descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
            if os.tcgetpgrp(descriptor) == os.getpgrp():
                self._descriptor = descriptor
            else:
                os.close(descriptor)

    @property
    def is_ours(self) -> bool:
        """Whether there is one."""
        return self._descriptor is not None

    def give(self, group: int) -> None:
        """Put a process group in the foreground: it gets what is typed, Ctrl-C included."""
        if self._descriptor is not None:
            # Of a group in the background the terminal would stop this process for asking.
            with _Without(signal.SIGTTOU), suppress(OSError):
                os.tcsetpgrp(self._descriptor, group)

    def take_back(self) -> None:
        """Put this process in the foreground again."""
        self.give(os.getpgrp())


class _Without:
    """A block in which a signal is not delivered."""

    def __init__(self, number: signal.Signals) -> None:
        self._number = number

    def __enter__(self) -> None:
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, (self._number,))

    def __exit__(self, *exception: object) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)


def _end_group(group: int) -> int:
    """Ask what is left in a process group to end, and make it; how many there were."""
    left = _members(group)
    if not left:
        return 0
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGTERM)
        until = time.monotonic() + LEFT_WAIT_S
        while _members(group) and time.monotonic() < until:
            time.sleep(0.05)
        os.killpg(group, signal.SIGKILL)
    return left


# 2950 (Web Content (x)) S 2801 2801 …
# https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
def _members(group: int) -> int:
    """Processes of the group that live."""
    count = 0
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123  hundreds of them
                    fields = file.read().rpartition(b")")[2].split()
                count += int(fields[2]) == group and fields[0] != b"Z"
    return count
