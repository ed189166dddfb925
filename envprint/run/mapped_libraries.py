"""Which libraries of numerics a running job has really loaded, it and its children.

Installed is not loaded: what a program computes with is what is mapped into it.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress

from envprint.machine.procfs import ARITHMETIC, CUDA, library_pattern, mapped_files

_NUMERIC = re.compile(library_pattern(ARITHMETIC, CUDA, r"libtorch\w+"))
"""What the collectors of `math` and `cuda` know, and every part of PyTorch."""
MAX_PROCESSES = 256
"""Of one job that are looked at, so that a job of thousands costs no more."""


class Loaded:
    """Collects paths; a library that comes and goes between two looks is not seen."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def look(self, pid: int) -> None:
        """Add what the process and its descendants have mapped now."""
        for one in descendants(pid):
            # A name on a Linux system may be no text at all.
            with (
                suppress(OSError),
                open(f"/proc/{one}/maps", errors="surrogateescape") as maps,  # noqa: PTH123
            ):
                self._seen.update(mapped_files(line for line in maps if ".so" in line))

    def paths(self) -> list[str]:
        """The libraries of numerics among the files seen, sorted."""
        return sorted(filter(_NUMERIC.search, self._seen.copy()))


def descendants(pid: int) -> list[int]:
    """The process itself and all below it, `MAX_PROCESSES` at most."""
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
