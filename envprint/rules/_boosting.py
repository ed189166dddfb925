"""The rule about libraries that train trees on their own; part of the section `packages`.

It is advice: they are no framework that a job can be asked to name, and many environments hold
them unused.
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint.model import Comparison, Confidence, Impact, Workload
from envprint.rule import Evidence, Result, Rule
from envprint.rules._packages import DISTRIBUTIONS, package_changed
from envprint.workload import always

BOOSTING = ("xgboost", "xgboost-cpu", "lightgbm", "catboost")


def _version(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    return package_changed(comparison, BOOSTING)


RULES = (
    Rule(
        id="boosting-version-changed",
        title="A library for boosted trees has another version",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=tuple(f"{DISTRIBUTIONS}[{name}].version" for name in BOOSTING),
        why="Another version may sum gradients in another order or estimate its start otherwise; "
        "a split that was a tie then falls to another side.",
        not_when="The job does not train with it. LightGBM 4.3 and 4.6 gave the same bits, and so "
        "did XGBoost 2.1 and 3 for regression; for classes XGBoost's differed by 5e-10.",
        remedy="Install the same version.",
        evidence=(
            Evidence("XGBoost 2.1.4 and 3", measured="xgboost.3"),
            Evidence(
                "XGBoost: optimisation between versions may change the last digits",
                "https://github.com/dmlc/xgboost/issues/6350",
            ),
        ),
        drift=_version,
        advice=True,
    ),
)
