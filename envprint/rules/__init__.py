"""The catalogue: one module or package per section; each module is a `RuleFile`.

Rules are half of what a diff would import, and most have nothing to say about most differences. So
`_index.py` has what each file is about; a file that it does not list is looked at always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from envprint.core.rule import Rule
from envprint.core.workload import Workload, has_requirements

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

REQUIRED = "required"
"""The module of what a team's policy requires, which most policies do not."""


@cache
def catalogue() -> tuple[Rule, ...]:
    """Every rule, in order of id."""
    return _rules(file_names())


def _anything(place: str) -> bool:
    return True


def applying(
    workload: Workload,
    may_differ: Callable[[str], bool] = _anything,
    new_states: bool = False,
) -> list[Rule]:
    """The rules that can affect the workload, in order of id.

    `may_differ` says whether anything at a path may differ between two fingerprints: files whose
    rules watch nothing else are left out. With a rule about a state they are not, unless only
    `new_states` count.
    """
    names = (name for name in file_names() if _can_affect(name, workload))
    differs = cache(may_differ)  # many files watch the same fields
    rules = _rules(name for name in names if _is_concerned(name, differs, new_states))
    return [rule for rule in rules if rule.applies.holds(workload)]


def _can_affect(name: str, workload: Workload) -> bool:
    if workload.device != "gpu" and name.partition(".")[0] in ONLY_ON_GPU:
        return False
    if name == REQUIRED and not has_requirements.holds(workload):
        return False
    from envprint.rules._index import FRAMEWORKS

    frameworks = FRAMEWORKS.get(name)
    return frameworks is None or not frameworks.isdisjoint(workload.frameworks)


def _is_concerned(name: str, may_differ: Callable[[str], bool], new_states: bool) -> bool:
    from envprint.rules import _index as index

    if name not in index.PLACES or (name in index.STATES and not new_states):
        return True
    return any(may_differ(place) for place in index.PLACES[name])


def file_names() -> list[str]:
    """The files of rules, such as `torch` and `cuda.drivers`."""
    from envprint import rules as package
    from envprint.core.discovery import part_names

    return [name for name in part_names(package) if name.partition(".")[0] != KIT]


def _rules(names: Iterable[str]) -> tuple[Rule, ...]:
    found = [rule for name in names for rule in _file(name).RULES]
    return tuple(sorted(found, key=lambda rule: rule.id))


def _file(name: str) -> RuleFile:
    from envprint.core.discovery import load_module

    module: RuleFile = load_module(f"{__name__}.{name}")
    return module
