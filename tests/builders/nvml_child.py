"""Children of this process."""

from __future__ import annotations

import os
from pathlib import Path


def children_of_this_process() -> set[str]:
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[1] == str(os.getpid()):
                found.add(entry.name)
    return found
