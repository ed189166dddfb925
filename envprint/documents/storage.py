"""Where a store keeps its files: a directory, or what stands behind a URL that fsspec opens.

Both do three things, by paths relative to the place: read a file, write one whole or not at all,
and list a folder. Their errors are `OSError`.
"""

from __future__ import annotations

import os
from typing import Any, Protocol

from envprint.core.errors import StoreError
from envprint.core.redact import safe_text
from envprint.machine.files import MAX_BYTES, open_regular, replace_file


class Folder(Protocol):
    """What a store asks of the place where it lies."""

    place: str
    """How messages call it."""

    def read(self, path: str) -> bytes:
        """The content of a file. Raises `OSError`."""

    def write(self, path: str, content: bytes) -> None:
        """Replace a file, in a folder that may be new. Raises `OSError`."""

    def names(self, path: str) -> list[str]:
        """The sorted names in a folder, none where there is no such folder. Raises `OSError`."""


def open_folder(place: str) -> Folder:
    """The directory `place`, or what the URL `place` stands for. Raises `StoreError`."""
    if place.startswith("file://"):
        return LocalFolder(_path_of(place))
    return RemoteFolder(place) if "://" in place else LocalFolder(place)


# https://www.rfc-editor.org/rfc/rfc8089#section-2: file:///tmp/x, file://localhost/tmp/x
def _path_of(url: str) -> str:
    host, slash, path = url.removeprefix("file://").partition("/")
    if host not in ("", "localhost") or not path:
        raise StoreError(f"{safe_text(url)}: expected file:///PATH, a directory of this machine")
    return slash + path


class LocalFolder:
    """A directory, which need not be there yet."""

    def __init__(self, place: str) -> None:
        self.place = place

    def read(self, path: str) -> bytes:
        """The content of a file, `MAX_BYTES` + 1 at most."""
        descriptor, _ = open_regular(os.path.join(self.place, path))
        with os.fdopen(descriptor, "rb") as file:
            return file.read(MAX_BYTES + 1)

    def write(self, path: str, content: bytes) -> None:
        """Write beside the file and rename, so that nobody reads half of it."""
        replace_file(os.path.join(self.place, path), content)

    def names(self, path: str) -> list[str]:
        """Names that begin with a dot are left out: what a killed writer left has such a one."""
        try:
            found = os.listdir(os.path.join(self.place, path))
        except FileNotFoundError:
            return []
        return sorted(name for name in found if name[0] != ".")


class RemoteFolder:
    """A place that fsspec knows, such as `s3://bucket/baselines`.

    Object stores replace a file in one step; where another does not, a reader sees by the digest
    that half of it is missing. https://filesystem-spec.readthedocs.io/en/latest/api.html
    """

    def __init__(self, url: str) -> None:
        self.place = safe_text(url)
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            install = "pip install 'envprint[store]'"
            raise StoreError(f"{self.place}: a URL needs fsspec: {install}") from None
        # Without the cache of listings: others write here at the same time.
        self._files, self._root = self._ask(url_to_fs, url, use_listings_cache=False)

    def read(self, path: str) -> bytes:
        """The content of a file."""
        return bytes(self._ask(self._files.cat_file, f"{self._root}/{path}"))

    def write(self, path: str, content: bytes) -> None:
        """Hand over the whole content at once."""
        folder, _, name = path.rpartition("/")
        self._ask(self._files.makedirs, f"{self._root}/{folder}", exist_ok=True)
        self._ask(self._files.pipe_file, f"{self._root}/{folder}/{name}", content)

    def names(self, path: str) -> list[str]:
        """The last part of each name listed there."""
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
        # Each library behind fsspec has errors of its own, of which only some are OSErrors; a
        # missing password must end in a line as well.
        except Exception as error:  # noqa: BLE001  see the reason above
            raise OSError(f"{type(error).__name__}: {error}") from None
