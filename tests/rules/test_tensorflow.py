"""Rules about TensorFlow and Keras: versions, builds, and what must fit together."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.judging.policy.model import Policy
from envprint.rules.frameworks.tensorflow import cuda_for_tensorflow, python_for_tensorflow
from tests.builders.judged import judge_drift
from tests.builders.support import drift, fingerprint, state, workload
from tests.builders.tensorflow import cuda

VERSION = "facts.frameworks.tensorflow.version"


def having(**frameworks: Any) -> Fingerprint:
    """Frameworks by version, or by a whole record."""
    return fingerprint(
        {
            f"facts.frameworks.{name}": {"version": value} if isinstance(value, str) else value
            for name, value in frameworks.items()
        }
    )


def across(rule: str, before: str | None, after: str | None) -> list[tuple[Impact, str]]:
    """Impact and message of what the rule says of two versions of TensorFlow."""
    sides = having(tensorflow=before), having(tensorflow=after)
    findings, undecided = drift(rule, *sides, ["tensorflow"])
    assert undecided == []
    return [(finding.impact, finding.message) for finding in findings]


def test_a_patch_of_tensorflow_is_not_expected_to_change_numbers() -> None:
    sides = having(tensorflow="2.16.1"), having(tensorflow="2.16.2")
    findings, _ = drift("tensorflow-version-changed", *sides, ["tensorflow"])
    assert [f.impact for f in findings] == [Impact.PERF]


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


def keras(
    tensorflow: str, version: str, legacy: str | None = None, is_requested: bool = False
) -> Any:
    return fingerprint(
        {
            "facts.frameworks.tensorflow.version": tensorflow,
            "facts.frameworks.keras": {"version": version, "legacy_version": legacy},
            "facts.environ.variables": {"TF_USE_LEGACY_KERAS": "1"} if is_requested else {},
        }
    )


def test_keras_3_is_another_run_than_keras_2() -> None:
    before, after = keras("2.15.1", "2.15.0"), keras("2.21.0", "3.15.1")
    findings, undecided = drift("keras-major-changed", before, after, ["tensorflow"])
    assert [(f.impact, f.before, f.after, f.remedy) for f in findings] == [
        (
            Impact.DIVERGES,
            "2.15.0",
            "3.15.1",
            "pip install tf-keras; export TF_USE_LEGACY_KERAS=1",
        )
    ]
    assert undecided == []
    assert drift("keras-version-changed", before, after, ["tensorflow"]) == ([], [])


def test_tf_keras_that_is_asked_for_is_what_counts() -> None:
    rule = "keras-major-changed"
    kept = keras("2.21.0", "3.15.1", "2.21.0", is_requested=True)
    assert drift(rule, keras("2.15.1", "2.15.0"), kept, ["tensorflow"]) == ([], [])
    findings, _ = drift(rule, keras("2.21.0", "3.15.1", "2.21.0"), kept, ["tensorflow"])
    assert [(f.before, f.after, f.remedy) for f in findings] == [
        ("3.15.1", "2.21.0", "pip install keras==3.15.1")
    ]
    assert "facts.environ.variables[TF_USE_LEGACY_KERAS]" in findings[0].paths


def test_another_release_of_keras_is_advice_where_it_gave_the_same_bits() -> None:
    before, after = keras("2.21.0", "3.12.4"), keras("2.21.0", "3.15.1")
    advice, undecided = drift("keras-version-changed", before, after, ["tensorflow"])
    said = [(f.before, f.after, f.advice) for f in advice]
    assert (said, undecided) == ([("3.12.4", "3.15.1", True)], [])
    (finding,) = drift("keras-version-changed", keras("2.21.0", "3.5.0"), after, ["tensorflow"])[0]
    assert not finding.advice
    assert drift("keras-major-changed", before, after, ["tensorflow"]) == ([], [])
    assert drift("keras-version-changed", before, after, ["torch"]) == ([], [])


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        ("3.12.0", "3.14.1", []),  # measured equal
        ("3.13.2", "3.15.1", ["keras"]),  # attention begins with other weights
        ("3.15.1", "3.10.0", ["keras"]),
    ],
)
def test_a_step_of_keras_that_some_jobs_notice_is_not_judged(
    before: str, after: str, left: list[str]
) -> None:
    path = "facts.packages.distributions[keras].version"
    sides = [fingerprint({path: v, "facts.frameworks.keras.version": v}) for v in (before, after)]
    report = judge_drift(*sides, workload(["tensorflow"]), Policy())
    assert report.impact == Impact.NONE
    assert [entry.name for entry in report.unjudged] == left
    said = [one.message for one in report.advice if one.rule == "behaviour-changed"]
    assert len(said) == len(left)
    assert all("begin with weights of another size" in message for message in said)


@pytest.mark.parametrize("rule", ["keras-major-changed", "keras-version-changed"])
def test_an_unknown_keras_is_a_doubt(rule: str) -> None:
    unknown = fingerprint(unknown={"facts.frameworks.keras": "odd"})
    assert len(drift(rule, keras("2.21.0", "3.15.1"), unknown, ["tensorflow"])[1]) == 1


def test_asking_for_keras_2_without_tf_keras_breaks() -> None:
    rule = "keras-legacy-missing"
    findings, undecided = state(
        rule, keras("2.21.0", "3.15.1", None, is_requested=True), ["tensorflow"]
    )
    assert [(f.impact, f.remedy) for f in findings] == [(Impact.BREAKS, "pip install tf-keras")]
    assert undecided == []
    assert state(rule, keras("2.21.0", "3.15.1", "2.21.0", is_requested=True), ["tensorflow"]) == (
        [],
        [],
    )
    assert (
        len(state(rule, keras("2.15.1", "2.15.0", None, is_requested=True), ["tensorflow"])[0]) == 1
    )
    assert state(rule, keras("2.14.0", "2.14.0", None, is_requested=True), ["tensorflow"]) == (
        [],
        [],
    )
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
    findings, undecided = drift("keras-floatx-changed", before, after, ["tensorflow"])
    assert [(f.impact, f.remedy) for f in findings] == [
        (Impact.DIVERGES, "keras.config.set_floatx('float32')")
    ]
    assert undecided == []
    assert drift("keras-floatx-changed", before, before, ["tensorflow"]) == ([], [])
    unknown = fingerprint(unknown={"facts.frameworks.keras.floatx": "odd"})
    assert len(drift("keras-floatx-changed", before, unknown, ["tensorflow"])[1]) == 1


@pytest.mark.parametrize(
    ("rule", "field", "values", "impact"),
    [
        (
            "keras-image-format-changed",
            "image_data_format",
            ("channels_last", "channels_first"),
            Impact.DIVERGES,
        ),
        ("keras-epsilon-changed", "epsilon", (1e-07, 1e-03), Impact.NUMERIC),
    ],
)
def test_other_settings_of_keras_json_are_judged(
    rule: str, field: str, values: tuple[object, object], impact: Impact
) -> None:
    before, after = (having(keras={field: value}) for value in values)
    findings, undecided = drift(rule, before, after, ["tensorflow"])
    assert [(f.impact, f.before, f.after) for f in findings] == [(impact, *values)]
    assert undecided == []
    assert drift(rule, before, before, ["tensorflow"]) == ([], [])
    assert drift(rule, before, after, ["numpy"]) == ([], [])
    unknown = fingerprint(unknown={f"facts.frameworks.keras.{field}": "odd"})
    assert len(drift(rule, before, unknown, ["tensorflow"])[1]) == 1


@pytest.mark.parametrize(
    ("backend", "framework", "said"),
    [
        ("tensorflow", "tensorflow", 1),
        ("tensorflow", "torch", 0),
        ("torch", "torch", 1),
        ("torch", "jax", 0),
        ("torch", "tensorflow", 1),  # --framework keras has this name, on any backend
        (None, "torch", 1),
    ],
)
def test_settings_of_keras_concern_the_jobs_that_it_can_be_part_of(
    backend: str | None, framework: str, said: int
) -> None:
    settings = (
        ("keras-image-format-changed", "image_data_format", "channels_last", "channels_first"),
        ("keras-epsilon-changed", "epsilon", 1e-07, 1e-03),
        ("keras-floatx-changed", "floatx", "float32", "float16"),
    )
    for rule, field, *values in settings:
        before, after = (having(keras={field: one, "backend": backend}) for one in values)
        assert len(drift(rule, before, after, [framework])[0]) == said


def test_a_backend_that_neither_side_shares_with_the_job_is_no_matter_of_it() -> None:
    rule = "keras-backend-changed"
    before, after = (having(keras={"backend": name}) for name in ("tensorflow", "jax"))
    said = [len(drift(rule, before, after, [one])[0]) for one in ("tensorflow", "jax", "torch")]
    assert said == [1, 1, 0]


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
    findings, undecided = state("tensorflow-python-unsupported", now, ["tensorflow"])
    assert ([f.impact for f in findings], undecided) == ([Impact.BREAKS] * said, [])


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
    assert None not in [cuda_for_tensorflow(release) for release in releases]
    newest = cuda_for_tensorflow((2, 17, 1))
    assert newest
    assert (newest["cuda"], newest["cudnn"]) == ("12.3", "8.9")
    assert python_for_tensorflow((2, 22)) is None
    assert python_for_tensorflow(()) is None


def test_between_1_and_2_the_interface_is_another_one() -> None:
    sides = having(tensorflow="1.15.5"), having(tensorflow="2.3.0")
    findings, undecided = drift("tensorflow-major-changed", *sides, ["tensorflow"])
    assert [(f.impact, f.message, f.paths, f.remedy) for f in findings] == [
        (
            Impact.BREAKS,
            "TensorFlow was 1.15.5, is 2.3.0: the interface is different",
            (VERSION,),
            "pip install tensorflow==1.15.5",
        )
    ]
    assert undecided == []
    assert across("tensorflow-version-changed", "1.15.5", "2.3.0") == []
    assert across("tensorflow-major-changed", "2.3.0", "2.21.0") == []
    assert across("tensorflow-major-changed", None, "2.21.0") == []
    assert drift("tensorflow-major-changed", *sides, ["torch"]) == ([], [])


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("2.9.3", "2.10.0", 1),
        ("2.15.1", "2.6.5", 1),
        ("2.9.3", "2.9.4", 0),
        ("2.10.0", "2.21.0", 0),
        ("2.6.5", "2.7.0", 0),
        ("1.15.5", "2.21.0", 0),
        (None, "2.21.0", 0),
    ],
)
def test_from_2_10_on_initial_weights_are_others(before: str | None, after: str, said: int) -> None:
    rule = "tensorflow-initializers-changed"
    told = f"TensorFlow was {before}, is {after}: from 2.10 on initial weights are drawn"
    assert across(rule, before, after) == [(Impact.DIVERGES, f"{told} differently")] * said
    if said:
        assert across("tensorflow-version-changed", before, after) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [("2.6.5", "2.7.0", 1), ("2.9.3", "2.4.0", 1), ("2.7.0", "2.8.0", 0), ("2.6.5", "2.10.0", 0)],
)
def test_what_2_7_changed_concerns_seeded_initializers_only(
    before: str, after: str, said: int
) -> None:
    told = "from 2.7 on initializers with their own seed draw different numbers"
    assert (
        across("tensorflow-seeded-initializers-changed", before, after)
        == [(Impact.DIVERGES, f"TensorFlow was {before}, is {after}: {told}")] * said
    )


@pytest.mark.parametrize(
    "rule",
    [
        "tensorflow-version-changed",
        "tensorflow-major-changed",
        "tensorflow-initializers-changed",
        "tensorflow-seeded-initializers-changed",
    ],
)
def test_an_unknown_tensorflow_is_a_doubt(rule: str) -> None:
    unknown = fingerprint(unknown={"facts.frameworks.tensorflow": "odd"})
    findings, undecided = drift(rule, having(tensorflow="2.9.3"), unknown, ["tensorflow"])
    assert (findings, [d.reason for d in undecided]) == ([], ["odd"])


def test_keras_3_speaks_before_other_initializers() -> None:
    before = having(tensorflow="2.9.3", keras="2.9.0")
    after = having(tensorflow="2.21.0", keras="3.15.1")
    assert drift("tensorflow-initializers-changed", before, after, ["tensorflow"]) == ([], [])
    assert len(drift("keras-major-changed", before, after, ["tensorflow"])[0]) == 1


def test_what_is_installed_again_bears_the_name_it_had() -> None:
    before = having(tensorflow={"version": "2.9.3", "distribution": "tensorflow-cpu"})
    sides = before, having(tensorflow="2.12.1")
    findings, _ = drift("tensorflow-initializers-changed", *sides, ["tensorflow"])
    assert [f.remedy for f in findings] == ["pip install tensorflow-cpu==2.9.3"]


@pytest.mark.parametrize(
    ("version", "flags", "said"),
    [
        ("2.21.0", ["sse4_1", "sse4_2"], 1),
        ("2.21.0", ["avx", "sse4_2"], 0),
        ("1.5.1", ["sse4_2"], 0),
        ("2.21.0", None, 0),
        (None, ["sse4_2"], 0),
    ],
)
def test_the_wheels_need_avx(version: str | None, flags: list[str] | None, said: int) -> None:
    now = fingerprint({VERSION: version, "facts.cpu.flags": flags})
    findings, undecided = state("tensorflow-avx-missing", now, ["tensorflow"])
    assert ([f.impact for f in findings], undecided) == ([Impact.BREAKS] * said, [])
    arm = state("tensorflow-avx-missing", now, ["tensorflow"], machine="aarch64")
    assert arm == ([], [])


def test_unknown_instructions_are_a_doubt() -> None:
    now = fingerprint({VERSION: "2.21.0"}, {"facts.cpu.flags": "no /proc"})
    assert len(state("tensorflow-avx-missing", now, ["tensorflow"])[1]) == 1


def gpus(count: int, version: str | None) -> Fingerprint:
    devices = {str(index): {"name": "GPU"} for index in range(count)}
    return fingerprint({VERSION: version, "facts.gpu.devices": devices, "facts.gpu.count": count})


@pytest.mark.parametrize(
    ("count", "version", "said"),
    [(2, "2.2.0", 1), (1, "2.2.0", 0), (2, "2.3.0", 0), (2, "1.15.0", 0), (2, None, 0)],
)
def test_before_2_3_several_gpus_may_be_fed_in_another_order(
    count: int, version: str | None, said: int
) -> None:
    rule = "tensorflow-shuffle-not-repeatable"
    advice, undecided = state(rule, gpus(count, version), ["tensorflow"], "gpu")
    assert [(f.impact, f.message) for f in advice] == [
        (
            Impact.DIVERGES,
            f"TensorFlow {version} may shuffle differently in each run on {count} GPUs",
        )
    ] * said
    assert undecided == []
    assert state(rule, gpus(count, version), ["tensorflow"], "cpu") == ([], [])


def test_unknown_gpus_leave_the_order_undecided() -> None:
    now = fingerprint({VERSION: "2.2.0"}, {"facts.gpu.devices": "NVML did not answer"})
    assert len(state("tensorflow-shuffle-not-repeatable", now, ["tensorflow"], "gpu")[1]) == 1


@pytest.mark.parametrize(
    ("now", "remedy"),
    [
        (cuda("2.21.0", "12.5.1", "13.0.48"), "pip install 'tensorflow[and-cuda]==2.21.0'"),
        (cuda("2.11.0", "11.2", "12.1.105"), "Install CUDA 11.2 and cuDNN 8.1."),
        (cuda("2.3.0", None, "10.2.89"), "Install CUDA 10.1 and cuDNN 7.6."),
        (cuda("2.99.0", "14.1", "13.0.48"), "pip install 'tensorflow[and-cuda]==2.99.0'"),
        (cuda("2.21.0", "12.5.1", "12.9.79"), None),
        (cuda("2.21.0", "12.5.1", "13.0.48", "12.9.79"), None),
        (cuda("2.11.0", None, "11.8.89"), None),
        (cuda("2.3.0", None, "10.1.243"), None),
        (cuda("2.21.0", "12.5.1"), None),
        (cuda("2.21.0", None, "13.0.48", build="cpu"), None),
        (cuda(None, None, "13.0.48"), None),
        (cuda("2.99.0", None, "13.0.48"), None),
    ],
)
def test_without_cuda_of_its_major_version_the_job_runs_on_the_cpu(
    now: Fingerprint, remedy: str | None
) -> None:
    rule = "tensorflow-cuda-of-another-major"
    findings, undecided = state(rule, now, ["tensorflow"], "gpu")
    expected = [(Impact.DIVERGES, remedy)] if remedy else []
    assert [(f.impact, f.remedy) for f in findings] == expected
    assert undecided == []
    assert state(rule, now, ["tensorflow"], "cpu") == ([], [])


def test_unknown_copies_of_cuda_are_a_doubt() -> None:
    now = fingerprint(
        {"facts.frameworks.tensorflow": {"version": "2.21.0", "build": "cuda"}},
        {"facts.cuda.runtime": "denied"},
    )
    assert len(state("tensorflow-cuda-of-another-major", now, ["tensorflow"], "gpu")[1]) == 1


def test_another_minor_release_is_numeric() -> None:
    findings, undecided = drift(
        "tensorflow-version-changed",
        having(tensorflow="2.16.1"),
        having(tensorflow="2.21.0"),
        ["tensorflow"],
    )
    assert [(f.impact, f.message, f.paths, f.remedy) for f in findings] == [
        (
            Impact.NUMERIC,
            "TensorFlow was 2.16.1, is 2.21.0",
            (VERSION,),
            "pip install tensorflow==2.16.1",
        )
    ]
    assert undecided == []
