"""Queries that differ between operating systems: kernel, user, disks, processes.

Linux and macOS have POSIX calls; Windows has neither those nor the `pwd` module. A query without an
answer raises `OSError` with the reason, like every method of `envprint.machine.host.Host`.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

from envprint.core.typed import Any

_MACHINES = {"AMD64": "x86_64", "ARM64": "aarch64"}
"""Windows' names of architectures, to those of Linux, which rules and packages use."""

_COMM_LENGTH = 15
"""https://man7.org/linux/man-pages/man2/PR_SET_NAME.2const.html: 16 bytes with the final zero."""


_SYSTEM_FOLDERS = ("/usr/lib64", "/usr/lib")


def library_folders(machine: str) -> tuple[str, ...]:
    """Where distributions keep shared libraries for `machine`, Debian's folder first."""
    return (*_debian_folders(machine), *_SYSTEM_FOLDERS)


def _debian_folders(*machines: str) -> list[str]:
    return [f"/usr/lib/{machine}-linux-gnu" for machine in machines]


LOADER_FOLDERS = (
    *("/usr/lib/wsl/lib", "/run/opengl-driver/lib"),
    *_debian_folders("x86_64", "aarch64"),
    *("/lib64", "/lib", *_SYSTEM_FOLDERS),
)
"""Where the loader finds libraries besides its cache and configuration; the first two hold the
driver's under WSL2 and on NixOS."""


def system() -> Mapping[str, str]:
    """`system`, `release`, `version` and `machine` of the kernel. Raises `OSError`."""
    if hasattr(os, "uname"):
        name = os.uname()
        return {
            "system": name.sysname,
            "release": name.release,
            "version": name.version,
            "machine": name.machine,
        }
    ask_windows = getattr(sys, "getwindowsversion", None)
    machine = os.environ.get("PROCESSOR_ARCHITECTURE")
    if ask_windows is None or not machine:
        raise OSError(f"the kernel cannot be queried on {sys.platform}")
    windows = ask_windows()
    return {
        "system": "Windows",
        "release": f"{windows.major}.{windows.minor}",
        "version": f"{windows.major}.{windows.minor}.{windows.build}",
        "machine": _MACHINES.get(machine, machine),
    }


def cpus() -> list[int]:
    """The processors this process may run on. Raises `OSError`."""
    if not hasattr(os, "sched_getaffinity"):
        raise OSError(f"CPU affinity cannot be read on {sys.platform}")
    return sorted(os.sched_getaffinity(0))


def disk(path: str) -> Mapping[str, int]:
    """`total_bytes` and `free_bytes` of the file system with `path`. Raises `OSError`."""
    if not hasattr(os, "statvfs"):
        raise OSError(f"file systems are not measured on {sys.platform}")
    status = os.statvfs(path)
    return {
        "total_bytes": status.f_frsize * status.f_blocks,
        "free_bytes": status.f_frsize * status.f_bavail,
    }


def identity() -> Mapping[str, str]:
    """`home`, `user` and `host_name` as far as known."""
    names = {"user": _user(), "host_name": _host_name(), "home": _home()}
    return {key: name for key, name in names.items() if name}


def _home() -> str | None:
    home = os.path.expanduser("~")
    return None if home == "~" else home  # unchanged without HOME and an entry in /etc/passwd


def _user() -> str | None:
    try:
        import pwd
    except ImportError:
        return os.environ.get("USERNAME")
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run with a uid that is not in /etc/passwd
        return str(os.getuid())


def _host_name() -> str | None:
    if hasattr(os, "uname"):
        return os.uname().nodename
    return os.environ.get("COMPUTERNAME")


def process(pid: int) -> Mapping[str, Any]:
    """`name`, `program`, `user`, `started_at_s` and `state` of a process.

    `program` is the base name of its executable, or None; `name` may be different.

    Raises `ProcessLookupError` if there is none, `PermissionError` if it is hidden.
    """
    import psutil

    try:
        found = psutil.Process(pid)
        with found.oneshot():
            program = _program(found)
            return {
                "name": _name(found, program),
                "program": program,
                "user": found.username(),
                "started_at_s": found.create_time(),
                "state": found.status(),
            }
    except psutil.Error as error:
        # If /proc is mounted with hidepid, it hides other users' processes, but signal 0 still
        # checks whether one exists.
        # https://man7.org/linux/man-pages/man2/kill.2.html
        os.kill(pid, 0)
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from error


def _name(process: Any, program: str | None) -> str:
    """The kernel's name of it; a truncated one is completed from the executable's.

    psutil completes it from the command line, which a program can overwrite and which holds
    arguments: https://psutil.readthedocs.io/en/latest/#psutil.Process.name
    """
    if not sys.platform.startswith("linux"):
        return program or str(process.name())[:_COMM_LENGTH]
    # https://man7.org/linux/man-pages/man5/proc_pid_comm.5.html
    descriptor = os.open(f"/proc/{process.pid}/comm", os.O_RDONLY)
    try:
        name = os.read(descriptor, 2 * _COMM_LENGTH).decode("utf-8", "replace").rstrip("\n")
    finally:
        os.close(descriptor)
    is_cut = len(name) >= _COMM_LENGTH and program and program.startswith(name)
    return program if is_cut and program else name


def _program(process: Any) -> str | None:
    """Never an argument: psutil returns the executed file, even for other users' processes."""
    import psutil

    try:
        return os.path.basename(process.exe()) or None
    except psutil.Error:  # a zombie has none
        return None


def run(
    argv: Sequence[str], variables: Mapping[str, str], timeout_s: float, limit: int
) -> tuple[int, bytes]:
    """Exit code and stdout of a command without a shell or stdin. Raises `OSError`.

    That includes `TimeoutError`, and a command that prints more than `limit` bytes: it is killed.
    """
    program = argv[0] if os.path.dirname(argv[0]) else next(on_path(argv[0], variables), None)
    if program is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0])
    # Python's interpreter lock is held until a program has begun, so one that cannot be read must
    # hang here.
    with open(program, "rb", 0) as file:  # noqa: PTH123  pathlib costs too much here
        file.read(1)
    from envprint.machine.child_process import Child

    late = TimeoutError(f"{argv[0]} did not answer within {timeout_s:g} s")
    until = time.monotonic() + timeout_s
    child = Child([program, *argv[1:]], variables, is_alone=True)
    is_done = False
    try:
        printed = child.output(until, limit)
        is_done = True
    except TimeoutError:
        raise late from None
    finally:
        code = child.end(kill=not is_done, wait_s=until - time.monotonic())
    if code is None:
        raise late
    return code, printed


def on_path(name: str, variables: Mapping[str, str]) -> Iterator[str]:
    """Each program `name` in the directories of PATH.

    Relative ones are left out: in another directory they mean another program.
    """
    for directory in variables.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(directory, name)
        if os.path.isabs(directory) and is_program(path):
            yield path


def is_program(path: str) -> bool:
    """Whether the file at `path` can be run."""
    return os.path.isfile(path) and os.access(path, os.X_OK)
