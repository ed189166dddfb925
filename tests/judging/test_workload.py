"""For which job a report judges when nobody says: what is installed, and whether a GPU is meant."""

from __future__ import annotations

import json
from typing import Any

import pytest

from envprint.core.fingerprint import FRAMEWORKS, Fingerprint
from envprint.core.impact import Impact
from envprint.core.report import Report
from envprint.core.workload import detect
from envprint.documents.codec import fingerprint_shape
from envprint.judging.context import Request, agreed
from envprint.judging.policy.model import Policy
from envprint.outputs.formats.json import render as render_json
from envprint.outputs.formats.text import render
from tests.builders.judged import judge_drift
from tests.builders.support import fingerprint

HIDDEN = "facts.environ.variables[CUDA_VISIBLE_DEVICES]"
CARD = {"facts.gpu.devices": {"0": {"name": "Tesla T4"}}, "facts.gpu.status": "ok"}
NONE = {"facts.gpu.devices": {}, "facts.gpu.status": "libnvidia-ml.so.1 is not installed"}
TORCH = {"facts.frameworks.torch": {"version": "2.13.0"}}
SILENT = {"facts.gpu.devices": "the driver does not answer"}


def device(values: dict[str, Any], unknown: dict[str, str] | None = None, **options: Any) -> str:
    return detect(fingerprint({**TORCH, **values}, unknown), **options).device


def test_a_gpu_that_is_there_is_meant_unless_it_is_hidden() -> None:
    assert device(CARD) == "gpu"
    assert device(NONE) == "cpu"
    for hidden in ("", "-1", "NoDevFiles"):
        assert device({**CARD, HIDDEN: hidden}) == "cpu"
    # A list that fits none of the GPUs is a mistake, and not the wish to have none.
    assert device({**CARD, HIDDEN: "7"}) == "gpu"
    assert device(CARD, device="cpu") == "cpu"


@pytest.mark.parametrize(
    ("values", "unknown"),
    [
        ({"facts.gpu.status": "driver library 550.107.02, kernel module 550.90.07"}, SILENT),
        ({"facts.gpu.library_path": "/usr/lib/libnvidia-ml.so.1"}, SILENT),
        (
            {"facts.gpu.library_path": "/usr/lib/libnvidia-ml.so.1"},
            {**SILENT, "facts.gpu.status": "NVML did not answer within 10 s"},
        ),
    ],
)
def test_a_driver_that_does_not_answer_is_no_machine_without_a_gpu(
    values: dict[str, Any], unknown: dict[str, str]
) -> None:
    assert device(values, unknown) == "gpu"
    assert device({**values, HIDDEN: "-1"}, unknown) == "cpu"


def test_where_not_even_a_driver_is_known_there_is_nothing_to_expect() -> None:
    everything = dict.fromkeys(
        ("facts.gpu.devices", "facts.gpu.status", "facts.gpu.library_path"), "not asked"
    )
    assert device({}, everything) == "cpu"


def test_what_asks_for_gpu_memory_is_for_a_gpu() -> None:
    assert device(NONE, needs_gpu=True) == "gpu"
    assert device(NONE, needs_gpu=True, device="cpu") == "cpu"


def test_a_gpu_that_was_there_is_meant() -> None:
    before: Fingerprint = fingerprint({**TORCH, **CARD})
    assert detect(fingerprint({**TORCH, **NONE}), before).device == "gpu"


def test_work_with_numpy_alone_is_on_the_cpu() -> None:
    now = fingerprint({**TORCH, **CARD})
    assert detect(now, frameworks=["numpy", "scikit-learn"]).device == "cpu"
    assert detect(now, frameworks=["numpy", "torch"]).device == "gpu"
    assert detect(now, frameworks=["numpy"], device="gpu").device == "gpu"
    # Without any framework it may be observed from an environment of its own.
    assert detect(fingerprint(CARD)).device == "gpu"


def installed(*frameworks: str, unknown: tuple[str, ...] = ()) -> Fingerprint:
    places = [f"facts.frameworks.{name.replace('-', '_')}" for name in FRAMEWORKS]
    have = [f"facts.frameworks.{name.replace('-', '_')}" for name in frameworks]
    values = {place: {"version": "1.0"} if place in have else None for place in places}
    return fingerprint(values, {f"facts.frameworks.{name}": "not readable" for name in unknown})


@pytest.mark.parametrize(
    ("baseline", "current", "judged", "only_baseline", "only_current"),
    [
        # A developer's tool on one machine, beside what both train with.
        ("numpy tensorflow torch", "numpy tensorflow", "numpy tensorflow", "torch", ""),
        ("numpy tensorflow", "numpy tensorflow torch", "numpy tensorflow", "", "torch"),
        ("numpy torch scikit-learn", "numpy torch", "numpy torch", "scikit-learn", ""),
        ("jax numpy torch", "numpy tensorflow torch", "numpy torch", "jax", "tensorflow"),
        # The only library that trains is gone: NumPy, which comes with each, is no other.
        ("numpy torch", "numpy", "numpy torch", "", ""),
        ("numpy torch", "", "numpy torch", "", ""),
        ("numpy scikit-learn torch", "numpy scikit-learn", "numpy scikit-learn torch", "", ""),
        ("numpy scikit-learn", "numpy", "numpy scikit-learn", "", ""),
        ("numpy torch", "numpy tensorflow", "numpy torch", "", "tensorflow"),
        # What only the current side has did not train the baseline.
        ("numpy", "numpy torch", "numpy", "", "torch"),
        ("numpy scikit-learn", "numpy torch", "numpy scikit-learn", "", "torch"),
        # Unless the baseline has nothing at all.
        ("", "numpy torch", "numpy torch", "", ""),
        ("", "", "", "", ""),
    ],
)
def test_a_framework_of_one_side_counts_only_if_it_is_what_trains(
    baseline: str, current: str, judged: str, only_baseline: str, only_current: str
) -> None:
    job = detect(installed(*current.split()), installed(*baseline.split()))
    assert job.frameworks == tuple(judged.split())
    assert job.only_baseline == tuple(only_baseline.split())
    assert job.only_current == tuple(only_current.split())


def test_a_framework_that_is_named_counts_wherever_it_is() -> None:
    before, after = installed("numpy", "tensorflow", "torch"), installed("numpy", "tensorflow")
    job = detect(after, before, frameworks=["torch"])
    assert (job.frameworks, job.only_baseline) == (("torch",), ())


def test_a_framework_that_is_unknown_on_one_side_is_not_only_on_the_other() -> None:
    before, after = installed("tensorflow", "torch"), installed("tensorflow", unknown=("torch",))
    assert detect(after, before).frameworks == ("tensorflow", "torch")
    assert detect(before, after).frameworks == ("tensorflow", "torch")


def test_a_developers_tool_on_one_machine_does_not_make_a_fleet_break() -> None:
    with_torch, without = (
        installed("numpy", "tensorflow", "torch"),
        installed("numpy", "tensorflow"),
    )
    for before, after, side in (
        (with_torch, without, "baseline"),
        (without, with_torch, "current"),
    ):
        report = judge_drift(before, after, detect(after, before), Policy())
        assert report.impact is Impact.NONE
        where = {"baseline": "before", "current": "now"}[side]
        text = f"only {where}: torch, not judged; if the job uses it: --framework torch"
        assert text in " ".join(render(report).split())
        context = json.loads(render_json(report))["context"]
        assert context[f"only_{side}"] == ["torch"]
    named = detect(without, with_torch, frameworks=["torch"])
    assert judge_drift(with_torch, without, named, Policy()).impact is Impact.BREAKS


def test_an_environment_without_the_library_that_trained_breaks() -> None:
    before, after = installed("numpy", "torch"), installed("numpy")
    report = judge_drift(before, after, detect(after, before), Policy())
    assert [finding.rule for finding in report.findings] == ["framework-missing"]


def judged_for(name: str, before: Fingerprint, after: Fingerprint) -> Report:
    context = agreed(Request(frameworks=(name,)), fingerprint_shape)
    return context.drift(before, after)


def with_packages(numpy: str, **versions: str) -> Fingerprint:
    everything = {"numpy": numpy, **versions}
    return fingerprint(
        {
            "facts.packages.distributions": {n: {"version": v} for n, v in everything.items()},
            "facts.frameworks.numpy": {"version": numpy},
        }
    )


@pytest.mark.parametrize("name", ["xgboost", "polars", "gensim", "librosa", "catboost"])
def test_numpy_is_not_blamed_for_a_job_of_another_library(name: str) -> None:
    before, after = with_packages("2.1.3", **{name: "1.0"}), with_packages("2.4.6", **{name: "1.0"})
    report = judged_for(name, before, after)
    assert (report.impact.word, report.workload.frameworks) == ("none", ())
    assert report.workload.libraries[0] == name or name in report.workload.libraries
    assert report.not_checked is None


def test_numpy_counts_for_a_library_that_computes_with_it() -> None:
    before = with_packages("2.1.3", statsmodels="0.14.5")
    after = with_packages("2.4.6", statsmodels="0.14.5")
    report = judged_for("statsmodels", before, after)
    assert (report.impact.word, report.workload.frameworks) == ("numeric", ("numpy",))


def test_another_library_that_trains_is_not_listed_for_a_job_that_names_its_own() -> None:
    before = with_packages("2.1.3", lightgbm="4.6.0", hdbscan="0.8.40")
    after = with_packages("2.1.3", lightgbm="4.6.0", hdbscan="0.9.0")
    assert judged_for("lightgbm", before, after).unjudged == ()
    assert [one.name for one in judged_for("hdbscan", before, after).unjudged] == ["hdbscan"]


def test_a_named_library_that_is_not_installed_breaks_a_check() -> None:
    context = agreed(Request(frameworks=("xgboost",)), fingerprint_shape)
    report = context.state(with_packages("2.4.6"), None)
    assert [f.rule for f in report.findings] == ["framework-named-missing"]
    assert report.findings[0].message.startswith("xgboost is named and is not installed")
    assert context.drift(with_packages("2.4.6"), with_packages("2.4.6")).findings == ()
    opencv = agreed(Request(frameworks=("opencv-python",)), fingerprint_shape)
    headless = with_packages("2.4.6", **{"opencv-python-headless": "4.10.0.84"})
    assert opencv.state(headless, None).findings == ()


def test_imported_modules_tell_the_libraries_where_none_is_named() -> None:
    context = agreed(Request(modules=frozenset(["xgboost", "json"])), fingerprint_shape)
    assert context.workload(with_packages("2.4.6"), None).libraries == ("xgboost", "xgboost-cpu")
