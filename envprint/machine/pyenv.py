"""What a shim of pyenv starts, told by the files that pyenv itself reads.

A shim is a script that hands its name to `pyenv exec`. The version is named by PYENV_VERSION, by
the nearest `.python-version`, or by the file `version` in pyenv's root, in this order; several may
be named, and the first that has the program counts.
https://github.com/pyenv/pyenv#understanding-python-version-selection
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping

from envprint.core.errors import InterpreterError
from envprint.machine.os_calls import is_program

SYSTEM = "system"
"""The version that means: what PATH has without the shims."""
_MAX_BYTES = 4096
_CALL = rb"pyenv[\"']?\s+exec\s"
_ROOT = rb"""(?m)^\s*(?:export\s+)?PYENV_ROOT=["']?([^"'\n]+?)["']?\s*$"""


def follow(path: str, variables: Mapping[str, str], others: Iterable[str], what: str) -> str:
    """The program that a shim starts here; `path` itself if it is none.

    `others` are the programs of this name on PATH, for the version `system`; `what` names the shim
    in errors. Raises `InterpreterError` if none of the versions that are named has the program.
    """
    content = _read(path)
    if not re.search(_CALL, content):
        return path
    name, root = os.path.basename(path), shim_root(content) or _root_around(path, variables)
    for folder in folders(root, variables, _directory(variables)):
        found = _outside(root, others) if folder is None else os.path.join(folder, name)
        if found and is_program(found):
            return found
    versions, origin = _selected(root, variables, _directory(variables))
    raise InterpreterError(
        f"{what}: pyenv has no {name} in version {', '.join(versions)}, which {origin} names; "
        "`pyenv versions` lists what is installed"
    )


def shim_root(content: bytes) -> str | None:
    """The root of pyenv that a shim with this content writes down; None for any other file."""
    found = re.search(_ROOT, content) if re.search(_CALL, content) else None
    return os.fsdecode(found[1]) if found else None


def root_of(variables: Mapping[str, str]) -> str:
    """Where pyenv lies by its variable, or by default."""
    home = variables.get("HOME") or os.path.expanduser("~")
    return variables.get("PYENV_ROOT") or os.path.join(home, ".pyenv")


def _root_around(shim: str, variables: Mapping[str, str]) -> str:
    folder = os.path.dirname(shim)
    is_inside = os.path.basename(folder) == "shims" and not variables.get("PYENV_ROOT")
    return os.path.dirname(folder) if is_inside else root_of(variables)


def folders(root: str, variables: Mapping[str, str], directory: str) -> Iterator[str | None]:
    """The `bin` directories of the selected versions, in order; None stands for PATH.

    A version that is not installed has none. `directory` is where the search for a file begins.
    """
    for version in _selected(root, variables, directory)[0]:
        if version == SYSTEM:
            yield None
        elif place := _installed(os.path.join(root, "versions"), version):
            yield os.path.join(place, "bin")


def _selected(root: str, variables: Mapping[str, str], directory: str) -> tuple[list[str], str]:
    """The versions that are named, and what names them."""
    named = [version for version in variables.get("PYENV_VERSION", "").split(":") if version]
    if named:
        return named, "PYENV_VERSION"
    for file in (*_files_upwards(directory), os.path.join(root, "version")):
        named = _names_in(file)
        if named:
            return named, file
    return [SYSTEM], "no file"


def _directory(variables: Mapping[str, str]) -> str:
    try:
        return variables.get("PYENV_DIR") or os.getcwd()
    except OSError:  # removed in the meantime
        return "/"


def _files_upwards(directory: str) -> Iterator[str]:
    while True:
        yield os.path.join(directory, ".python-version")
        above = os.path.dirname(directory)
        if above == directory:
            return
        directory = above


# 3.11.7
# myproject    # the first word of each line that is not a comment
def _names_in(file: str) -> list[str]:
    lines = os.fsdecode(_read(file)).splitlines()
    words = [line.split()[0] for line in lines if line.strip()]
    return [word for word in words if not word.startswith("#") and _is_safe(word)]


def _is_safe(version: str) -> bool:
    """Whether a name stays inside the directory of versions: a repository may bring the file.

    https://nvd.nist.gov/vuln/detail/CVE-2022-35861
    """
    return not version.startswith("/") and ".." not in version.split("/")


def _installed(versions: str, version: str) -> str | None:
    """The directory of a version; 3.11 stands for the newest release of it, such as 3.11.7."""
    for name in (version, version.removeprefix("python-")):
        place = os.path.join(versions, name)
        if os.path.isdir(place):
            return place
        newest = _newest(versions, name)
        if newest:
            return newest
    return None


def _newest(versions: str, beginning: str) -> str | None:
    try:
        names = [name for name in os.listdir(versions) if name.startswith(f"{beginning}.")]
    except OSError:
        return None
    plain = [name for name in names if re.fullmatch(r"\d+(\.\d+)*", name)]
    newest = max(plain, key=lambda name: [int(part) for part in name.split(".")], default="")
    return os.path.join(versions, newest) if newest else None


def _outside(root: str, programs: Iterable[str]) -> str | None:
    """The first program that is no shim."""
    shims = os.path.realpath(os.path.join(root, "shims"))
    return next((p for p in programs if os.path.realpath(os.path.dirname(p)) != shims), None)


def _read(path: str) -> bytes:
    """The first bytes of a file; nothing if it cannot be read."""
    try:
        if not os.path.isfile(path):
            return b""
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(_MAX_BYTES)
    except OSError:
        return b""
