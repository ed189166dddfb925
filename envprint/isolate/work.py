"""The directory of one search, which the next search removes if this one was killed.

A lock on a file in it says that its search is alive: the kernel releases it with the process.
https://man7.org/linux/man-pages/man2/flock.2.html
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from envprint.core.errors import EnvprintError
from envprint.machine.files import reason

LOCK = "lock"


def cache_directory() -> str:
    """Where `isolate` keeps environments, trials and its work: in the user's cache.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # the specification ignores relative paths
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "envprint", "isolate")


@contextmanager
def work_directory() -> Iterator[str]:
    """An empty directory for one search. Raises `EnvprintError`."""
    parent = os.path.join(cache_directory(), "work")
    path = os.path.join(parent, os.urandom(8).hex())
    try:
        os.makedirs(parent, mode=0o700, exist_ok=True)
        _remove_dead(parent)
        os.mkdir(path, mode=0o700)
        lock = os.open(os.path.join(path, LOCK), os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise EnvprintError(f"isolate: cannot work in {parent}: {reason(error)}") from None
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _remove_dead(parent: str) -> None:
    """Remove what killed searches have left."""
    for name in os.listdir(parent):
        path = os.path.join(parent, name)
        # Without a lock yet, another search is just beginning.
        with suppress(OSError):
            lock = os.open(os.path.join(path, LOCK), os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)
