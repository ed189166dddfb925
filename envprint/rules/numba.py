"""The rule about Numba's own number of threads."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Result, Rule
from envprint.core.workload import Workload, on_cpu
from envprint.rules.kit import threads
from envprint.rules.kit.packages import DISTRIBUTIONS
from envprint.rules.kit.setting_rules import changed_by_variables
from envprint.rules.kit.settings import variable

_NUMBA = f"{DISTRIBUTIONS}[numba].version"


def _numba(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    if _may_use_numba(comparison, workload):
        yield from changed_by_variables(threads.NUMBA)(comparison, workload)


def _may_use_numba(comparison: Comparison, workload: Workload) -> bool:
    """Whether the job may compute with Numba: by its libraries, or since nothing else trains."""
    has_changed = comparison.change(variable("NUMBA_NUM_THREADS")) is not None
    if workload.libraries:
        return has_changed and "numba" in workload.libraries
    only_arrays = {"numpy", "scikit-learn"}.issuperset(workload.frameworks)
    return has_changed and only_arrays and comparison.after.value(_NUMBA) is not None


RULES = (
    Rule(
        id="numba-threads-changed",
        title="Numba computes with a different number of threads",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=on_cpu,
        watches=(variable("NUMBA_NUM_THREADS"), _NUMBA),
        why="A loop over prange splits a sum among the threads, and each part is rounded on its "
        "own. With Numba 0.68, 1, 2 and 4 threads on two CPUs gave three different sums.",
        not_when="The job does not use Numba, or no loop of it runs in parallel.",
        remedy="Give NUMBA_NUM_THREADS the same value on both sides.",
        evidence=(
            Evidence(
                "NUMBA_NUM_THREADS, and its default",
                "https://numba.readthedocs.io/en/stable/reference/envvars.html"
                "#envvar-NUMBA_NUM_THREADS",
            ),
        ),
        drift=_numba,
    ),
)
