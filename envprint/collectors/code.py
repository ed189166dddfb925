"""The project's own state: the Git commit it is at, and what was changed since.

It is kept out of the fingerprint's digest, because it depends on the directory and not on the
machine. Git runs with everything off that a repository could make it run or write: hooks,
fsmonitor, external diffs, text conversion, transports, index locks. Only filters stay on: without
that of Git LFS, for one, each of its files would count as changed.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from envprint.collectors._attempt import attempt
from envprint.collectors._git import (
    Head,
    WorkTree,
    head_of,
    remote_of,
    submodules_of,
    work_tree_around,
)
from envprint.collectors._mounts import file_system_around
from envprint.fields import FLAG, TEXT, Field, MapOf
from envprint.host import Host
from envprint.model import Unknown

FACTS = (
    Field(
        "repository",
        TEXT,
        "URL of the remote `origin`, else of the first remote, without credentials; null "
        "without a remote or outside a Git work tree.",
    ),
    Field("commit", TEXT, "Commit that is checked out; null before the first one."),
    Field("branch", TEXT, "Branch that is checked out; null when detached."),
    Field(
        "dirty",
        FLAG,
        "Whether tracked files differ from the commit, or there are program files that Git "
        "neither tracks nor ignores.",
    ),
    Field(
        "diff_digest",
        TEXT,
        "sha256 of the differences from the commit and of the untracked program files' names; "
        "null when there are none.",
    ),
    Field(
        "submodules",
        MapOf(TEXT, "path"),
        "Commit that each submodule is at; null where it is not checked out.",
    ),
    Field(
        "file_system",
        TEXT,
        "Type of the file system that the working directory lies on, such as ext4 or tmpfs.",
    ),
)

GIT = (
    "git --no-optional-locks --no-pager -c core.fsmonitor=false -c core.hooksPath=/dev/null "
    "-c core.quotePath=false -c protocol.allow=never"
)
STATUS = (
    "status --porcelain=v2 --branch --no-ahead-behind -z --untracked-files=all "
    "--ignore-submodules=untracked --no-renames"
)
# What a user's configuration could set differently is given, so that equal changes have equal
# digests; of the answer only the lines that name files, contents and modes are kept.
DIFF = (
    "-c diff.relative=false diff HEAD --no-ext-diff --no-textconv --no-color --no-renames "
    "--full-index --unified=0 --src-prefix=a/ --dst-prefix=b/ --submodule=short "
    "--ignore-submodules=untracked -O/dev/null"
)
# diff --git a/train.py b/train.py
# index e69de29bb2d1d6434b8b29ae775ad8c2e48c5391..8ab686eafeb1f44702738c8b0f24f2567c36da6d 100644
# https://git-scm.com/docs/diff-format#generate_patch_text_with_p
_KEPT = (
    b"diff ",
    b"index ",
    b"old mode ",
    b"new mode ",
    b"new file ",
    b"deleted ",
    b"+Subproject ",
)
PROGRAM_FILES = (".py", ".pyx", ".pyi", ".ipynb", ".so", ".c", ".cc", ".cpp", ".cu", ".h", ".sh")
"""Endings of untracked files that count; results and logs do not change the code."""

_STORE = ".envprint"
"""Where envprint itself keeps what was saved (envprint/store.py)."""

_GIT_FIELDS = ("repository", "commit", "branch", "dirty", "diff_digest", "submodules")
_NOTHING: dict[str, Any] = dict.fromkeys(_GIT_FIELDS)


def collect(host: Host) -> Mapping[str, Any]:
    """Read from the files of the work tree around the working directory, Git, and the mounts."""
    kind = attempt(lambda: file_system_around(host, host.directory()))
    return {**_state(host), "file_system": kind}


def _state(host: Host) -> Mapping[str, Any]:
    tree = attempt(lambda: work_tree_around(host, host.directory()))
    if not isinstance(tree, WorkTree):
        return _NOTHING if tree is None else dict.fromkeys(_NOTHING, tree)
    status = attempt(lambda: _status(host))
    if isinstance(status, Unknown):
        head: Head | Unknown = attempt(lambda: head_of(host, tree))
        changed: dict[str, Any] = {"dirty": status, "diff_digest": status}
    else:
        head = status.head
        changed = _changed(host, status)
    return {
        "repository": attempt(lambda: remote_of(host, tree)),
        "commit": head if isinstance(head, Unknown) else head.commit,
        "branch": head if isinstance(head, Unknown) else head.branch,
        **changed,
        "submodules": attempt(lambda: submodules_of(host, tree)),
    }


class Status(NamedTuple):
    """The work tree as Git sees it."""

    head: Head
    changes: tuple[str, ...]
    """Entries of changed tracked files and of untracked program files."""


def _status(host: Host) -> Status:
    return parse_status(_git(host, STATUS).decode("utf-8", "replace"))


# # branch.oid 8ab686eafeb1f44702738c8b0f24f2567c36da6d
# # branch.head main
# 1 .M N... 100644 100644 100644 e69de29… e69de29… train.py
# ? notes.txt
# https://git-scm.com/docs/git-status#_porcelain_format_version_2
def parse_status(text: str) -> Status:
    """The answer to `git status --porcelain=v2 --branch -z`."""
    entries = text.split("\0")
    headers = dict(e[2:].split(" ", 1) for e in entries if e.startswith("# branch."))
    commit, branch = headers["branch.oid"], headers["branch.head"]
    return Status(
        Head(
            None if commit == "(initial)" else commit,
            None if branch == "(detached)" else branch,
        ),
        tuple(sorted(e for e in entries if _is_change(e) or _is_program(e))),
    )


def _is_change(entry: str) -> bool:
    """Whether a tracked file changed, but for saved baselines: to move one changes no result."""
    return entry.startswith(("1 ", "u ")) and re.search(rf"[ /]{re.escape(_STORE)}/", entry) is None


def _is_program(entry: str) -> bool:
    """Whether an untracked file may be part of the program; a virtual environment is not."""
    return (
        entry.startswith("? ") and entry.endswith(PROGRAM_FILES) and "site-packages/" not in entry
    )


def _changed(host: Host, status: Status) -> dict[str, Any]:
    if not status.changes:
        return {"dirty": False, "diff_digest": None}
    return {"dirty": True, "diff_digest": attempt(lambda: _digest(host, status))}


def _digest(host: Host, status: Status) -> str:
    untracked = [entry for entry in status.changes if entry.startswith("? ")]
    digest = hashlib.sha256("\0".join(untracked).encode("utf-8", "replace"))
    if status.head.commit is None:
        digest.update("\0".join(status.changes).encode("utf-8", "replace"))
    elif len(untracked) < len(status.changes):
        digest.update(b"\n".join(_kept_lines(_git(host, DIFF))))
    return f"sha256:{digest.hexdigest()}"


def _kept_lines(diff: bytes) -> Iterator[bytes]:
    of_store = False
    for line in diff.split(b"\n"):
        if line.startswith(b"diff "):
            of_store = f"/{_STORE}/".encode() in line
        if line.startswith(_KEPT) and not of_store:
            yield line


def _git(host: Host, arguments: str) -> bytes:
    try:
        done = host.run(f"{GIT} {arguments}".split())
    except FileNotFoundError:
        raise OSError("git is not installed") from None
    if done.code:
        # What it prints then is for people and in their language, so the usual reason is named.
        raise OSError(
            f"git refused with exit code {done.code}; it does so when the files belong to another "
            "user, see `safe.directory` in git-config(1)"
        )
    return done.stdout
