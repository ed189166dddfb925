"""Which scikit-learn models a change of version is said to concern."""

from __future__ import annotations

import pytest

from envprint.core.impact import Impact
from envprint.rules.frameworks.numpy import changed_models
from tests.builders.support import drift, fingerprint

RULE = "scikit-learn-version-changed"
VERSION = "facts.frameworks.scikit_learn.version"


@pytest.mark.parametrize(
    ("before", "after", "models"),
    [
        ("1.3.2", "1.4.2", ("KMeans", "MiniBatchKMeans")),
        ("1.4.2", "1.3.2", ("KMeans", "MiniBatchKMeans")),
        ("1.4.0", "1.4.2", ()),
        ("1.5.2", "1.6.1", ()),
        ("1.9.1", "2.1.0", ()),
        ("odd", "1.9.1", ()),
    ],
)
def test_models_are_those_of_the_releases_in_between(
    before: str, after: str, models: tuple[str, ...]
) -> None:
    assert changed_models(before, after) == models


def test_a_model_that_changed_twice_is_named_once() -> None:
    models = changed_models("1.2.2", "1.5.2")
    assert models[:4] == ("KMeans", "MiniBatchKMeans", "SpectralClustering", "GaussianMixture")
    assert len(set(models)) == len(models)


def test_the_finding_names_the_models() -> None:
    sides = [fingerprint({VERSION: version}) for version in ("1.3.2", "1.4.2")]
    findings, undecided = drift(RULE, *sides, ["scikit-learn"])
    assert [(f.impact, f.message, f.remedy) for f in findings] == [
        (
            Impact.DIVERGES,
            "scikit-learn was 1.3.2, is 1.4.2: clearly different models from KMeans, "
            "MiniBatchKMeans",
            "pip install scikit-learn==1.3.2",
        )
    ]
    assert undecided == []
    patch = fingerprint({VERSION: "1.4.1"})
    assert drift(RULE, patch, sides[1], ["scikit-learn"])[0][0].message == (
        "scikit-learn was 1.4.1, is 1.4.2"
    )


@pytest.mark.parametrize(
    ("before", "after", "impact"),
    [
        ("1.2.2", "1.3.0", Impact.DIVERGES),
        ("1.5.2", "1.4.2", Impact.DIVERGES),
        ("1.2.2", "1.9.1", Impact.DIVERGES),
        ("1.5.0", "1.9.1", Impact.NUMERIC),
        ("1.4.0", "1.4.2", Impact.NUMERIC),
    ],
)
def test_releases_whose_models_moved_far_are_another_run(
    before: str, after: str, impact: Impact
) -> None:
    sides = [fingerprint({"facts.frameworks.scikit_learn.version": v}) for v in (before, after)]
    findings, _ = drift(RULE, *sides, ["scikit-learn"])
    assert [finding.impact for finding in findings] == [impact]
