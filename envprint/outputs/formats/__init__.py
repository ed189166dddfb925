"""One module per format of a report; each is a `Format` and touches nothing."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # what `typing` has, without importing it; type checkers know the name
if TYPE_CHECKING:
    from typing import Protocol

    from envprint.core.report import Report

    class Format(Protocol):
        """A module that writes reports in one format."""

        def render(self, report: Report, colour: bool = False, strict: bool = False) -> str:
            """The report as text that ends with a newline; `strict` says that advice counts."""


def format_named(name: str) -> Format:
    """The format of that name."""
    return import_module(f"{__name__}.{name}")
