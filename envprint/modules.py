"""Finds the modules of a subpackage by their file names.

This is what lets a new collector, rule module, output or verb be one new file: nothing lists
them. Files whose names begin with an underscore are helpers.
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType


def module_names(package: ModuleType) -> list[str]:
    """The sorted public module names in `package`, none of them imported."""
    folder = package.__path__[0]
    return sorted(
        name[:-3] for name in os.listdir(folder) if name.endswith(".py") and name[0] != "_"
    )


def load_modules(package: ModuleType) -> list[ModuleType]:
    """Every public module in `package`, imported, in order of name."""
    return [importlib.import_module(f"{package.__name__}.{n}") for n in module_names(package)]
