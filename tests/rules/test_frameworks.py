"""Rules about versions and builds of frameworks, and about versions that do not run together."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.judging.policy.model import Policy
from tests.builders.judged import judge_state
from tests.builders.support import drift, fingerprint, state, workload

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
        ("torch-version-changed", "torch", "torch", "2.12.0+cu128", "2.13.0+cu128"),
        ("tensorflow-version-changed", "tensorflow", "tensorflow", "2.16.1", "2.21.0"),
    ],
)
def test_another_version_is_numeric_for_the_jobs_that_use_it(
    rule: str, field: str, framework: str, before: str, after: str
) -> None:
    sides = having(**{field: before}), having(**{field: after})
    findings, undecided = drift(rule, *sides, [framework])
    assert [(f.impact, f.before, f.after) for f in findings] == [(Impact.NUMERIC, before, after)]
    assert findings[0].paths == (f"facts.frameworks.{field}.version",)
    assert findings[0].remedy.endswith(f"=={before}")
    assert undecided == []
    other = "torch" if framework != "torch" else "tensorflow"
    assert drift(rule, *sides, [other]) == ([], [])
    assert drift(rule, sides[0], sides[0], [framework]) == ([], [])
    assert drift(rule, having(**{field: None}), sides[0], [framework]) == ([], [])
    unknown = fingerprint(unknown={f"facts.frameworks.{field}": "odd file"})
    findings, undecided = drift(rule, sides[0], unknown, [framework])
    assert (findings, [d.reason for d in undecided]) == ([], ["odd file"])


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


def test_another_commit_with_the_same_version_is_seen() -> None:
    sides = [having(torch={"version": "2.14.0.dev", "git_version": v}) for v in ("a", "b")]
    assert len(drift("torch-version-changed", *sides, ["torch"])[0]) == 1


def test_a_framework_that_is_unknown_hides_no_other_that_is_gone() -> None:
    path = "facts.frameworks.tensorflow.version"
    before, after = having(torch="2.13.0"), having(torch=None)._replace(unknown={path: "denied"})
    findings, undecided = drift("framework-missing", before, after, ["tensorflow", "torch"])
    assert [f.message for f in findings] == ["torch was 2.13.0, is not installed"]
    assert [entry.path for entry in undecided] == [path]


def test_a_framework_that_is_gone_breaks_the_job() -> None:
    before, after = having(torch="2.13.0"), having(torch=None)
    findings, undecided = drift("framework-missing", before, after, ["torch"])
    assert [(f.impact, f.message, f.remedy) for f in findings] == [
        (Impact.BREAKS, "torch was 2.13.0, is not installed", "pip install torch==2.13.0")
    ]
    assert undecided == []
    assert drift("framework-missing", before, after, ["numpy"]) == ([], [])
    assert drift("framework-missing", after, before, ["torch"]) == ([], [])
    unknown = fingerprint(unknown={"facts.frameworks.torch": "odd"})
    assert len(drift("framework-missing", before, unknown, ["torch"])[1]) == 1


NAMED = "framework-named-missing"


def test_a_framework_that_is_named_and_not_installed_breaks() -> None:
    now = fingerprint({"facts.python.prefix": "/opt/lint"})
    findings, undecided = state(NAMED, now, ["torch"], named=("scikit-learn", "torch"))
    assert [(f.impact, f.message, f.remedy) for f in findings] == [
        (
            Impact.BREAKS,
            f"{name} is named and is not installed in /opt/lint",
            f"pip install {name}",
        )
        for name in ("scikit-learn", "torch")
    ]
    assert undecided == []


def test_a_framework_that_is_named_and_there_is_quiet() -> None:
    assert state(NAMED, having(torch="2.13.0"), ["torch"], named=("torch",)) == ([], [])
    # One that nobody names may be installed or not.
    assert state(NAMED, having(torch=None), ["torch"]) == ([], [])
    # What is imported can be used, even from a directory that no installer knows.
    imported = fingerprint({"facts.frameworks.imported": ["torch"]})
    assert state(NAMED, imported, ["torch"], named=("torch",)) == ([], [])


def test_whether_a_named_framework_is_installed_may_be_unknown() -> None:
    odd = fingerprint({"facts.frameworks.torch": None}, {"facts.frameworks.jax": "odd file"})
    findings, undecided = state(NAMED, odd, ["jax", "torch"], named=("jax", "torch"))
    assert [f.message.split()[0] for f in findings] == ["torch"]
    assert [entry.reason for entry in undecided] == ["odd file"]


def test_a_framework_that_is_gone_since_the_baseline_is_reported_once() -> None:
    before, after = having(torch="2.13.0"), having(torch=None, jax=None)
    job = workload(["jax", "torch"], named=("jax", "torch"))
    found = judge_state(after, before, job, Policy()).findings
    about = [f.rule for f in found if f.rule in (NAMED, "framework-missing")]
    assert about == ["framework-missing", NAMED]


@pytest.mark.parametrize(
    ("rule", "field", "framework"),
    [
        ("torch-build-changed", "torch", "torch"),
        ("tensorflow-build-changed", "tensorflow", "tensorflow"),
    ],
)
def test_a_build_for_the_cpu_diverges_on_a_gpu_only(rule: str, field: str, framework: str) -> None:
    # On a CPU, PyTorch's builds may round differently; TensorFlow's gave the same bits.
    on_cpu = [Impact.NUMERIC] if framework == "torch" else []
    cuda, cpu = (having(**{field: {"version": "2.13.0", "build": b}}) for b in ("cuda", "cpu"))
    findings, undecided = drift(rule, cuda, cpu, [framework], "gpu")
    assert [(f.impact, f.before, f.after) for f in findings] == [(Impact.DIVERGES, "cuda", "cpu")]
    assert undecided == []
    assert [f.impact for f in drift(rule, cuda, cpu, [framework], "cpu")[0]] == on_cpu
    assert drift(rule, cuda, cuda, [framework], "gpu") == ([], [])
    unknown = fingerprint(unknown={f"facts.frameworks.{field}": "odd"})
    assert len(drift(rule, cuda, unknown, [framework], "gpu")[1]) == 1


def installed(framework: dict[str, Any], **distributions: dict[str, Any]) -> Fingerprint:
    names = {name.replace("_", "-"): entry for name, entry in distributions.items()}
    return fingerprint({"facts.frameworks": framework, "facts.packages.distributions": names})


def test_a_framework_is_restored_by_the_name_and_the_version_of_its_distribution() -> None:
    def remedies(before: Fingerprint, after: Fingerprint, framework: str) -> list[str]:
        rule = f"{framework}-version-changed"
        return [f.remedy for f in drift(rule, before, after, [framework])[0]]

    def tensorflow(name: str, version: str) -> Fingerprint:
        found = {"tensorflow": {"version": version, "distribution": name}}
        return installed(found, **{name: {"version": version, "installer": "pip"}})

    before = tensorflow("tensorflow-cpu", "2.18.1")
    again = tensorflow("tensorflow-cpu", "2.21.0")
    assert remedies(before, again, "tensorflow") == ["pip install tensorflow-cpu==2.18.1"]
    # Both own the same files: the other one goes first.
    assert remedies(before, tensorflow("tensorflow", "2.21.0"), "tensorflow") == [
        "pip uninstall --yes tensorflow; pip install tensorflow-cpu==2.18.1"
    ]

    def numpy(version: str, **entry: Any) -> Fingerprint:
        return installed({"numpy": {"version": version}}, numpy={"version": version, **entry})

    after = numpy("2.4.6")
    assert remedies(numpy("2.3.5", installer="conda"), after, "numpy") == [
        "conda install --yes numpy=2.3.5"
    ]
    editable = {"kind": "editable", "url": "file:///src", "vcs": None, "commit": None}
    assert remedies(numpy("2.3.5", origin=editable), after, "numpy") == [
        "Install the same version of NumPy."
    ]

    def jax(version: str) -> Fingerprint:
        return installed({"jax": {"version": version, "plugins": {"jax-cuda12-plugin": version}}})

    assert remedies(jax("0.7.2"), jax("0.10.2"), "jax") == ["pip install 'jax[cuda12]==0.7.2'"]
