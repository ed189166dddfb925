"""The code of a commit, taken from the repository that is here without changing anything in it.

Its files are written by envprint from Git's objects and not by a checkout: no filter, hook or
attribute of the repository runs or changes them, and no second work tree is registered. What Git
does not track stays as it is in the directory.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO

from envprint.collectors.code import GIT
from envprint.core.errors import EnvprintError
from envprint.core.typed import NamedTuple

LINK, SUBMODULE = "120000", "160000"
"""Modes of Git's entries: https://git-scm.com/docs/git-fast-import#_filemodify"""
PROGRAM = "100755"
_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
_LARGEST_POINTER = 1024
"""https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md"""
_TIMEOUT_S = 300.0


class Entry(NamedTuple):
    """A file of a commit."""

    mode: str
    blob: str


def is_here(commit: str, directory: str) -> bool:
    """Whether the repository around a directory has a commit."""
    try:
        _git(directory, "cat-file", "-e", f"{commit}^{{commit}}")
    except EnvprintError:
        return False
    return True


def differs_outside(commit: str, directory: str) -> bool:
    """Whether the commit has other files than the present one outside of the directory."""
    inside = os.fsdecode(_git(directory, "rev-parse", "--show-prefix")).rstrip("\n")
    if not inside:
        return False
    names = _git(directory, "diff-tree", "-r", "-z", "--no-renames", "--name-only", commit, "HEAD")
    return any(not name.startswith(inside) for name in os.fsdecode(names).split("\0") if name)


def put(commit: str, directory: str, target: str) -> None:
    """Give `target`, a copy of `directory`, the files of a commit instead of the tracked ones.

    Raises `EnvprintError` if the repository does not have all of them.
    """
    wanted = _entries(_git(directory, "ls-tree", "-r", "-z", commit))
    present = _entries(_git(directory, "ls-files", "-s", "-z"))
    for path in present.keys() - wanted.keys():
        if present[path].mode != SUBMODULE:
            _remove(target, path)
    kept = {path for path, entry in wanted.items() if entry.mode == SUBMODULE}
    with _objects(directory, [wanted[path].blob for path in sorted(wanted.keys() - kept)]) as out:
        for path in sorted(wanted.keys() - kept):
            content = _content(out, commit, path)
            if _is_pointer(content):
                if present.get(path) == wanted[path]:
                    continue  # the copy has the file that it stands for
                content = _large(content, directory, commit, path)
            _write(target, path, wanted[path].mode, content)
    if os.path.lexists(os.path.join(target, ".git")):
        _history(commit, directory, target)


# 100644 blob e69de29bb2d1d6434b8b29ae775ad8c2e48c5391	train.py      (ls-tree)
# 100644 e69de29bb2d1d6434b8b29ae775ad8c2e48c5391 0	train.py         (ls-files)
def _entries(listed: bytes) -> Mapping[str, Entry]:
    found = {}
    for line in os.fsdecode(listed).split("\0"):
        words, tab, path = line.partition("\t")
        if tab:
            mode, *rest = words.split(" ")
            blob = rest[1] if len(rest[0]) < 40 else rest[0]
            found[_checked(path)] = Entry(mode, blob)
    return found


def _checked(path: str) -> str:
    """Git refuses such names itself, unless somebody has written a tree by hand."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        raise EnvprintError(f"the commit has a file {path!r}, which leads out of its directory")
    return path


def _remove(target: str, path: str) -> None:
    """Remove a file, and the directories that it leaves empty."""
    whole = os.path.join(target, path)
    if os.path.realpath(os.path.dirname(whole)) != _real_parent(target, path):
        return  # below a link
    with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
        os.unlink(whole)
        folder = os.path.dirname(whole)
        with suppress(OSError):
            while folder != target:
                os.rmdir(folder)
                folder = os.path.dirname(folder)


def _real_parent(target: str, path: str) -> str:
    return os.path.normpath(os.path.join(os.path.realpath(target), os.path.dirname(path)))


def _write(target: str, path: str, mode: str, content: bytes) -> None:
    """Write one file; whatever else has its place, or that of a directory above it, goes."""
    place = target
    for part in path.split("/")[:-1]:
        place = os.path.join(place, part)
        if os.path.islink(place) or (os.path.lexists(place) and not os.path.isdir(place)):
            os.unlink(place)
        os.makedirs(place, exist_ok=True)
    whole = os.path.join(target, path)
    if os.path.isdir(whole) and not os.path.islink(whole):
        shutil.rmtree(whole)
    elif os.path.lexists(whole):
        os.unlink(whole)  # it may be a link to the original
    if mode == LINK:
        os.symlink(os.fsdecode(content), whole)
        return
    with open(whole, "wb") as file:  # noqa: PTH123
        file.write(content)
    os.chmod(whole, 0o755 if mode == PROGRAM else 0o644)


def _history(commit: str, directory: str, target: str) -> None:
    """A `.git` of its own, so that a job reads this commit there; the objects are shared.

    https://git-scm.com/docs/gitrepository-layout#Documentation/gitrepository-layout.txt-commondir
    """
    own = os.path.join(target, ".git")
    os.unlink(own)
    os.mkdir(own)
    for name, text in (
        ("HEAD", commit),
        ("commondir", _common(directory)),
    ):
        with open(os.path.join(own, name), "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(f"{text}\n")
    _git(target, f"--git-dir={own}", f"--work-tree={target}", "read-tree", commit)


def _common(directory: str) -> str:
    """The directory that all work trees of the repository share."""
    found = os.fsdecode(_git(directory, "rev-parse", "--git-common-dir")).rstrip("\n")
    return os.path.realpath(os.path.join(directory, found))


# Git's objects, one after the other.


@contextmanager
def _objects(directory: str, names: Sequence[str]) -> Iterator[IO[bytes]]:
    """What one process of Git prints of all these blobs."""
    with tempfile.TemporaryFile() as wanted:
        wanted.write("".join(f"{name}\n" for name in names).encode())
        wanted.seek(0)
        process = subprocess.Popen(
            _argv("cat-file", "--batch", "--buffer"),
            cwd=directory,
            stdin=wanted,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout
        try:
            yield process.stdout
        finally:
            process.stdout.close()
            process.kill()
            process.wait()


# e69de29bb2d1d6434b8b29ae775ad8c2e48c5391 blob 6
# print
#
# e69de29bb2d1d6434b8b29ae775ad8c2e48c5391 missing
def _content(out: IO[bytes], commit: str, path: str) -> bytes:
    words = out.readline().split()
    if len(words) != 3 or words[1] != b"blob":
        raise EnvprintError(f"{path} of commit {commit[:12]} is not in the repository here")
    content = out.read(int(words[2]))
    out.read(1)
    return content


def _is_pointer(content: bytes) -> bool:
    """Whether Git LFS keeps the file, and this only names it."""
    return len(content) < _LARGEST_POINTER and content.startswith(_POINTER)


# version https://git-lfs.github.com/spec/v1
# oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
# size 12345
def _large(pointer: bytes, directory: str, commit: str, path: str) -> bytes:
    """The file that Git LFS keeps under this name, if it is here."""
    lines = pointer.decode("ascii", "replace").splitlines()
    name = next((line[11:] for line in lines if line.startswith("oid sha256:")), "")
    place = os.path.join(_common(directory), "lfs", "objects", name[:2], name[2:4], name)
    if name.isalnum() and os.path.isfile(place):
        with open(place, "rb") as file:  # noqa: PTH123
            return file.read()
    raise EnvprintError(
        f"{path} of commit {commit[:12]} is kept by Git LFS and not here: "
        f"`git lfs fetch origin {commit}` gets it"
    )


def _argv(*words: str) -> list[str]:
    return [*GIT.split(), "--no-replace-objects", *words]


def _git(directory: str, *words: str) -> bytes:
    """What Git prints. Raises `EnvprintError`."""
    try:
        done = subprocess.run(
            _argv(*words), cwd=directory, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=_TIMEOUT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvprintError(f"git: {error}") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise EnvprintError(f"git: {said[-1] if said else f'exit code {done.returncode}'}")
    return done.stdout
