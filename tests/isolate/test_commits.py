"""The code of a commit, put into a copy of the directory."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from envprint.core.errors import EnvprintError
from envprint.isolate import commits, workspace

Commit = Callable[[], str]
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 3\n"


def git(place: Path, *words: str, text: str | None = None) -> str:
    identity = ("-c", "user.name=n", "-c", "user.email=n@example.org")
    done = subprocess.run(
        ["git", *identity, *words], cwd=place, input=text, check=True, capture_output=True,
        text=True,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    place = tmp_path / "repository"
    place.mkdir()
    git(place, "init", "--quiet", "--initial-branch", "main")
    return place


@pytest.fixture
def commit(repository: Path) -> Commit:
    def committed() -> str:
        git(repository, "add", "--all")
        git(repository, "commit", "--quiet", "--message", "x")
        return git(repository, "rev-parse", "HEAD")

    return committed


def put(name: str, directory: Path, target: Path) -> Path:
    """A copy of the directory with the files of a commit."""
    workspace.copy(str(directory), str(target), None)
    commits.put(name, str(directory), str(target))
    return target


def test_the_copy_has_the_files_of_the_commit_and_what_git_does_not_track(
    repository: Path, commit: Commit, tmp_path: Path
) -> None:
    (repository / "train.py").write_text("one")
    (repository / "package").mkdir()
    (repository / "package" / "gone.py").write_text("gone")
    (repository / "run.sh").write_text("#!/bin/sh\n")
    (repository / "run.sh").chmod(0o755)
    (repository / "link").symlink_to("train.py")
    first = commit()
    git(repository, "rm", "--quiet", "-r", "package", "link")
    (repository / "train.py").write_text("two")
    (repository / "new.py").write_text("new")
    commit()
    (repository / "train.py").write_text("three, not committed")
    (repository / "data.csv").write_text("1,2")
    copy = put(first, repository, tmp_path / "copy")
    assert (copy / "train.py").read_text() == "one"
    assert (copy / "package" / "gone.py").read_text() == "gone"
    assert os.access(copy / "run.sh", os.X_OK)
    assert (copy / "link").readlink() == Path("train.py")
    assert not (copy / "new.py").exists()
    assert (copy / "data.csv").read_text() == "1,2"
    assert (repository / "train.py").read_text() == "three, not committed"


def test_a_directory_that_the_commit_does_not_have_goes_with_its_last_file(
    repository: Path, commit: Commit, tmp_path: Path
) -> None:
    (repository / "train.py").write_text("one")
    first = commit()
    (repository / "deep" / "er").mkdir(parents=True)
    (repository / "deep" / "er" / "x.py").write_text("x")
    commit()
    assert not (put(first, repository, tmp_path / "copy") / "deep").exists()


def test_the_copy_has_a_history_that_ends_with_the_commit_and_the_repository_none_of_it(
    repository: Path, commit: Commit, tmp_path: Path
) -> None:
    (repository / "train.py").write_text("one")
    first = commit()
    (repository / "train.py").write_text("two")
    second = commit()
    copy = put(first, repository, tmp_path / "copy")
    assert git(copy, "rev-parse", "HEAD") == first
    assert git(copy, "status", "--porcelain") == ""
    assert git(repository, "rev-parse", "HEAD") == second
    assert git(repository, "status", "--porcelain") == ""
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_what_was_a_link_to_elsewhere_is_a_directory_of_the_copy(
    repository: Path, commit: Commit, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.txt").write_text("theirs")
    (repository / "data").mkdir()
    (repository / "data" / "x.txt").write_text("ours")
    first = commit()
    shutil.rmtree(repository / "data")
    (repository / "data").symlink_to(outside)
    commit()
    copy = put(first, repository, tmp_path / "copy")
    assert (copy / "data" / "x.txt").read_text() == "ours"
    assert (outside / "x.txt").read_text() == "theirs"


def test_a_large_file_is_not_written_through_the_link_to_the_original(
    repository: Path, commit: Commit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "LARGE_BYTES", 3)
    (repository / "big.bin").write_text("old content")
    first = commit()
    (repository / "big.bin").write_text("new content")
    commit()
    assert (put(first, repository, tmp_path / "copy") / "big.bin").read_text() == "old content"
    assert (repository / "big.bin").read_text() == "new content"


def test_in_a_directory_of_the_repository_only_its_own_files_are_switched(
    repository: Path, commit: Commit, tmp_path: Path
) -> None:
    (repository / "job").mkdir()
    (repository / "job" / "train.py").write_text("one")
    (repository / "library.py").write_text("one")
    first = commit()
    (repository / "job" / "train.py").write_text("two")
    commit()
    copy = put(first, repository / "job", tmp_path / "copy")
    assert (copy / "train.py").read_text() == "one"
    assert list(copy.iterdir()) == [copy / "train.py"]
    assert not commits.differs_outside(first, str(repository / "job"))
    (repository / "library.py").write_text("two")
    commit()
    assert commits.differs_outside(first, str(repository / "job"))
    assert not commits.differs_outside(first, str(repository))


def test_what_git_lfs_keeps_is_taken_from_here_or_missed(
    repository: Path, commit: Commit, tmp_path: Path
) -> None:
    name = hashlib.sha256(b"old").hexdigest()
    (repository / "model.bin").write_text(POINTER.format(name))
    (repository / "same.bin").write_text(POINTER.format("0" * 64))
    first = commit()
    (repository / "model.bin").write_text(POINTER.format("1" * 64))
    commit()
    (repository / "same.bin").write_text("the content that Git LFS has put there")
    with pytest.raises(EnvprintError, match=r"model\.bin .* `git lfs fetch origin "):
        put(first, repository, tmp_path / "copy")
    kept = repository / ".git" / "lfs" / "objects" / name[:2] / name[2:4]
    kept.mkdir(parents=True)
    (kept / name).write_text("old")
    copy = put(first, repository, tmp_path / "copy")
    assert (copy / "model.bin").read_text() == "old"
    assert (copy / "same.bin").read_text().startswith("the content")


def test_no_program_of_the_repository_runs(
    repository: Path, commit: Commit, tmp_path: Path
) -> None:
    (repository / ".gitattributes").write_text("*.py filter=evil export-ignore\n")
    (repository / "train.py").write_text("one\n")
    first = commit()
    (repository / "train.py").write_text("two\n")
    commit()
    program = f"touch {tmp_path / 'ran'}; cat"
    for setting in ("filter.evil.smudge", "filter.evil.clean", "core.fsmonitor"):
        git(repository, "config", setting, program)
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\n{program}\n")
    hook.chmod(0o755)
    assert (put(first, repository, tmp_path / "copy") / "train.py").read_text() == "one\n"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["..", ".git", ".GIT"])
def test_a_tree_that_leads_out_of_the_directory_is_refused(
    repository: Path, commit: Commit, tmp_path: Path, name: str
) -> None:
    (repository / "x").write_text("x")
    commit()
    blob = git(repository, "hash-object", "-w", "x")
    inner = git(repository, "mktree", text=f"100644 blob {blob}\tescaped\n")
    raw = f"40000 {name}\0".encode() + bytes.fromhex(inner)
    tree = subprocess.run(
        ["git", "hash-object", "-t", "tree", "-w", "--stdin", "--literally"],
        cwd=repository, input=raw, check=True, capture_output=True,
    ).stdout.decode().strip()  # fmt: skip
    evil = git(repository, "commit-tree", tree, "-m", "evil")
    with pytest.raises(EnvprintError, match="leads out of its directory"):
        put(evil, repository, tmp_path / "copy")
    assert not (tmp_path / "escaped").exists()


def test_a_commit_that_the_repository_lacks_is_not_here(repository: Path, commit: Commit) -> None:
    (repository / "x").write_text("x")
    assert commits.is_here(commit(), str(repository))
    assert not commits.is_here("0" * 40, str(repository))


def test_a_commit_without_all_of_its_files_is_refused(
    repository: Path, commit: Commit, tmp_path: Path
) -> None:
    (repository / "x").write_text("only there")
    first = commit()
    blob = git(repository, "rev-parse", f"{first}:x")
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(EnvprintError, match="is not in the repository here"):
        put(first, repository, tmp_path / "copy")
