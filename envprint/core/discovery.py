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
    for name in _names_in(folder):
        inside = os.path.join(folder, name)
        parts = _names_in(inside) if _is_package(folder, name) else ()
        found += [f"{name}.{part}" for part in parts] or [name]
    return found


def _names_in(folder: str) -> list[str]:
    return sorted(
        name.removesuffix(".py")
        for name in os.listdir(folder)
        if name[0] not in "_." and (name.endswith(".py") or _is_package(folder, name))
    )


def _is_package(folder: str, name: str) -> bool:
    return os.path.isfile(os.path.join(folder, name, "__init__.py"))


def load_parts(name: str) -> list[ModuleType]:
    """The module called `name`; for a package, its public modules sorted by name."""
    module = load_module(name)
    return load_modules(module) if hasattr(module, "__path__") else [module]


def load_modules(package: ModuleType) -> list[ModuleType]:
    """Import every public module in `package`; sorted by name."""
    return [load_module(f"{package.__name__}.{n}") for n in module_names(package)]
