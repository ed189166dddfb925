"""The catalogue: one module or package per section; each module is a `RuleFile`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from envprint.core.rule import Rule
from envprint.core.workload import Workload

TYPE_CHECKING = False  # what `typing` has, without importing it; type checkers know the name
if TYPE_CHECKING:
    from typing import Protocol

    class RuleFile(Protocol):
        """A module of rules about one thing."""

        @property
        def RULES(self) -> tuple[Rule, ...]:  # noqa: N802  a constant of a module
            """Its rules, in any order."""


KIT = "kit"
"""The package of what rule files share: it has no rules."""
ONLY_ON_GPU = ("cuda", "gpu")
"""Modules whose rules cannot affect work on the CPU. They are a quarter of the code to import, so a
diff for the CPU skips them; a test checks that none of their rules applies there."""


@cache
def catalogue() -> tuple[Rule, ...]:
    """Every rule, in order of id."""
    return _rules(_module_names())


def applying(workload: Workload) -> list[Rule]:
    """The rules that can affect the workload, in order of id."""
    left_out = () if workload.device == "gpu" else ONLY_ON_GPU
    rules = _rules(name for name in _module_names() if name not in left_out)
    return [rule for rule in rules if rule.applies.holds(workload)]


def _module_names() -> list[str]:
    from envprint import rules as package
    from envprint.core.discovery import module_names

    return [name for name in module_names(package) if name != KIT]


def _rules(names: Iterable[str]) -> tuple[Rule, ...]:
    found = [rule for name in names for file in _files(name) for rule in file.RULES]
    return tuple(sorted(found, key=lambda rule: rule.id))


def _files(name: str) -> Sequence[RuleFile]:
    """The rule files of one section."""
    from envprint.core.discovery import load_parts

    return load_parts(f"{__name__}.{name}")
