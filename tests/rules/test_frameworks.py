"""Rules about versions and builds of frameworks, and about versions that do not run together."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.model import Fingerprint, Impact
from envprint.rules._compat import python_for_tensorflow
from tests.support import drift, fingerprint, state

PACKAGES = "facts.packages.distributions"


def having(**frameworks: Any) -> Fingerprint:
    """Frameworks by version, or by a whole record."""
    return fingerprint(
        {
            f"facts.frameworks.{name}": {"version": value} if isinstance(value, str) else value
            for name, value in frameworks.items()
        }
    )


@pytest.mark.parametrize(
    ("rule", "field", "framework", "before", "after"),
    [
        ("numpy-version-changed", "numpy", "numpy", "2.3.5", "2.4.6"),
        ("scipy-version-changed", "scipy", "scikit-learn", "1.13.0", "1.17.1"),
        ("scikit-learn-version-changed", "scikit_learn", "scikit-learn", "1.5.2", "1.9.1"),
        ("torch-version-changed", "torch", "torch", "2.13.0+cpu", "2.13.0+cu128"),
        ("tensorflow-version-changed", "tensorflow", "tensorflow", "2.16.1", "2.21.0"),
        ("jax-version-changed", "jax", "jax", "0.10.1", "0.10.2"),
    ],
)
def test_another_version_is_numeric_for_the_jobs_that_use_it(
    rule: str, field: str, framework: str, before: str, after: str
) -> None:
    sides = having(**{field: before}), having(**{field: after})
    findings, doubts = drift(rule, *sides, [framework])
    assert [(f.impact, f.before, f.after) for f in findings] == [(Impact.NUMERIC, before, after)]
    assert findings[0].paths == (f"facts.frameworks.{field}.version",)
    assert findings[0].remedy.endswith(f"=={before}")
    assert doubts == []
    other = "torch" if framework != "torch" else "tensorflow"
    assert drift(rule, *sides, [other]) == ([], [])
    assert drift(rule, sides[0], sides[0], [framework]) == ([], [])
    assert drift(rule, having(**{field: None}), sides[0], [framework]) == ([], [])
    unknown = fingerprint(unknown={f"facts.frameworks.{field}": "odd file"})
    findings, doubts = drift(rule, sides[0], unknown, [framework])
    assert (findings, [d.reason for d in doubts]) == ([], ["odd file"])


def test_a_version_explains_the_package_and_the_blas_that_come_with_it() -> None:
    sides = [
        fingerprint(
            {
                "facts.frameworks.numpy": {"version": v, "blas": {"version": f"0.3.{v[2]}"}},
                f"{PACKAGES}[numpy]": {"version": v, "build_id": f"sha256:{v}"},
                f"{PACKAGES}[pip]": {"version": v},
            }
        )
        for v in ("2.3.5", "2.4.6")
    ]
    findings, _ = drift("numpy-version-changed", *sides, ["numpy"])
    assert findings[0].paths == (
        "facts.frameworks.numpy.version",
        "facts.frameworks.numpy.blas.version",
        f"{PACKAGES}[numpy].build_id",
        f"{PACKAGES}[numpy].version",
    )
    assert findings[0].remedy == "pip install numpy==2.3.5"


def test_a_patch_of_tensorflow_is_not_expected_to_change_numbers() -> None:
    sides = having(tensorflow="2.16.1"), having(tensorflow="2.16.2")
    findings, _ = drift("tensorflow-version-changed", *sides, ["tensorflow"])
    assert [f.impact for f in findings] == [Impact.PERF]


def test_another_jaxlib_or_commit_with_the_same_version_is_seen() -> None:
    sides = [having(jax={"version": "0.10.2", "jaxlib_version": v}) for v in ("0.10.1", "0.10.2")]
    findings, _ = drift("jax-version-changed", *sides, ["jax"])
    assert [(f.before, f.after) for f in findings] == [("0.10.1", "0.10.2")]
    sides = [having(torch={"version": "2.14.0.dev", "git_version": v}) for v in ("a", "b")]
    assert len(drift("torch-version-changed", *sides, ["torch"])[0]) == 1


def test_a_framework_that_is_gone_breaks_the_job() -> None:
    before, after = having(torch="2.13.0"), having(torch=None)
    findings, doubts = drift("framework-missing", before, after, ["torch"])
    assert [(f.impact, f.message, f.remedy) for f in findings] == [
        (Impact.BREAKS, "torch was 2.13.0, is not installed", "pip install torch==2.13.0")
    ]
    assert doubts == []
    assert drift("framework-missing", before, after, ["numpy"]) == ([], [])
    assert drift("framework-missing", after, before, ["torch"]) == ([], [])
    unknown = fingerprint(unknown={"facts.frameworks.torch": "odd"})
    assert len(drift("framework-missing", before, unknown, ["torch"])[1]) == 1


def test_tensorflow_may_go_when_keras_has_another_backend() -> None:
    before = having(tensorflow="2.21.0", keras={"version": "3.15.1", "backend": "tensorflow"})
    after = having(tensorflow=None, keras={"version": "3.15.1", "backend": "jax"})
    assert drift("framework-missing", before, after, ["tensorflow"]) == ([], [])
    findings, _ = drift("keras-backend-changed", before, after, ["tensorflow"])
    assert [(f.impact, f.before, f.after, f.remedy) for f in findings] == [
        (Impact.DIVERGES, "tensorflow", "jax", "export KERAS_BACKEND=tensorflow")
    ]
    assert "facts.frameworks.tensorflow" in findings[0].paths


def test_a_keras_that_comes_or_goes_has_no_other_backend() -> None:
    keras = having(keras={"version": "3.15.1", "backend": "jax"})
    assert drift("keras-backend-changed", having(keras=None), keras, ["jax"]) == ([], [])
    unknown = fingerprint(unknown={"facts.frameworks.keras.backend": "odd"})
    assert len(drift("keras-backend-changed", keras, unknown, ["jax"])[1]) == 1


@pytest.mark.parametrize(
    ("rule", "field", "framework"),
    [
        ("torch-build-changed", "torch", "torch"),
        ("tensorflow-build-changed", "tensorflow", "tensorflow"),
    ],
)
def test_a_build_for_the_cpu_diverges_on_a_gpu_only(rule: str, field: str, framework: str) -> None:
    cuda, cpu = (having(**{field: {"version": "2.13.0", "build": b}}) for b in ("cuda", "cpu"))
    findings, doubts = drift(rule, cuda, cpu, [framework], "gpu")
    assert [(f.impact, f.before, f.after) for f in findings] == [(Impact.DIVERGES, "cuda", "cpu")]
    assert doubts == []
    assert drift(rule, cuda, cpu, [framework], "cpu") == ([], [])
    assert drift(rule, cuda, cuda, [framework], "gpu") == ([], [])
    unknown = fingerprint(unknown={f"facts.frameworks.{field}": "odd"})
    assert len(drift(rule, cuda, unknown, [framework], "gpu")[1]) == 1


def jax(version: str | None, flag: str | None = None) -> Fingerprint:
    variables = {} if flag is None else {"JAX_THREEFRY_PARTITIONABLE": flag}
    return fingerprint(
        {"facts.frameworks.jax.version": version, "facts.environ.variables": variables}
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (jax("0.4.38"), jax("0.5.0"), "export JAX_THREEFRY_PARTITIONABLE=0"),
        (jax("0.10.2"), jax("0.4.30"), "export JAX_THREEFRY_PARTITIONABLE=1"),
        (jax("0.5.0", "0"), jax("0.5.0"), "export JAX_THREEFRY_PARTITIONABLE=0"),
        (jax("0.4.38"), jax("0.5.0", "0"), None),
        (jax("0.4.38", "true"), jax("0.5.0"), None),
        (jax("0.5.0"), jax("0.10.2"), None),
        (jax(None), jax("0.10.2"), None),
    ],
)
def test_jax_draws_other_numbers_across_0_5_0(
    before: Fingerprint, after: Fingerprint, said: str | None
) -> None:
    findings, doubts = drift("jax-prng-default-changed", before, after, ["jax"])
    assert [(f.impact, f.remedy) for f in findings] == ([(Impact.DIVERGES, said)] if said else [])
    assert doubts == []
    if said and before.value("facts.frameworks.jax") != after.value("facts.frameworks.jax"):
        assert drift("jax-version-changed", before, after, ["jax"]) == ([], [])


def test_an_unknown_jax_leaves_its_random_numbers_undecided() -> None:
    unknown = fingerprint(unknown={"facts.frameworks.jax": "odd"})
    assert len(drift("jax-prng-default-changed", jax("0.5.0"), unknown, ["jax"])[1]) == 1


def keras(tensorflow: str, version: str, legacy: str | None = None, asked: bool = False) -> Any:
    return fingerprint(
        {
            "facts.frameworks.tensorflow.version": tensorflow,
            "facts.frameworks.keras": {"version": version, "legacy_version": legacy},
            "facts.environ.variables": {"TF_USE_LEGACY_KERAS": "1"} if asked else {},
        }
    )


def test_keras_3_is_another_run_than_keras_2() -> None:
    before, after = keras("2.15.1", "2.15.0"), keras("2.21.0", "3.15.1")
    findings, doubts = drift("keras-major-changed", before, after, ["tensorflow"])
    assert [(f.impact, f.before, f.after, f.remedy) for f in findings] == [
        (
            Impact.DIVERGES,
            "2.15.0",
            "3.15.1",
            "pip install tf-keras; export TF_USE_LEGACY_KERAS=1",
        )
    ]
    assert doubts == []
    assert drift("keras-version-changed", before, after, ["tensorflow"]) == ([], [])


def test_tf_keras_that_is_asked_for_is_what_counts() -> None:
    rule = "keras-major-changed"
    kept = keras("2.21.0", "3.15.1", "2.21.0", asked=True)
    assert drift(rule, keras("2.15.1", "2.15.0"), kept, ["tensorflow"]) == ([], [])
    findings, _ = drift(rule, keras("2.21.0", "3.15.1", "2.21.0"), kept, ["tensorflow"])
    assert [(f.before, f.after, f.remedy) for f in findings] == [
        ("3.15.1", "2.21.0", "pip install keras==3.15.1")
    ]
    assert "facts.environ.variables[TF_USE_LEGACY_KERAS]" in findings[0].paths


def test_another_release_of_keras_is_advice() -> None:
    before, after = keras("2.21.0", "3.12.4"), keras("2.21.0", "3.15.1")
    advice, doubts = drift("keras-version-changed", before, after, ["tensorflow"])
    assert ([(f.before, f.after) for f in advice], doubts) == ([("3.12.4", "3.15.1")], [])
    assert drift("keras-major-changed", before, after, ["tensorflow"]) == ([], [])
    assert drift("keras-version-changed", before, after, ["torch"]) == ([], [])


@pytest.mark.parametrize("rule", ["keras-major-changed", "keras-version-changed"])
def test_an_unknown_keras_is_a_doubt(rule: str) -> None:
    unknown = fingerprint(unknown={"facts.frameworks.keras": "odd"})
    assert len(drift(rule, keras("2.21.0", "3.15.1"), unknown, ["tensorflow"])[1]) == 1


def test_asking_for_keras_2_without_tf_keras_breaks() -> None:
    rule = "keras-legacy-missing"
    findings, doubts = state(rule, keras("2.21.0", "3.15.1", None, asked=True), ["tensorflow"])
    assert [(f.impact, f.remedy) for f in findings] == [(Impact.BREAKS, "pip install tf-keras")]
    assert doubts == []
    assert state(rule, keras("2.21.0", "3.15.1", "2.21.0", asked=True), ["tensorflow"]) == ([], [])
    assert len(state(rule, keras("2.15.1", "2.15.0", None, asked=True), ["tensorflow"])[0]) == 1
    assert state(rule, keras("2.14.0", "2.14.0", None, asked=True), ["tensorflow"]) == ([], [])
    unknown = fingerprint(
        {
            "facts.environ.variables": {"TF_USE_LEGACY_KERAS": "1"},
            "facts.frameworks.tensorflow.version": "2.21.0",
        },
        {"facts.frameworks.keras": "odd"},
    )
    assert len(state(rule, unknown, ["tensorflow"])[1]) == 1


def test_another_float_type_diverges() -> None:
    before, after = (having(keras={"floatx": name}) for name in ("float32", "float16"))
    findings, doubts = drift("keras-floatx-changed", before, after, ["tensorflow"])
    assert [(f.impact, f.remedy) for f in findings] == [
        (Impact.DIVERGES, "keras.config.set_floatx('float32')")
    ]
    assert doubts == []
    assert drift("keras-floatx-changed", before, before, ["tensorflow"]) == ([], [])
    unknown = fingerprint(unknown={"facts.frameworks.keras.floatx": "odd"})
    assert len(drift("keras-floatx-changed", before, unknown, ["tensorflow"])[1]) == 1


@pytest.mark.parametrize(
    ("tensorflow", "python", "said"),
    [
        ("2.21.0", "3.9.2", 1),
        ("2.21.0", "3.13.0", 0),
        ("2.21.0", "3.14.0rc1", 1),
        ("2.15.1", "3.12.1", 1),
        ("2.15.1", "3.11.7", 0),
        ("2.2.0", "3.8.0", 0),
        ("1.15.0", "3.8.0", 1),
        ("2.99.0", "3.20.0", 0),
        ("odd", "3.11.7", 0),
        (None, "3.11.7", 0),
    ],
)
def test_a_tensorflow_outside_its_pythons_breaks(
    tensorflow: str | None, python: str, said: int
) -> None:
    now = fingerprint(
        {"facts.frameworks.tensorflow.version": tensorflow, "facts.python.version": python}
    )
    findings, doubts = state("tensorflow-python-unsupported", now, ["tensorflow"])
    assert ([f.impact for f in findings], doubts) == ([Impact.BREAKS] * said, [])


def test_the_finding_names_the_range() -> None:
    now = fingerprint(
        {"facts.frameworks.tensorflow.version": "2.15.1", "facts.python.version": "3.12.1"}
    )
    findings, _ = state("tensorflow-python-unsupported", now, ["tensorflow"])
    assert findings[0].message == "TensorFlow 2.15.1 is for Python 3.9 to 3.11, Python is 3.12.1"
    unknown = fingerprint(unknown={"facts.frameworks.tensorflow": "odd"})
    assert len(state("tensorflow-python-unsupported", unknown, ["tensorflow"])[1]) == 1


def test_the_table_has_every_release_from_1_0_on_once() -> None:
    releases = [(1, minor) for minor in range(16)] + [(2, minor) for minor in range(22)]
    assert None not in [python_for_tensorflow(release) for release in releases]
    assert python_for_tensorflow((2, 22)) is None
    assert python_for_tensorflow(()) is None


@pytest.mark.parametrize(
    ("frameworks", "used", "said"),
    [
        ({"numpy": "2.4.6", "tensorflow": "2.17.0"}, ["tensorflow"], 1),
        ({"numpy": "2.4.6", "tensorflow": "2.18.0"}, ["tensorflow"], 0),
        ({"numpy": "1.26.4", "tensorflow": "2.17.0"}, ["tensorflow"], 0),
        ({"numpy": "2.0.0", "torch": "2.2.2"}, ["torch"], 1),
        ({"numpy": "2.0.0", "torch": "2.2.2"}, ["numpy"], 0),
        ({"numpy": "2.0.0", "torch": "2.3.0"}, ["torch"], 0),
        ({"numpy": "2.0.0", "scikit_learn": "1.4.1"}, ["scikit-learn"], 1),
        ({"numpy": "2.0.0", "scipy": "1.12.0"}, ["numpy"], 1),
        ({"numpy": None, "torch": "2.2.2"}, ["torch"], 0),
    ],
)
def test_a_package_built_for_numpy_1_does_not_run_with_numpy_2(
    frameworks: dict[str, str], used: list[str], said: int
) -> None:
    findings, doubts = state("numpy-2-unsupported", having(**frameworks), used)
    assert ([f.impact for f in findings], doubts) == ([Impact.BREAKS] * said, [])


def test_an_unknown_numpy_is_a_doubt() -> None:
    unknown = fingerprint(unknown={"facts.frameworks.numpy": "odd"})
    assert len(state("numpy-2-unsupported", unknown, ["torch"])[1]) == 1
