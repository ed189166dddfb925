"""Thin adapters, each a module named after its framework or tracker: an `Adapter` or a `Tracker`.

One is loaded on first access, as in `envprint.integrations.keras.Fingerprint`, and imports its
framework only when used.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # what `typing` has, without importing it; type checkers know the name
if TYPE_CHECKING:
    from typing import Any, Protocol

    from envprint.core.fingerprint import Fingerprint

    class Adapter(Protocol):
        """A module for one framework, made when it is first asked for what it offers."""

        @property
        def Fingerprint(self) -> Any:  # noqa: N802  a class
            """The framework's own kind of callback, which watches trainings by `_fit.Fit`."""

    class Tracker(Protocol):
        """A module for one tracker of experiments."""

        def log(self, fingerprint: Fingerprint | None = None) -> Fingerprint:
            """Log a fingerprint, or one captured now, in the active run; returns it."""


def __getattr__(name: str) -> Any:
    if name[0] != "_":
        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
