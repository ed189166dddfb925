"""Which scikit-learn models a change of version is said to concern."""

from __future__ import annotations

import pytest

from envprint.core.fingerprint import Fingerprint
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


GENERATOR = "numpy-generator-changed"


def numpy(version: str | None) -> Fingerprint:
    return fingerprint({"facts.frameworks.numpy.version": version})


@pytest.mark.parametrize(
    ("before", "after", "methods"),
    [
        ("1.17.5", "1.18.0", ["integers()"]),
        ("1.18.5", "1.19.0", ["dirichlet(), multivariate_normal()"]),
        ("1.20.3", "1.21.0", ["geometric(), rayleigh()"]),
        ("1.21.6", "1.22.0", ["random(), standard_exponential(), standard_gamma()"]),
        ("2.4.6", "2.5.0", ["binomial(), multinomial()"]),
        ("2.5.0", "1.20.3", ["geometric()", "random()", "binomial()"]),
    ],
)
def test_releases_that_changed_a_stream_name_the_methods(
    before: str, after: str, methods: list[str]
) -> None:
    findings, undecided = drift(GENERATOR, numpy(before), numpy(after), ["numpy"])
    assert undecided == []
    assert {finding.impact for finding in findings} == {Impact.DIVERGES}
    assert len(findings) == len(methods)
    for text in methods:
        assert sum(text in finding.message for finding in findings) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [("1.22.0", "2.4.6"), ("1.18.0", "1.18.5"), ("2.5.0", "2.5.1"), (None, "2.5.0"), ("x", "y")],
)
def test_releases_that_kept_the_streams_are_quiet(before: str | None, after: str) -> None:
    assert drift(GENERATOR, numpy(before), numpy(after), ["numpy"]) == ([], [])


def test_a_framework_with_a_generator_of_its_own_does_not_draw_with_numpys() -> None:
    assert drift(GENERATOR, numpy("2.4.6"), numpy("2.5.0"), ["torch"]) == ([], [])


def test_an_unknown_numpy_leaves_its_streams_undecided() -> None:
    silent = fingerprint({}, {"facts.frameworks.numpy.version": "denied"})
    findings, undecided = drift(GENERATOR, silent, numpy("2.5.0"), ["numpy"])
    assert (findings, [one.reason for one in undecided]) == ([], ["denied"])
