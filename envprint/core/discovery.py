"""Finds the modules of a subpackage by their file names.

This is what lets a new collector, rule module, output or verb be one new file: nothing lists
them. A folder with an `__init__.py` counts as one.
Names that begin with an underscore are helpers.
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType


def module_names(package: ModuleType) -> list[str]:
    """The sorted public module names in `package`, none of them imported."""
    folder = package.__path__[0]
    return sorted(
        name.removesuffix(".py")
        for name in os.listdir(folder)
        if name[0] not in "_." and (name.endswith(".py") or _is_package(folder, name))
    )


def _is_package(folder: str, name: str) -> bool:
    return os.path.isfile(os.path.join(folder, name, "__init__.py"))


def load_parts(name: str) -> list[ModuleType]:
    """The module of this name; of a package, every public module in it, in order of name."""
    module = importlib.import_module(name)
    return load_modules(module) if hasattr(module, "__path__") else [module]


def load_modules(package: ModuleType) -> list[ModuleType]:
    """Every public module in `package`, imported, in order of name."""
    return [importlib.import_module(f"{package.__name__}.{n}") for n in module_names(package)]
