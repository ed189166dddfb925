"""Finds the modules of a subpackage by file name.

No list names them, so a new collector, rule module, output or verb is one new file. A folder with
an `__init__.py` counts as a module; names that begin with an underscore are helpers.
"""

from __future__ import annotations

import os
import sys

from envprint.core.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType


def load_module(name: str) -> Any:
    """The module of that name; `importlib` would load `warnings` first."""
    __import__(name)
    return sys.modules[name]


def module_names(package: ModuleType) -> list[str]:
    """The sorted names of the public modules in `package`, without importing them."""
    return _names_in(package.__path__[0])


def part_names(package: ModuleType) -> list[str]:
    """The same with the modules of each package in place of it, such as `gpu.health`."""
    folder = package.__path__[0]
    found = []
    for name, is_package in _listed(folder):
        parts = _names_in(os.path.join(folder, name)) if is_package else ()
        found += [f"{name}.{part}" for part in parts] or [name]
    return found


def _names_in(folder: str) -> list[str]:
    return [name for name, _ in _listed(folder)]


def _listed(folder: str) -> list[tuple[str, bool]]:
    """The public modules in a folder, sorted, and whether each is a package."""
    names = [name for name in os.listdir(folder) if name[0] not in "_."]
    modules = [(name[:-3], False) for name in names if name.endswith(".py")]
    packages = [
        (name, True)
        for name in names
        if "." not in name and os.path.isfile(f"{folder}/{name}/__init__.py")
    ]
    return sorted(modules + packages)


def load_parts(name: str) -> list[ModuleType]:
    """The module called `name`; for a package, its public modules sorted by name."""
    module = load_module(name)
    return load_modules(module) if hasattr(module, "__path__") else [module]


def load_modules(package: ModuleType) -> list[ModuleType]:
    """Import every public module in `package`; sorted by name."""
    return [load_module(f"{package.__name__}.{n}") for n in module_names(package)]
