"""For which job a report judges when nobody says: what is installed, and whether a GPU is meant."""

from __future__ import annotations

import json
from typing import Any

import pytest

from envprint.core.fingerprint import FRAMEWORKS, Fingerprint
from envprint.core.impact import Impact
from envprint.core.workload import detect
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
