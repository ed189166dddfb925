"""A fresh copy of the working directory for each trial, so that none finds what another wrote.

Large files are linked instead of copied, and looked at afterwards: a job that changes one would
change it for every later trial. Environments and stores inside are left out.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress

from envprint.core.errors import EnvprintError
from envprint.core.typed import NamedTuple
from envprint.documents.store import FOLDER
from envprint.isolate.work import cache_directory
from envprint.machine.files import reason

LARGE_BYTES = 16 << 20
MOST_BYTES = 2 << 30
"""Of what is copied, so of all files that are not large."""
_LEFT_OUT = (FOLDER, "__pycache__")
_HISTORY = ".git"
"""Linked as a whole: it may be large, and jobs read their commit from it."""
_ENVIRONMENT = ("pyvenv.cfg", "conda-meta")
MOST_SEEN = 20000
"""Files that are looked at in one place outside."""

Stamp = tuple[int, int, int]


class Copy(NamedTuple):
    """A copy, and the originals of what is only linked there."""

    path: str
    linked: dict[str, Stamp]

    def check(self) -> None:
        """Raises `EnvprintError` if the job has changed an original."""
        for original, before in self.linked.items():
            if _stamp(original) != before:
                raise EnvprintError(
                    f"the job has changed {os.path.basename(original)}, which is too large to copy "
                    "for each trial: let the job write somewhere else"
                )


def copy(source: str, target: str, result: str | None) -> Copy:
    """Copy a working directory; `result` is never linked, as the job writes it.

    Raises `EnvprintError` if it is too large or cannot be copied.
    """
    try:
        return _copied(source, target, result)
    except OSError as error:
        raise EnvprintError(f"{source} cannot be copied for a trial: {reason(error)}") from None


def _copied(source: str, target: str, result: str | None) -> Copy:
    if os.path.lexists(target):
        shutil.rmtree(target)
    linked: dict[str, Stamp] = {}
    copied = 0
    for folder, folders, files in os.walk(source):
        folders[:] = [name for name in folders if not _is_left_out(os.path.join(folder, name))]
        links = [name for name in folders if name == _HISTORY or _is_link(folder, name)]
        folders[:] = [name for name in folders if name != _HISTORY]
        there = os.path.normpath(os.path.join(target, os.path.relpath(folder, source)))
        os.makedirs(there, exist_ok=True)
        for name in (*files, *links):
            original, made = os.path.join(folder, name), os.path.join(there, name)
            is_result = original == os.path.join(source, result or "")
            copied += _copy_file(original, made, source, is_result, linked)
            if copied > MOST_BYTES:
                raise EnvprintError(
                    f"{source} holds more than {MOST_BYTES >> 30} GiB of small files, too much "
                    "to copy for each trial: start in a directory with the job alone"
                )
    return Copy(target, linked)


def _is_link(folder: str, name: str) -> bool:
    return os.path.islink(os.path.join(folder, name))


def _is_left_out(path: str) -> bool:
    if os.path.basename(path) in _LEFT_OUT or path == cache_directory():
        return True
    return any(os.path.exists(os.path.join(path, mark)) for mark in _ENVIRONMENT)


def _target(link: str, source: str) -> str:
    """Where a link in the copy leads: into the copy if the original leads into the directory."""
    if not os.path.islink(link):
        return link
    named, real = os.readlink(link), os.path.realpath(link)
    is_inside = real.startswith(os.path.realpath(source) + os.sep)
    return named if is_inside and not os.path.isabs(named) else real


def _copy_file(
    original: str, made: str, source: str, is_result: bool, linked: dict[str, Stamp]
) -> int:
    """Copy or link one file; returns the bytes copied. Sockets and pipes are left out."""
    if os.path.islink(original) or os.path.isdir(original):
        os.symlink(_target(original, source), made)
        return 0
    if not os.path.isfile(original):
        return 0
    size = os.path.getsize(original)
    if size >= LARGE_BYTES and not is_result:
        os.symlink(original, made)
        linked[original] = _stamp(original)
        return 0
    shutil.copy2(original, made)
    return size


def _stamp(path: str) -> Stamp:
    with suppress(OSError):
        found = os.stat(path)
        return found.st_size, found.st_mtime_ns, found.st_ino
    return 0, 0, 0


def large_files(directory: str) -> dict[str, Stamp]:
    """The files that a copy of the directory links."""
    return {
        path: stamp
        for path, stamp in listing(directory).items()
        if stamp[0] >= LARGE_BYTES and not os.path.islink(path)
    }


def listing(directory: str) -> dict[str, Stamp]:
    """Every file below a directory, except bytecode and the store."""
    found = {}
    for folder, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if not _is_left_out(os.path.join(folder, name))]
        found.update({path: _stamp(path) for path in (os.path.join(folder, f) for f in files)})
    return found


def shared_places(directory: str, command: Sequence[str]) -> list[str]:
    """Places outside the working directory that every trial would write to.

    Those that a word of the command names, and those that a link in the directory leads to.
    """
    words = (word.rpartition("=")[2] for word in command[1:] if "/" in word)
    found = [os.path.realpath(os.path.join(directory, word)) for word in words]
    for folder, folders, _ in os.walk(directory):
        links = (os.path.join(folder, name) for name in folders if _is_link(folder, name))
        found += [os.path.realpath(link) for link in links]
    inside = os.path.realpath(directory) + os.sep
    return [place for place in dict.fromkeys(found) if not f"{place}{os.sep}".startswith(inside)]


def written_since(places: Sequence[str], time_ns: int) -> Iterator[str]:
    """The files in these places that were written after a moment."""
    for place in places:
        files = [place] if os.path.isfile(place) else _files(place)
        yield from (path for path in files if _stamp(path)[1] >= time_ns)


def _files(place: str) -> Iterator[str]:
    seen = 0
    for folder, _, files in os.walk(place):
        for name in files:
            seen += 1
            if seen > MOST_SEEN:
                return
            yield os.path.join(folder, name)
