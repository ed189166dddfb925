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
    text = _read(path)
    if not re.search(_CALL, text):
        return path
    name, root = os.path.basename(path), _root(path, text, variables)
    versions, origin = _versions(root, variables)
    for version in versions:
        found = _outside(root, others) if version == SYSTEM else _program(version, root, name)
        if found:
            return found
    named = ", ".join(versions)
    raise InterpreterError(
        f"{what}: pyenv has no {name} in version {named}, which {origin} names; "
        "`pyenv versions` lists what is installed"
    )


def _root(shim: str, text: bytes, variables: Mapping[str, str]) -> str:
    written = re.search(_ROOT, text)
    if written:
        return os.fsdecode(written[1])
    return variables.get("PYENV_ROOT") or os.path.dirname(os.path.dirname(shim))


def _versions(root: str, variables: Mapping[str, str]) -> tuple[list[str], str]:
    """The versions that are named, and what names them."""
    named = [version for version in variables.get("PYENV_VERSION", "").split(":") if version]
    if named:
        return named, "PYENV_VERSION"
    for file in (*_files_upwards(variables), os.path.join(root, "version")):
        named = _names_in(file)
        if named:
            return named, file
    return [SYSTEM], "no file"


def _files_upwards(variables: Mapping[str, str]) -> Iterator[str]:
    try:
        directory = variables.get("PYENV_DIR") or os.getcwd()
    except OSError:  # removed in the meantime
        return
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


def _outside(root: str, programs: Iterable[str]) -> str | None:
    """The first program that is no shim."""
    shims = os.path.realpath(os.path.join(root, "shims"))
    return next((p for p in programs if os.path.realpath(os.path.dirname(p)) != shims), None)


def _program(version: str, root: str, name: str) -> str | None:
    for folder in (version, version.removeprefix("python-")):
        path = os.path.join(root, "versions", folder, "bin", name)
        if is_program(path):
            return path
    newest = _newest(os.path.join(root, "versions"), version.removeprefix("python-"))
    path = os.path.join(newest, "bin", name) if newest else ""
    return path if is_program(path) else None


def _newest(versions: str, beginning: str) -> str | None:
    """The newest version that `beginning` stands for: 3.11 for 3.11.7."""
    try:
        names = [name for name in os.listdir(versions) if name.startswith(f"{beginning}.")]
    except OSError:
        return None
    plain = [name for name in names if re.fullmatch(r"\d+(\.\d+)*", name)]
    newest = max(plain, key=lambda name: [int(part) for part in name.split(".")], default="")
    return os.path.join(versions, newest) if newest else None


def _read(path: str) -> bytes:
    """The first bytes of a file; nothing if it cannot be read."""
    try:
        if not os.path.isfile(path):
            return b""
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(_MAX_BYTES)
    except OSError:
        return b""
