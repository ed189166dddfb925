"""A file that does not exist yet: of several writers one creates it, on every kind of storage."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from envprint.documents.storage import Folder, RemoteFolder, open_folder
from envprint.machine.files import TakenError

KINDS = ("local", "no-links", "memory", "old-fsspec", "conditional")


@pytest.fixture(params=KINDS)
def folder(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Folder:
    """A new and empty one."""
    kind: str = request.param
    if kind == "no-links":

        def refused(*names: str) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refused)
    if kind in ("local", "no-links"):
        return open_folder(str(tmp_path / "new"))
    made = RemoteFolder(f"memory://{tmp_path.name}")
    if kind != "memory":
        monkeypatch.setattr(made, "_files", Unlike(made._files, kind))
    return made


class Unlike:
    """A file system whose `pipe_file` is not that of memory."""

    def __init__(self, files: Any, kind: str) -> None:
        self._files, self._kind = files, kind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._files, name)

    def exists(self, path: str) -> bool:
        return self._kind != "conditional" and bool(self._files.exists(path))

    def pipe_file(self, path: str, value: bytes, **options: str) -> None:
        if options and self._kind == "old-fsspec":
            raise TypeError("pipe_file() got an unexpected keyword argument 'mode'")
        if options and self._files.exists(path):
            # As botocore words it, which is no FileExistsError.
            raise ValueError("An error occurred (PreconditionFailed) when calling PutObject")
        self._files.pipe_file(path, value)


def test_a_new_file_is_created_whole(folder: Folder) -> None:
    folder.create("one", b"content")
    assert (folder.read("one"), folder.names("")) == (b"content", ["one"])


def test_an_existing_file_is_never_replaced(folder: Folder) -> None:
    folder.create("one", b"content")
    with pytest.raises(TakenError):
        folder.create("one", b"other")
    assert (folder.read("one"), folder.names("")) == (b"content", ["one"])


def test_of_many_writers_one_creates_the_file(tmp_path: Path) -> None:
    folder = open_folder(str(tmp_path))

    def write(number: int) -> int | None:
        try:
            folder.create("one", f"{number}".encode())
        except TakenError:
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        won = [number for number in pool.map(write, range(32)) if number is not None]
    assert [f"{number}".encode() for number in won] == [folder.read("one")]


def test_what_another_writer_put_in_place_of_it_is_found_by_reading_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the storage knows no exclusive creation."""
    folder = RemoteFolder(f"memory://{tmp_path.name}")
    pipe = folder._files.pipe_file

    def piped(path: str, value: bytes, **options: str) -> None:
        pipe(path, value)
        pipe(path, b"of another writer")

    monkeypatch.setattr(folder._files, "pipe_file", piped)
    with pytest.raises(TakenError):
        folder.create("one", b"content")


def test_a_file_in_place_of_the_directory_is_an_error_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file") as caught:
        open_folder(str(tmp_path / "file")).create("one", b"content")
    assert not isinstance(caught.value, TakenError)
