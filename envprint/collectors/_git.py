"""What a Git work tree says in its files, without a Git process.

This finds the work tree (so that no process is started outside of one) and answers where the
program is missing or refuses. https://git-scm.com/docs/gitrepository-layout
"""

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from envprint.collectors._attempt import text_or_none
from envprint.host import Host
from envprint.redact import safe_text


class WorkTree(NamedTuple):
    """Where the parts of a checkout lie."""

    top: str
    git: str
    """The repository's own directory: HEAD is there."""
    common: str
    """The directory shared with other work trees of the same repository: refs and config."""


class Head(NamedTuple):
    """What is checked out."""

    commit: str | None
    """None before the first commit."""
    branch: str | None
    """None when detached."""


def work_tree_around(host: Host, directory: str) -> WorkTree | None:
    """The work tree that holds `directory`, or None."""
    while host.kind(os.path.join(directory, ".git")) is None:
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent
    return work_tree_at(host, directory)


def work_tree_at(host: Host, top: str) -> WorkTree:
    """The work tree whose `.git` is in `top`: a directory, or a file that names one."""
    git = os.path.join(top, ".git")
    if host.kind(git) == "file":
        git = _joined(top, _named(host.text(git)))
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
    """Commit and branch. Raises `OSError`, and `ValueError` for a form that is not known."""
    text = host.text(f"{tree.git}/HEAD").strip()
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
    """The URL of origin, or of the first other remote, without its credentials."""
    urls = dict(settings(text_or_none(host, f"{tree.common}/config") or "", "remote", "url"))
    url = urls.get("origin") or next(iter(urls.values()), None)
    return safe_text(url, host.seal) if url else None


def submodules_of(host: Host, tree: WorkTree) -> dict[str, str | None]:
    """Path to checked-out commit of each submodule; None where it is not checked out."""
    modules = text_or_none(host, os.path.join(tree.top, ".gitmodules")) or ""
    found = {}
    for _, path in settings(modules, "submodule", "path"):
        top = _joined(tree.top, path)
        there = host.kind(f"{top}/.git") is not None
        found[path] = head_of(host, work_tree_at(host, top)).commit if there else None
    return found
