"""Which numeric libraries a running job and its children have really loaded.

Installed is not loaded: a program computes with the libraries mapped into it.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress

from envprint.machine.procfs import ARITHMETIC, CUDA, library_pattern, mapped_files

_NUMERIC = re.compile(library_pattern(ARITHMETIC, CUDA, r"libtorch\w+"))
"""What the collectors of `math` and `cuda` recognise, and every part of PyTorch."""
MOST_PROCESSES = 256
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


def descendants(pid: int) -> list[int]:
    """The process and all its descendants, at most `MOST_PROCESSES`."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            for thread in os.listdir(f"/proc/{one}/task"):
                path = f"/proc/{one}/task/{thread}/children"
                with suppress(OSError), open(path, "rb") as file:  # noqa: PTH123
                    found += map(int, file.read().split())
        if len(found) >= MOST_PROCESSES:
            break
    return found[:MOST_PROCESSES]
