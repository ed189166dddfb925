"""What was computed from files before, kept in the user's cache until a file changes.

A build id takes a hash over every line of a RECORD, most of what a capture costs, and installed
packages hardly ever change. An entry counts while the file is the same: device, inode, size, and
the times of its last change to the nanosecond, one of which no program can set. A file that changed
a moment ago is not entered, because one more change within the clock's tick would not show (git's
index has the same rule). Without a usable cache everything is computed, so it only saves time.

https://git-scm.com/docs/racy-git
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from envprint.machine.files import open_regular
from envprint.machine.user_files import OTHERS_WRITE, is_ours, make_folder, user_file

RACY_S = 2.5
"""No entry for a file that changed later than this before it was read: the coarsest clock of a file
system has steps of two seconds."""
MAX_INDEXES = 64
"""Directories with an index; the one that was written first makes room for the next."""

Compute = Callable[[str, bytes], str]
"""From a path and the content there to what is worth keeping."""


class FileIndex:
    """The entries about the files in one search directory, for one kind of value.

    `form` names the kind and how it is computed: another form is another index.
    """

    def __init__(self, directory: str, form: str) -> None:
        self._directory = directory
        self._form = form
        self._path = _path(directory, form)
        self._known = self._read()
        self._entries: dict[str, list[Any]] = {}

    def value(self, path: str, read: Callable[[str], bytes], compute: Compute) -> str:
        """`compute` of the file at `path`, from its entry if it is unchanged. Raises `OSError`."""
        status = os.stat(path)  # before it is read: what changes later has another status
        key = [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        entry = self._known.get(path[len(self._directory) :])
        if entry is None or entry[:-1] != key:
            is_settled = time.time_ns() - max(key[-2:]) > RACY_S * 1e9
            entry = [*key, compute(path, read(path))]
            if not is_settled:
                return str(entry[-1])
        self._entries[path[len(self._directory) :]] = entry
        return str(entry[-1])

    def keep(self) -> None:
        """Write the entries that were used, if others were read. Of several writers the last wins,
        and what it does not have is computed again.
        """
        if self._path is None or self._entries == self._known:
            return
        document = {"directory": self._directory, "form": self._form, "entries": self._entries}
        with suppress(OSError):
            make_folder(os.path.dirname(self._path))
            _replace(self._path, json.dumps(document).encode("ascii"))
            _make_room(os.path.dirname(self._path))

    def _read(self) -> Mapping[str, list[Any]]:
        try:
            document = json.loads(_own_content(self._path)) if self._path else {}
            if [document.get("directory"), document.get("form")] != [self._directory, self._form]:
                return {}
            return {path: entry for path, entry in document["entries"].items() if _is_one(entry)}
        except (OSError, ValueError, LookupError, AttributeError, TypeError, RecursionError):
            return {}


def values(
    paths: Sequence[str], form: str, read: Callable[[str], bytes], compute: Compute
) -> Iterator[tuple[str, str | OSError]]:
    """Each path with what is computed from the file there, or with the error that it gives."""
    indexes: dict[str, FileIndex] = {}
    for path in paths:
        # PATH/numpy-2.4.6.dist-info/RECORD
        directory = path.rpartition("/")[0].rpartition("/")[0]
        if directory not in indexes:
            indexes[directory] = FileIndex(directory, form)
        try:
            yield path, indexes[directory].value(path, read, compute)
        except OSError as error:
            yield path, error
    for index in indexes.values():
        index.keep()


def _path(directory: str, form: str) -> str | None:
    """Where the index of a directory is kept; None if this user has no cache.

    Windows reports no time of change that programs cannot set.
    """
    if os.name != "posix":
        return None
    from hashlib import sha256

    name = sha256(f"{form} {directory}".encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return user_file(f"index-{name}.json", "XDG_CACHE_HOME", ".cache")


def _own_content(path: str) -> bytes:
    """The content of a file that only this user can have written. Raises `OSError`."""
    descriptor, size = open_regular(path)
    try:
        status = os.fstat(descriptor)
        if not is_ours(status) or status.st_mode & OTHERS_WRITE:
            raise PermissionError
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)


def _is_one(entry: Any) -> bool:
    return type(entry) is list and len(entry) == 6 and type(entry[-1]) is str


def _replace(path: str, content: bytes) -> None:
    beside = f"{path}.{os.urandom(6).hex()}"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(beside, path)
    except OSError:
        os.unlink(beside)
        raise


def _make_room(folder: str) -> None:
    found = [os.path.join(folder, name) for name in os.listdir(folder) if name[:6] == "index-"]
    found.sort(key=lambda path: os.lstat(path).st_mtime_ns)
    for path in found[:-MAX_INDEXES]:
        os.unlink(path)
