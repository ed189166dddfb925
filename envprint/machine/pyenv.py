"""Which program a shim of pyenv starts, from its files and variables.

https://github.com/pyenv/pyenv#understanding-shims, libexec/pyenv-version-file, pyenv-which
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from envprint.machine.files import read_regular

SYSTEM = "system"
"""The version that means: the next one on PATH."""

# export PYENV_ROOT="/home/user/.pyenv"
_ROOT = re.compile(rb'(?m)^export PYENV_ROOT="([^"]+)"$')


def shim_root(content: bytes) -> str | None:
    """The root of pyenv that a shim with this content belongs to; None for any other file."""
    found = _ROOT.search(content)
    return os.fsdecode(found[1]) if found and b"pyenv" in content else None


def root_of(variables: Mapping[str, str]) -> str:
    """Where pyenv lies by its variable, or by default."""
    home = variables.get("HOME") or os.path.expanduser("~")
    return variables.get("PYENV_ROOT") or os.path.join(home, ".pyenv")


def folders(root: str, variables: Mapping[str, str], directory: str) -> Iterator[str | None]:
    """The `bin` directories of the selected versions, in order; None stands for PATH."""
    for version in _selected(root, variables, directory):
        if version == SYSTEM:
            yield None
        elif name := _installed(root, version):
            yield os.path.join(root, "versions", name, "bin")
    yield None


def _selected(root: str, variables: Mapping[str, str], directory: str) -> list[str]:
    if text := variables.get("PYENV_VERSION"):
        return text.split(":")
    for folder in _upwards(directory):
        if versions := _read(os.path.join(folder, ".python-version")):
            return versions
    return _read(os.path.join(root, "version")) or [SYSTEM]


def _upwards(directory: str) -> Iterator[str]:
    while True:
        yield directory
        parent = os.path.dirname(directory)
        if parent == directory:
            return
        directory = parent


def _read(path: str) -> list[str]:
    """The versions in a version file: the first word of each line; [] if there are none."""
    try:
        lines = read_regular(path).decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return []
    words = [line.split()[0] for line in lines if line.split()]
    return [word for word in words if not word.startswith("#") and ".." not in word.split("/")]


def _installed(root: str, version: str) -> str | None:
    """The directory of a version, which may be a prefix such as 3.11: then its latest release."""
    try:
        names = os.listdir(os.path.join(root, "versions"))
    except OSError:
        return None
    for wanted in (version, version.removeprefix("python-")):
        if wanted in names or os.path.isdir(os.path.join(root, "versions", wanted)):
            return wanted
        releases = [name for name in names if re.fullmatch(rf"{re.escape(wanted)}\.[\d.]+", name)]
        if releases:
            return max(releases, key=lambda name: [int(n) for n in name.split(".") if n.isdigit()])
    return None
