"""Thin adapters to frameworks, each a module named after its framework, and an `Adapter`.

An adapter is loaded on first access, as in `envprint.integrations.keras.Fingerprint`, and imports
its framework only when used.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # what `typing` has, without importing it; type checkers know the name
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Adapter(Protocol):
        """A module for one framework, made when it is first asked for what it offers."""

        @property
        def Fingerprint(self) -> Any:  # noqa: N802  a class
            """The framework's own kind of callback, which watches trainings by `_fit.Fit`."""


def __getattr__(name: str) -> Adapter:
    if name[0] != "_":
        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
