"""The catalogue: one module or package per section; each module has its `RULES`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from envprint.core.rule import Rule
from envprint.core.workload import Workload

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

    return module_names(package)


def _rules(names: Iterable[str]) -> tuple[Rule, ...]:
    from envprint.core.discovery import load_parts

    modules = [module for name in names for module in load_parts(f"{__name__}.{name}")]
    found = [rule for module in modules for rule in getattr(module, "RULES", ())]
    return tuple(sorted(found, key=lambda rule: rule.id))
