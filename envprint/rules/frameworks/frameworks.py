"""The rules about a framework that is not installed: no longer, or although the job is to use it.

The rules about the versions and builds of each framework are in the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint import knowledge
from envprint.core.comparison import Comparison
from envprint.core.fingerprint import FRAMEWORKS, Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Result, Rule, for_each
from envprint.core.shell import command
from envprint.core.workload import Workload, always, framework_path
from envprint.rules.kit.packages import (
    DISTRIBUTIONS,
    TENSORFLOW_NAMES,
    restored,
    traces,
    version_path,
)

_IMPORTED = "facts.frameworks.imported"


def _missing(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    def look(framework: str) -> Iterator[Match]:
        names = TENSORFLOW_NAMES if framework == "tensorflow" else (framework,)
        change = comparison.change(version_path(framework))
        if change and change.kind == "removed" and not _replaced(comparison, framework):
            yield Match(
                f"{framework} was {change.before}, is not installed",
                traces(comparison, framework, *names),
                change.before,
                None,
                None,
                *restored(comparison, framework, *names),
                about=framework,
            )

    return for_each(workload.frameworks, look)


def _named_missing(now: Fingerprint, workload: Workload) -> Iterator[Result]:
    def look(name: str) -> Iterator[Match]:
        path = framework_path(name) if name in FRAMEWORKS else f"{DISTRIBUTIONS}[{name}]"
        if not _is_here(now, name, path):
            where = now.get("facts.python.prefix", "this environment")
            yield Match(
                f"{name} is named and is not installed in {where}",
                (path,),
                remedy=command("pip install {}", name),
                about=name,
            )

    return for_each(workload.named, look)


def _is_here(now: Fingerprint, name: str, path: str) -> bool:
    """Whether the framework or library can be used. Raises `UnknownValueError`."""
    if name in FRAMEWORKS:
        # What is imported can be used, however it came there.
        return name in (now.value(_IMPORTED) or ()) or now.value(path) is not None
    installed = now.value(DISTRIBUTIONS) or {}
    return any(owner in installed for owner in knowledge.owners(name))


def _replaced(comparison: Comparison, framework: str) -> bool:
    """Whether Keras now computes with a different backend, so that TensorFlow is not needed."""
    if framework != "tensorflow":
        return False
    return comparison.after.value("facts.frameworks.keras.backend") not in (None, "tensorflow")


_NOT_FOUND = Evidence(
    "ModuleNotFoundError",
    "https://docs.python.org/3/library/exceptions.html#ModuleNotFoundError",
)

RULES = (
    Rule(
        id="framework-named-missing",
        title="A named framework or library is not installed",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(*map(framework_path, FRAMEWORKS), _IMPORTED, DISTRIBUTIONS),
        why="The option --framework, the policy or the program names a framework or library that "
        "the job uses, and importing a package that is not installed fails.",
        not_when="A different environment trains: name it with --python PATH.",
        remedy="Install it, or check the environment that has it.",
        evidence=(_NOT_FOUND,),
        state=_named_missing,
        yields_to=("framework-missing",),
    ),
    Rule(
        id="framework-missing",
        title="A framework of the job is no longer installed",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=tuple(version_path(name) for name in FRAMEWORKS),
        why="Importing a package that is not installed fails.",
        not_when="The job does not import it: name the frameworks it uses with --framework.",
        remedy="Install the version of the baseline.",
        evidence=(_NOT_FOUND,),
        drift=_missing,
    ),
)
