"""Thin adapters to frameworks, each a module named after its framework.

An adapter is loaded on first access, as in `envprint.integrations.keras.Fingerprint`, and imports
its framework only when used.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    if name[0] != "_":
        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
