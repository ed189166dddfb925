"""What was computed from the files of a directory before, kept until one of them changes.

What is known of a package comes from its dist-info directory: a build id takes a hash over every
line of a RECORD, and 300 packages have 1,200 such files, which hardly ever change. An entry counts
while the directory and each file are the same: device, inode, size, and the times of the last
change to the nanosecond, one of which no program can set. What changed a moment ago is not entered,
because one more change within the clock's tick would not show (git's index has the same rule).
Without a usable cache everything is computed, so it only saves time.

https://git-scm.com/docs/racy-git
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence

from envprint.core.errors import suppress
from envprint.core.json_text import compact, loads
from envprint.core.typed import Any
from envprint.machine.files import open_regular
from envprint.machine.host import Compute
from envprint.machine.user_files import OTHERS_WRITE, is_ours, make_folder, user_file

RACY_S = 2.5
"""No entry for a file that changed later than this before it was read: the coarsest clock of a file
system has steps of two seconds."""
MAX_INDEXES = 64
"""Directories with an index; the one that was written first makes room for the next."""


class FileIndex:
    """The entries about the directories in one search directory, for one kind of value.

    `form` names the kind and how it is computed: another form is another index.
    """

    def __init__(self, directory: str, files: Sequence[str], form: str) -> None:
        self._directory = directory
        self._files = files
        self._form = form
        self._path = _path(directory, form)
        self._known = self._read()
        self._entries: dict[str, list[Any]] = {}

    def value(self, path: str, compute: Compute) -> dict[str, Any]:
        """`compute` of the directory at `path`, from its entry if all is unchanged."""
        try:
            # Before it is read: what changes later has another status.
            statuses = self._statuses(path)
        except OSError:
            return compute(path)[0]
        name = path[len(self._directory) :]
        entry = self._known.get(name)
        if entry is None or _unpacked(entry[0]) != statuses:
            is_settled = _is_settled(statuses)  # reading may take longer than a clock's tick
            value, is_kept = compute(path)
            packed = _packed(statuses) if is_kept and is_settled else None
            if packed is None:
                return value
            entry = [packed, value]
        self._entries[name] = entry
        known: dict[str, Any] = entry[1]
        return known

    def _statuses(self, path: str) -> list[int]:
        """What changes with the directory and each of its files. Raises `OSError`."""
        found = _status(path)
        for file in self._files:
            try:
                found += _status(f"{path}/{file}")
            except (FileNotFoundError, NotADirectoryError):
                found += _MISSING
        return found

    def keep(self) -> None:
        """Write the entries that were used, if others were read. Of several writers the last wins,
        and what it does not have is computed again.
        """
        if self._path is None or self._entries == self._known:
            return
        document = {"directory": self._directory, "form": self._form, "entries": self._entries}
        with suppress(OSError):
            make_folder(os.path.dirname(self._path))
            _replace(self._path, compact(document).encode("ascii"))
            _make_room(os.path.dirname(self._path))

    def _read(self) -> Mapping[str, list[Any]]:
        try:
            document = loads(_own_content(self._path)) if self._path else {}
            if [document.get("directory"), document.get("form")] != [self._directory, self._form]:
                return {}
            return {path: entry for path, entry in document["entries"].items() if _is_one(entry)}
        except (OSError, ValueError, LookupError, AttributeError, TypeError, RecursionError):
            return {}


def values(
    paths: Sequence[str], files: Sequence[str], form: str, compute: Compute
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each directory with what is computed from its files."""
    indexes: dict[str, FileIndex] = {}
    for path in paths:
        directory = path.rpartition("/")[0]
        if directory not in indexes:
            indexes[directory] = FileIndex(directory, files, form)
        yield path, indexes[directory].value(path, compute)
    for index in indexes.values():
        index.keep()


def _status(path: str) -> list[int]:
    """What changes with a file. Raises `OSError`."""
    found = os.stat(path)
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


_MISSING = [0] * 5
"""The status of a file that does not exist."""


# As text, because JSON takes as long to read a number of nineteen digits as the kernel for a file.
def _packed(statuses: list[int]) -> str | None:
    """None for a time before 1970."""
    from array import array  # only what has changed is packed

    with suppress(OverflowError):
        return array("Q", statuses).tobytes().hex()
    return None


def _unpacked(text: str) -> list[int] | None:
    """None for what is not packed."""
    try:
        return memoryview(bytes.fromhex(text)).cast("Q").tolist()
    except (ValueError, TypeError):
        return None


def _is_settled(statuses: list[int]) -> bool:
    latest_ns: int = max(statuses[3::5] + statuses[4::5])
    return time.time_ns() - latest_ns > RACY_S * 1e9


def _path(directory: str, form: str) -> str | None:
    """Where the index of a directory is kept; None if this user has no cache.

    Windows reports no time of change that programs cannot set.
    """
    if os.name != "posix":
        return None
    from envprint.core.sha256 import sha256

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
    return type(entry) is list and [*map(type, entry)] == [str, dict]


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
