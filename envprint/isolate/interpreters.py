"""An installed Python of a recorded version, to create an environment from.

Looked for where people install interpreters for themselves: the one that runs envprint, PATH,
pyenv's versions and uv's. Nothing is downloaded: a standalone build has another compiler and links
the mathematics of the C library in another way.
"""

from __future__ import annotations

import glob
import json
import os
import re
import sys
from collections.abc import Iterator

from envprint.core.errors import EnvprintError
from envprint.core.typed import NamedTuple
from envprint.core.versions import numbers
from envprint.isolate.commands import CommandFailedError, run
from envprint.machine.os_calls import is_program, on_path
from envprint.machine.pyenv import root_of

_ASK = (
    "import json, sys; "
    "v = sys.version_info; "
    "print(json.dumps([sys.implementation.name, '.'.join(map(str, v[:3])), v[3], v[4]]))"
)
_ANSWER_S = 30.0
_RELEASE = {"final": "", "alpha": "a", "beta": "b", "candidate": "rc"}


class Interpreter(NamedTuple):
    """An installed Python."""

    path: str
    version: str


def interpreter_for(version: str, implementation: str | None = "cpython") -> Interpreter:
    """The installed Python of that version, else of the same minor version.

    Raises `EnvprintError` if there is none.
    """
    wanted = numbers(version)[:2]
    if len(wanted) < 2:
        raise EnvprintError(f"Python {version!r} cannot be looked for: expected such as 3.11.7")
    near: list[Interpreter] = []
    for path in _candidates(wanted, version):
        found = _ask(path, implementation or "cpython")
        if found and found.version == version:
            return found
        if found and numbers(found.version)[:2] == wanted:
            near.append(found)
    if near:
        return min(near, key=lambda one: _distance(one.version, version))
    minor = ".".join(map(str, wanted))
    raise EnvprintError(
        f"no {implementation or 'cpython'} {minor} is installed here, as the record needs it; "
        f"install Python {version}, for example with `uv python install {version}`"
    )


def _distance(version: str, wanted: str) -> int:
    patches = [(*numbers(text), 0, 0, 0)[2] for text in (version, wanted)]
    return abs(patches[0] - patches[1])


def _candidates(minor: tuple[int, ...], version: str) -> Iterator[str]:
    """Paths of interpreters that may be of that version, each once; exact ones first."""
    seen = set()
    for path in (*_own(minor), *_managed(minor, version), *_named(minor)):
        real = os.path.realpath(path)
        if real not in seen and is_program(path):
            seen.add(real)
            yield path


def _own(minor: tuple[int, ...]) -> Iterator[str]:
    if sys.version_info[:2] == minor:
        yield getattr(sys, "_base_executable", None) or sys.executable


def _managed(minor: tuple[int, ...], version: str) -> Iterator[str]:
    """What pyenv and uv have installed; the folder's name has the version."""
    text = ".".join(map(str, minor))
    home = os.path.expanduser("~")
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    of_uv = os.environ.get("UV_PYTHON_INSTALL_DIR") or os.path.join(data, "uv", "python")
    places = [
        *_folders(os.path.join(root_of(os.environ), "versions"), f"{text}.*"),
        *_folders(of_uv, f"*-{text}.*"),
    ]
    exact = re.compile(rf"(?:.*-)?{re.escape(version)}(?:[-+].*)?")
    places.sort(key=lambda place: not exact.fullmatch(os.path.basename(place)))
    return (os.path.join(place, "bin", f"python{text}") for place in places)


def _folders(root: str, pattern: str) -> list[str]:
    return sorted(glob.glob(os.path.join(glob.escape(root), pattern)), reverse=True)


def _named(minor: tuple[int, ...]) -> Iterator[str]:
    """Programs on PATH; a shim of pyenv stands for what `_managed` finds itself."""
    for name in (f"python{minor[0]}.{minor[1]}", "python3", "python"):
        for path in on_path(name, os.environ):
            if os.path.basename(os.path.dirname(path)) != "shims":
                yield path


def _ask(path: str, implementation: str) -> Interpreter | None:
    """The interpreter at `path`, by what it says of itself; None if it is another one."""
    try:
        name, version, level, serial = json.loads(run([path, "-I", "-S", "-c", _ASK], _ANSWER_S))
    except (CommandFailedError, ValueError, TypeError):
        return None
    suffix = _RELEASE.get(level, "")
    return (
        Interpreter(path, f"{version}{suffix}{serial if suffix else ''}")
        if (name == implementation)
        else None
    )
