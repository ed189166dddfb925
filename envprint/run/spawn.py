"""Starts a program as leader of a new process group, with the signal setup envprint inherited."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Mapping, Sequence


def start(
    argv: Sequence[str], variables: Mapping[str, str], mask: set[int], ignores_children: bool
) -> int:
    """The pid of the command, which starts with the signals in `mask` blocked. Raises `OSError`.

    A file that the system cannot execute is run as a script of the shell, as env(1) and every shell
    do. https://man7.org/linux/man-pages/man3/exec.3.html, ENOEXEC
    """
    begin = _start_ignoring_children if ignores_children else _start_plainly
    try:
        return begin(argv, variables, mask)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
    return begin(["/bin/sh", _place(argv[0], variables), *argv[1:]], variables, mask)


def _place(command: str, variables: Mapping[str, str]) -> str:
    """The path of the executable that `command` names."""
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
    """The same for a command that ignores SIGCHLD, which `posix_spawn` cannot set up.

    Ignoring SIGCHLD here around the spawn would race with a job that exits immediately.
    """
    import subprocess

    def prepare() -> None:
        os.setpgid(0, 0)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    # The child runs no other Python code before it becomes the other program.
    job = subprocess.Popen(argv, env=variables, close_fds=False, preexec_fn=prepare)  # noqa: PLW1509
    job.returncode = 0  # the job is reaped by pid
    return job.pid
