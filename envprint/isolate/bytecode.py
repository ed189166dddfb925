"""Takes compiled modules over from environments that have the very same files.

Compiling is what a new environment costs: an import of torch takes twice as long the first time.
Installers link the files of a distribution from their cache, so that the same file has the same
inode in two environments; only then is its bytecode taken over. By name, size and time it would
not be enough: two versions may differ in none of them.
"""

from __future__ import annotations

import os
from contextlib import suppress

CACHE = "__pycache__"


def share(source: str, target: str) -> None:
    """Link the bytecode of every module in `source` that is the same file in `target`."""
    for folder, folders, files in os.walk(source):
        if os.path.basename(folder) == CACHE and files:
            folders.clear()
            there = os.path.join(target, os.path.relpath(os.path.dirname(folder), source))
            if os.path.isdir(there):
                _share_folder(folder, there, files)


def _share_folder(compiled: str, there: str, files: list[str]) -> None:
    sources = os.path.dirname(compiled)
    os.makedirs(os.path.join(there, CACHE), exist_ok=True)
    for file in files:
        module = f"{file.partition('.')[0]}.py"
        with suppress(OSError):  # no longer there, or linked already
            if os.path.samefile(os.path.join(sources, module), os.path.join(there, module)):
                os.link(os.path.join(compiled, file), os.path.join(there, CACHE, file))
