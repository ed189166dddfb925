"""Where a store keeps its files: a directory, or a URL that fsspec opens.

Both read a file, write one atomically and list a directory, by paths relative to the root. Their
errors are `OSError`.
"""

from __future__ import annotations

import errno
import os
import time
import warnings
from collections.abc import Callable

from envprint.core.errors import StoreError
from envprint.core.redact import safe_text
from envprint.core.typed import Any, Protocol
from envprint.machine.files import (
    MAX_BYTES,
    TakenError,
    create_file,
    open_regular,
    replace_file,
    sweep,
)


class Folder(Protocol):
    """What a store needs from its storage."""

    place: str
    """Its name in messages."""

    def read(self, path: str) -> bytes:
        """The content of a file. Raises `OSError`."""

    def write(self, path: str, content: bytes) -> None:
        """Replace a file; creates its directory if necessary. Raises `OSError`."""

    def create(self, path: str, content: bytes) -> None:
        """Write a file that does not exist. Raises `TakenError`, and other `OSError`."""

    def names(self, path: str) -> list[str]:
        """The sorted names in a directory; none if it does not exist. Raises `OSError`."""


def open_folder(place: str, warn: Callable[[str], object] = warnings.warn) -> Folder:
    """The directory `place`, or the storage behind the URL `place`. Raises `StoreError`.

    `warn` gets what a mount refuses.
    """
    if place.startswith("file://"):
        return LocalFolder(_path_of(place), warn)
    return RemoteFolder(place) if "://" in place else LocalFolder(place, warn)


# https://www.rfc-editor.org/rfc/rfc8089#section-2: file:///tmp/x, file://localhost/tmp/x
def _path_of(url: str) -> str:
    host, slash, path = url.removeprefix("file://").partition("/")
    if host not in ("", "localhost") or not path:
        raise StoreError(f"{safe_text(url)}: expected file:///PATH, a directory of this machine")
    return slash + path


class LocalFolder:
    """A directory, which need not exist yet."""

    def __init__(self, place: str, warn: Callable[[str], object] = warnings.warn) -> None:
        self.place = place
        self._warn = warn

    def _path(self, path: str) -> str:
        """The path of a file or directory. Raises `OSError` if a directory on it is a link."""
        folder = self.place
        for step in path.split("/")[:-1]:
            folder = os.path.join(folder, step)
            self._refuse_link(folder)
        return os.path.join(self.place, path)

    def _refuse_link(self, folder: str) -> None:
        # Whoever can make one there would say where the next save goes.
        if os.path.islink(folder):
            raise OSError(errno.ELOOP, "is a symbolic link, expected a directory", folder)

    def read(self, path: str) -> bytes:
        """The content of a file, at most `MAX_BYTES` + 1 bytes."""
        descriptor, _ = open_regular(self._path(path))
        with os.fdopen(descriptor, "rb") as file:
            return file.read(MAX_BYTES + 1)

    def write(self, path: str, content: bytes) -> None:
        """Write a temporary file and rename it, so that no reader sees half of it."""
        replace_file(self._path(path), content, self._warn)

    def create(self, path: str, content: bytes) -> None:
        """Write a temporary file and link it, so that of several writers one succeeds."""
        create_file(self._path(path), content, self._warn)

    def names(self, path: str) -> list[str]:
        """Names that begin with a dot are left out: a killed writer's temporary file has one."""
        try:
            self._refuse_link(os.path.join(self.place, path))
            found = os.listdir(self._path(path))
        except FileNotFoundError:
            return []
        return sorted(name for name in found if name[0] != ".")

    def is_older(self, path: str, seconds: float) -> bool:
        """Whether a file was last written that long ago. Raises `OSError`."""
        return time.time() - os.lstat(self._path(path)).st_mtime > seconds

    def remove(self, path: str) -> int:
        """Remove a file; returns its size. Raises `OSError`."""
        place = self._path(path)
        size = os.lstat(place).st_size
        os.unlink(place)
        return size

    def sweep(self, path: str) -> int:
        """Remove what killed writers left in a directory; returns how many files."""
        return sweep(self._path(f"{path}/"))


class RemoteFolder:
    """A place that fsspec can open, such as `s3://bucket/baselines`.

    Object stores replace a file atomically; elsewhere a reader detects a half-written file by its
    digest. https://filesystem-spec.readthedocs.io/en/latest/api.html
    """

    def __init__(self, url: str) -> None:
        self.place = safe_text(url)
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            install = "pip install 'envprint[store]'"
            raise StoreError(f"{self.place}: a URL needs fsspec: {install}") from None
        # Without fsspec's cache of listings: other writers are active at the same time.
        self._files, self._root = self._ask(url_to_fs, url, use_listings_cache=False)

    def read(self, path: str) -> bytes:
        """The content of a file."""
        return bytes(self._ask(self._files.cat_file, f"{self._root}/{path}"))

    def write(self, path: str, content: bytes) -> None:
        """Write the whole content in one call."""
        folder, _, name = path.rpartition("/")
        self._ask(self._files.makedirs, f"{self._root}/{folder}", exist_ok=True)
        self._ask(self._files.pipe_file, f"{self._root}/{folder}/{name}", content)

    def create(self, path: str, content: bytes) -> None:
        """Ask the storage for a write that fails if the file exists.

        Not every storage can: there, reading back finds most of what was written at the same time.
        """
        place = f"{self._root}/{path}"
        self._ask(self._files.makedirs, place.rpartition("/")[0], exist_ok=True)
        taken = TakenError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        if self._ask(self._files.exists, place):
            raise taken
        try:
            self._ask(self._pipe_new, place, content)
        except OSError as error:
            is_there = isinstance(error, FileExistsError) or any(w in str(error) for w in _EXISTS)
            raise (taken if is_there else error) from None
        if self._ask(self._files.cat_file, place) != content:
            raise taken

    def _pipe_new(self, place: str, content: bytes) -> None:
        try:
            self._files.pipe_file(place, content, mode="create")
        except (NotImplementedError, TypeError):  # storages, and versions of fsspec, without it
            self._files.pipe_file(place, content)

    def names(self, path: str) -> list[str]:
        """The last part of each listed name."""
        try:
            found = self._ask(self._files.ls, f"{self._root}/{path}", detail=False)
        except FileNotFoundError:
            return []
        names = (name.rstrip("/").rpartition("/")[2] for name in found)
        return sorted(name for name in names if name and name[0] != ".")

    def _ask(self, method: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return method(*arguments, **options)
        except OSError:
            raise
        # Each library behind fsspec has its own errors, and only some are OSErrors; missing
        # credentials must also end in a one-line message.
        except Exception as error:  # noqa: BLE001  see the reason above
            raise OSError(f"{type(error).__name__}: {error}") from None


_EXISTS = ("PreconditionFailed", "pre-conditions", "412", "ConditionalRequestConflict", "409")
"""What object stores answer to a conditional write, if the object exists or is just written."""
