"""Which modules a run of the interpreter loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def loaded_by(*arguments: str, cwd: Path) -> set[str]:
    """Every module that a run of the interpreter loads."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=True,
    )
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}
