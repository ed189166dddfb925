"""A build hook of Hatch: a wheel holds compiled code, so that no start compiles envprint anew.

It has one file for the Python that builds, and one for each interpreter that the variable
ENVPRINT_PYTHONS names, separated by spaces: a wheel for an index has them for all versions that
are supported.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "envprint/_precompiled"


class Precompile(BuildHookInterface[Any]):
    """Adds the files of compiled code."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, unless the install is editable: there the sources change all the time."""
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory()  # goes with this object, after the build
        for python in (sys.executable, *os.environ.get("ENVPRINT_PYTHONS", "").split()):
            file = compiled_by(python, Path(self.root), Path(self._folder.name))
            build_data["force_include"][str(file)] = f"{FOLDER}/{file.name}"


def compiled_by(python: str, root: Path, folder: Path) -> Path:
    """The file for one interpreter, named as its bytecode is, such as `cpython-311`."""
    tag = "import sys; print(sys.implementation.cache_tag)"
    answer = subprocess.run([python, "-c", tag], capture_output=True, check=True, text=True)
    file = folder / answer.stdout.strip()
    # Before 3.11, sets are marshalled in the order of their hashes.
    environ = os.environ | {"PYTHONHASHSEED": "0"}
    subprocess.run([python, root / FOLDER / "make.py", file], check=True, env=environ)
    return file
