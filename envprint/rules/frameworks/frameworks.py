"""The rule about a framework that is no longer installed.

The rules about the versions and builds of each framework are in the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import FRAMEWORKS
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Result, Rule, for_each
from envprint.core.workload import Workload, always
from envprint.rules.kit.packages import TENSORFLOW_NAMES, restored, traces, version_path


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
            )

    return for_each(workload.frameworks, look)


def _replaced(comparison: Comparison, framework: str) -> bool:
    """Whether Keras now computes with a different backend, so that TensorFlow is not needed."""
    if framework != "tensorflow":
        return False
    return comparison.after.value("facts.frameworks.keras.backend") not in (None, "tensorflow")


RULES = (
    Rule(
        id="framework-missing",
        title="A framework of the job is not installed any more",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=tuple(version_path(name) for name in FRAMEWORKS),
        why="Importing a package that is not installed fails.",
        not_when="The job does not import it: name the frameworks it uses with --framework.",
        remedy="Install the framework in the version of the baseline.",
        evidence=(
            Evidence(
                "ModuleNotFoundError",
                "https://docs.python.org/3/library/exceptions.html#ModuleNotFoundError",
            ),
        ),
        drift=_missing,
    ),
)
