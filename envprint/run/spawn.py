"""Starts a program as the leader of a new process group, its signals set as without envprint."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Mapping, Sequence


def start(
    argv: Sequence[str], variables: Mapping[str, str], mask: set[int], ignores_children: bool
) -> int:
    """The pid of the command; it holds the signals in `mask`. Raises `OSError`.

    What the system cannot execute is taken for a script without a first line that names its shell,
    as by env(1) and every shell. https://man7.org/linux/man-pages/man3/exec.3.html, ENOEXEC
    """
    begin = _start_ignoring_children if ignores_children else _start_plainly
    try:
        return begin(argv, variables, mask)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
    return begin(["/bin/sh", _place(argv[0], variables), *argv[1:]], variables, mask)


def _place(command: str, variables: Mapping[str, str]) -> str:
    """The path of the file that `command` means."""
    if "/" not in command:
        for folder in os.get_exec_path(variables):
            path = os.path.join(folder, command)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return path
    return command


def _start_plainly(argv: Sequence[str], variables: Mapping[str, str], mask: set[int]) -> int:
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
