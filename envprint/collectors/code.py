"""The project's own state: the Git commit it is at, and what was changed since.

It is kept out of the fingerprint's digest, because it depends on the directory and not on the
machine. Git runs with everything off that a repository could make it run or write: hooks,
fsmonitor, external diffs, text conversion, transports, index locks. Of filters that its own
configuration names only Git LFS's stays on, by the command that Git LFS installs: without it each
of its files would count as changed. With another one Git is not asked what has changed, unless the
user trusts the repository. Git looks into no repository inside of it, as that could name filters
of its own; it is asked about each submodule separately.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence

from envprint.core.fields import FLAG, INTEGER, TEXT, Field, MapOf
from envprint.core.fingerprint import Unknown
from envprint.core.redact import safe_text
from envprint.core.sha256 import sha256
from envprint.core.typed import Any, NamedTuple
from envprint.machine.attempt import attempt, text_or_none
from envprint.machine.host import Host

# The work tree's files, read without Git: they show whether there is a work tree at all, so that no
# process is started outside one, and replace a Git that is missing or refuses.
# https://git-scm.com/docs/gitrepository-layout


class WorkTree(NamedTuple):
    """The directories of a checkout."""

    top: str
    git: str
    """The work tree's Git directory, with HEAD."""
    common: str
    """The directory shared by all work trees of the repository, with refs and config."""


class Head(NamedTuple):
    """The checked-out commit."""

    commit: str | None
    """None before the first commit."""
    branch: str | None
    """None if detached."""


def work_tree_around(host: Host, directory: str) -> WorkTree | None:
    """The work tree that contains `directory`, or None."""
    while host.file_type(os.path.join(directory, ".git")) is None:
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent
    return work_tree_at(host, directory)


def work_tree_at(host: Host, top: str) -> WorkTree:
    """The work tree whose `.git`, a directory or a file that names one, is in `top`."""
    git = os.path.join(top, ".git")
    if host.file_type(git) == "file":
        git = _joined(top, _named(host.read_text(git)))
    common = text_or_none(host, f"{git}/commondir")
    return WorkTree(top, git, _joined(git, common.strip()) if common else git)


# gitdir: ../.git/modules/data
def _named(text: str) -> str:
    word, _, path = text.partition(":")
    if word != "gitdir":
        raise ValueError("a .git file without `gitdir:`")
    return path.strip()


def _joined(directory: str, path: str) -> str:
    return os.path.normpath(os.path.join(directory, path))


# ref: refs/heads/main
# 8ab686eafeb1f44702738c8b0f24f2567c36da6d
def head_of(host: Host, tree: WorkTree) -> Head:
    """Commit and branch. Raises `OSError`, and `ValueError` for an unknown format."""
    text = host.read_text(f"{tree.git}/HEAD").strip()
    if not text.startswith("ref: "):
        return Head(_commit(text), None)
    name = text[5:]
    if name == "refs/heads/.invalid":
        raise ValueError("the repository keeps its references in a reftable")
    loose = text_or_none(host, f"{tree.common}/{name}")
    commit = _commit(loose.strip()) if loose else _packed(host, tree, name)
    return Head(commit, name.removeprefix("refs/heads/"))


def _commit(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text):
        raise ValueError("not the name of a commit")
    return text


# 8ab686eafeb1f44702738c8b0f24f2567c36da6d refs/heads/main
def _packed(host: Host, tree: WorkTree, name: str) -> str | None:
    for line in (text_or_none(host, f"{tree.common}/packed-refs") or "").splitlines():
        if line.endswith(f" {name}"):
            return _commit(line.partition(" ")[0])
    return None


# [remote "origin"]
# 	url = https://github.com/owner/name.git
# https://git-scm.com/docs/git-config#_syntax
_SECTION = r'^\s*\[([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]'
_SETTING = r"^\s*(\w[\w-]*)\s*=\s*(.*?)\s*$"


def settings(text: str, section: str, key: str) -> Iterator[tuple[str, str]]:
    """Subsection and value of each `key` in sections named `section`, in the order of the file."""
    inside = None
    for line in text.splitlines():
        heading, setting = re.match(_SECTION, line), re.match(_SETTING, line)
        if heading:
            inside = heading[2] or "" if heading[1].lower() == section else None
        elif setting and inside is not None and setting[1].lower() == key:
            yield inside, setting[2].strip('"')


def remote_of(host: Host, tree: WorkTree) -> str | None:
    """The URL of origin, or else of the first remote, without credentials."""
    urls = dict(settings(text_or_none(host, f"{tree.common}/config") or "", "remote", "url"))
    url = urls.get("origin") or next(iter(urls.values()), None)
    return safe_text(url, host.seal) if url else None


def submodules_of(host: Host, tree: WorkTree) -> dict[str, str | None]:
    """Path to the checked-out commit of each submodule; None if it is not checked out."""
    modules = text_or_none(host, os.path.join(tree.top, ".gitmodules")) or ""
    found = {}
    for _, path in settings(modules, "submodule", "path"):
        top = _joined(tree.top, path)
        there = host.file_type(f"{top}/.git") is not None
        found[path] = head_of(host, work_tree_at(host, top)).commit if there else None
    return found


MOUNTS = "/proc/self/mountinfo"
_ESCAPED = r"\\([0-7]{3})"


def file_system_around(host: Host, directory: str) -> str:
    """The type of the file system that contains `directory`, such as `ext4` or `nfs4`.

    Raises `OSError` without /proc, and `ValueError` if no mount contains the directory.
    """
    found = kinds(host.read_text(MOUNTS))
    around = directory
    while around not in found:
        if around in ("", "/"):
            raise ValueError(f"no mount holds {directory}")
        around = around.rpartition("/")[0] or "/"
    return found[around]


# 25 24 0:23 / /dev/shm rw,relatime shared:4 - tmpfs tmpfs rw,size=24684092k
# https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
def kinds(text: str) -> dict[str, str]:
    """Mount point to type; the last mount on a point hides the earlier ones."""
    found = {}
    for line in text.splitlines():
        mount, separator, kind = line.partition(" - ")
        places = mount.split(" ")
        if separator and len(places) > 4:
            point = places[4]
            if "\\" in point:  # as in few
                point = re.sub(_ESCAPED, lambda match: chr(int(match[1], 8)), point)
            found[point] = kind.partition(" ")[0]
    return found


FACTS = (
    Field(
        "repository",
        TEXT,
        "URL of the remote `origin`, or of the first remote, without credentials; null without a "
        "remote or outside a Git work tree.",
    ),
    Field("commit", TEXT, "Commit that is checked out; null before the first one."),
    Field("branch", TEXT, "Branch that is checked out; null if detached."),
    Field(
        "dirty",
        FLAG,
        "Whether tracked files differ from the commit, or there are program files that Git "
        "neither tracks nor ignores; here or in a submodule.",
    ),
    Field(
        "diff_digest",
        TEXT,
        "sha256 of the differences from the commit and of the untracked program files' names; "
        "null if there are none.",
    ),
    Field(
        "changed_files",
        INTEGER,
        "Number of tracked files that differ from the commit and of program files that Git "
        "neither tracks nor ignores; null outside a Git work tree.",
        unwatched="for people; diff_digest shows whether the changes are the same",
    ),
    Field(
        "submodules",
        MapOf(TEXT, "path"),
        "Commit of each submodule; null if it is not checked out.",
    ),
    Field("file_system", TEXT, "File system type of the working directory, such as ext4 or tmpfs."),
)

GIT = (
    "git --no-optional-locks --no-pager -c core.fsmonitor=false -c core.hooksPath=/dev/null "
    "-c core.quotePath=false -c protocol.allow=never"
)
STATUS = (
    "status --porcelain=v2 --branch --no-ahead-behind -z --untracked-files=all "
    "--ignore-submodules=dirty --no-renames"
)
# Overrides what a user's configuration could change, so that equal changes have equal digests; only
# the output lines with files, contents and modes are kept.
DIFF = (
    "-c diff.relative=false diff HEAD --no-ext-diff --no-textconv --no-color --no-renames "
    "--full-index --unified=0 --src-prefix=a/ --dst-prefix=b/ --submodule=short "
    "--ignore-submodules=dirty -O/dev/null"
)
# diff --git a/train.py b/train.py
# index e69de29bb2d1d6434b8b29ae775ad8c2e48c5391..8ab686eafeb1f44702738c8b0f24f2567c36da6d 100644
# https://git-scm.com/docs/diff-format#generate_patch_text_with_p
_KEPT = (
    *(b"diff ", b"index ", b"old mode ", b"new mode ", b"new file ", b"deleted "),
    b"+Subproject ",
)
_MAY_FILTER = r"(?i)\[\s*(filter|include)"
PROGRAM_FILES = (".py", ".pyx", ".pyi", ".ipynb", ".so", ".c", ".cc", ".cpp", ".cu", ".h", ".sh")
"""Suffixes of untracked files that count; results and logs do not change the code."""

_STORE = ".envprint"
"""Folder of envprint's own store (envprint/documents/store.py)."""

_NOTHING: dict[str, Any] = dict.fromkeys(field.name for field in FACTS[:-1])


def collect(host: Host) -> Mapping[str, Any]:
    """Read from the files of the work tree around the working directory, Git and the mounts."""
    kind = attempt(lambda: file_system_around(host, host.directory()))
    return {**_state(host), "file_system": kind}


def _state(host: Host) -> Mapping[str, Any]:
    tree = attempt(lambda: work_tree_around(host, host.directory()))
    if not isinstance(tree, WorkTree):
        return _NOTHING if tree is None else dict.fromkeys(_NOTHING, tree)
    found = attempt(lambda: _statuses(host, tree))
    changed: dict[str, Any]
    if isinstance(found, Unknown):
        head: Head | Unknown = attempt(lambda: head_of(host, tree))
        changed = dict.fromkeys(("dirty", "diff_digest", "changed_files"), found)
    else:
        head = found[0].head
        changed = _changed(host, found)
    return {
        "repository": attempt(lambda: remote_of(host, tree)),
        "commit": head if isinstance(head, Unknown) else head.commit,
        "branch": head if isinstance(head, Unknown) else head.branch,
        **changed,
        "submodules": attempt(lambda: submodules_of(host, tree)),
    }


class Status(NamedTuple):
    """The state of the work tree according to Git."""

    head: Head
    changes: tuple[str, ...]
    """Entries of changed tracked files and of untracked program files."""
    place: str = ""
    """The path of the submodule; empty for the work tree itself."""
    options: tuple[str, ...] = ()
    """Options for Git: where to look, and how to filter."""


def _statuses(host: Host, tree: WorkTree) -> list[Status]:
    """Of the work tree and of each submodule in it."""
    trees = (tree, *_inside(host, tree, {tree.top}))
    return [_status(host, one, one.top[len(tree.top) + 1 :]) for one in trees]


def _inside(host: Host, tree: WorkTree, seen: set[str]) -> Iterator[WorkTree]:
    """The submodules that are checked out, and theirs; `seen` has the directories known so far."""
    for path, commit in submodules_of(host, tree).items():
        top = host.real_path(_joined(tree.top, path))
        # What lies elsewhere is none, and what is a link to another would be found without end.
        if commit and top.startswith(f"{tree.top}/") and top not in seen:
            seen.add(top)
            inner = work_tree_at(host, top)
            yield inner
            yield from _inside(host, inner, seen)


def _status(host: Host, tree: WorkTree, place: str) -> Status:
    options: tuple[str, ...] = ("-C", tree.top) if place else ()
    if _may_filter(host, tree):  # most repositories configure no filter
        from envprint.collectors import _git_filters

        options += _git_filters.filtering(host, tree.top)
    status = parse_status(_git(host, STATUS, options).decode("utf-8", "replace"))
    return status._replace(place=place, options=options)


# # branch.oid 8ab686eafeb1f44702738c8b0f24f2567c36da6d
# # branch.head main
# 1 .M N... 100644 100644 100644 e69de29… e69de29… train.py
# ? notes.txt
# https://git-scm.com/docs/git-status#_porcelain_format_version_2
def parse_status(text: str) -> Status:
    """Parse the output of `git status --porcelain=v2 --branch -z`."""
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
    """Whether a tracked file changed; saved baselines do not count, as they affect no result."""
    return entry.startswith(("1 ", "u ")) and re.search(rf"[ /]{re.escape(_STORE)}/", entry) is None


def _is_program(entry: str) -> bool:
    """Whether an untracked file may be part of the program; a virtual environment is not."""
    return (
        entry.startswith("? ") and entry.endswith(PROGRAM_FILES) and "site-packages/" not in entry
    )


def _changed(host: Host, found: Sequence[Status]) -> dict[str, Any]:
    count = sum(len(status.changes) for status in found)
    if not count:
        return {"dirty": False, "diff_digest": None, "changed_files": 0}
    return {
        "dirty": True,
        "diff_digest": attempt(lambda: _digest(host, found)),
        "changed_files": count,
    }


def _digest(host: Host, found: Sequence[Status]) -> str:
    parts = (part for status in found if status.changes for part in _parts(host, status))
    return f"sha256:{sha256(b''.join(parts)).hexdigest()}"


def _parts(host: Host, status: Status) -> Iterator[bytes]:
    """What has changed in one work tree."""
    untracked = [entry for entry in status.changes if entry.startswith("? ")]
    yield status.place.encode("utf-8", "replace")
    yield "\0".join(untracked).encode("utf-8", "replace")
    if status.head.commit is None:
        yield "\0".join(status.changes).encode("utf-8", "replace")
    elif len(untracked) < len(status.changes):
        yield b"\n".join(_kept_lines(_git(host, DIFF, status.options)))


def _kept_lines(diff: bytes) -> Iterator[bytes]:
    of_store = False
    for line in diff.split(b"\n"):
        if line.startswith(b"diff "):
            of_store = f"/{_STORE}/".encode() in line
        if line.startswith(_KEPT) and not of_store:
            yield line


def _may_filter(host: Host, tree: WorkTree) -> bool:
    """Whether the repository's own configuration may name filters."""
    files = (f"{tree.common}/config", f"{tree.git}/config.worktree")
    return any(re.search(_MAY_FILTER, text_or_none(host, file) or "") for file in files)


def _git(host: Host, arguments: str, options: tuple[str, ...]) -> bytes:
    program, *others = f"{GIT} {arguments}".split()
    try:
        done = host.run([program, *options, *others])
    except FileNotFoundError:
        raise OSError("git is not installed") from None
    if done.code:
        # Git's own message is localised text, so name the usual reason instead.
        raise OSError(
            f"git refused with exit code {done.code}; it does so if the files belong to a "
            "different user, see `safe.directory` in git-config(1)"
        )
    return done.stdout
