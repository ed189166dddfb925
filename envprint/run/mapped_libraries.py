"""Which numeric libraries a running job and its children have really loaded.

Installed is not loaded: a program computes with the libraries mapped into it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping

from envprint.core.errors import suppress
from envprint.core.typed import Any
from envprint.machine.procfs import ARITHMETIC, CUDA, library_pattern, mapped_files

_NUMERIC = re.compile(library_pattern(ARITHMETIC, CUDA, r"libtorch\w+"))
"""What the collectors of `math` and `cuda` recognise, and every part of PyTorch."""
# /opt/venv/lib/python3.11/site-packages/torch/lib/libtorch_cpu.so
_SITE = re.compile(
    r"(?P<site>(?P<prefix>/.*?)/lib(?:64)?/(?:python|pypy)[\d.]*t?/(?:site|dist)-packages)"
    r"/(?P<inside>.+)"
)
"""Where an environment has its packages."""
MAX_PROCESSES = 256
"""Processes examined per job, so that a job of thousands costs no more."""


class Loaded:
    """Collects paths; a library that comes and goes between two looks is missed."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def look(self, pid: int) -> None:
        """Add what the process and its descendants have mapped now."""
        for one in descendants(pid):
            # File names on Linux may not be valid text.
            with (
                suppress(OSError),
                open(f"/proc/{one}/maps", errors="surrogateescape") as maps,  # noqa: PTH123
            ):
                self._seen.update(mapped_files(line for line in maps if ".so" in line))

    def paths(self) -> list[str]:
        """The numeric libraries among the files seen, sorted."""
        return sorted(filter(_NUMERIC.search, self._seen.copy()))

    def modules(self, described: Mapping[str, Any]) -> frozenset[str]:
        """The top-level modules that the seen files belong to: those on the search path of the
        interpreter that is `described`, and those of other environments.
        """
        roots = sorted({os.path.realpath(place) for place in described["path"]}, key=len)
        found = (_inside(path, roots) for path in self._seen.copy())
        # numpy.libs/libscipy_openblas64_-32a4b2a6.so, _cffi_backend.cpython-311-x86_64-linux-gnu.so
        return frozenset(re.split(r"[./]", one, maxsplit=1)[0] for one in found if one)

    def other_prefixes(self, described: Mapping[str, Any]) -> list[str]:
        """Environments with packages that were loaded, other than the `described` one, sorted.

        That one has what lies on its search path: packages of the system behind it, of the user,
        of PYTHONPATH and .pth files. What a process executes proves nothing: in every virtual
        environment it is the interpreter that the environment was made from.
        """
        sites = [found for path in self._seen.copy() if (found := _SITE.match(path))]
        own = _identities([described["prefix"], *described["path"]])
        others = {
            found["prefix"]
            for found in sites
            if own.isdisjoint(_identities(_above(found)))
            and not any(_is_same_file(place, found) for place in described["path"])
        }
        return sorted(others)


def _inside(path: str, roots: Iterable[str]) -> str | None:
    """The part of a path below the longest of `roots` above it, else below where packages lie."""
    above = [root for root in roots if path.startswith(f"{root}{os.sep}")]
    if above:
        return path[len(above[-1]) + 1 :]
    found = _SITE.match(path)
    return found["inside"] if found else None


def _above(found: re.Match[str]) -> Iterator[str]:
    """The environment of a loaded file, and its directories from where packages lie."""
    yield found["prefix"]
    folder = os.path.dirname(found[0])
    while len(folder) >= len(found["site"]):
        yield folder
        folder = os.path.dirname(folder)


def _identities(paths: Iterable[str]) -> set[object]:
    """What tells directories apart whatever they are called; a missing one has its path alone."""
    found: set[object] = set()
    for path in paths:
        found.add(os.path.realpath(path))
        with suppress(OSError):
            status = os.stat(path)
            found.add((status.st_dev, status.st_ino))
    return found


def _is_same_file(place: str, found: re.Match[str]) -> bool:
    """Whether the file is reached from `place` on a search path, as through a linked package."""
    with suppress(OSError):
        return os.path.samefile(os.path.join(place, found["inside"]), found[0])
    return False


def descendants(pid: int) -> list[int]:
    """The process and all its descendants, at most `MAX_PROCESSES`."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            for thread in os.listdir(f"/proc/{one}/task"):
                path = f"/proc/{one}/task/{thread}/children"
                with suppress(OSError), open(path, "rb") as file:  # noqa: PTH123
                    found += map(int, file.read().split())
        if len(found) >= MAX_PROCESSES:
            break
    return found[:MAX_PROCESSES]
