"""Rules about AMD's GPUs and ROCm."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.workload import detect
from tests.builders.gpus import says
from tests.builders.support import drift, fingerprint, state

VARIABLES = "facts.environ.variables"
MI250X = {"1": {"target": "gfx90a", "simd_count": 440}}


def amd(**changes: Any) -> Fingerprint:
    values = {
        "facts.rocm.kfd_device": True,
        "facts.rocm.version": "6.2.4",
        "facts.rocm.driver_version": "6.8.5",
        "facts.rocm.gpus": MI250X,
        "facts.frameworks.torch.version": "2.9.0+rocm6.4",
        "facts.frameworks.torch.build": "rocm",
        "facts.gpu.status": "libnvidia-ml.so.1 is not installed",
        "facts.gpu.count": 0,
        "facts.gpu.devices": {},
        VARIABLES: {},
    }
    return fingerprint(values | changes)


@pytest.mark.parametrize(
    ("rule", "path", "after", "message"),
    [
        (
            "rocm-version-changed",
            "facts.rocm.version",
            "6.4.0",
            "ROCm was 6.2.4, is 6.4.0",
        ),
        (
            "rocm-version-changed",
            "facts.rocm.driver_version",
            "6.10.5",
            "the amdgpu driver was 6.8.5, is 6.10.5",
        ),
        (
            "rocm-gpus-changed",
            "facts.rocm.gpus",
            {"1": {"target": "gfx942", "simd_count": 1216}},
            "AMD GPUs were gfx90a (440 SIMD units); are gfx942 (1216 SIMD units)",
        ),
    ],
)
def test_another_rocm_or_gpu_is_numeric(rule: str, path: str, after: Any, message: str) -> None:
    said = drift(rule, amd(), amd(**{path: after}), ["torch"], "gpu")
    assert says(said) == [(Impact.NUMERIC, message)]
    assert drift(rule, amd(), amd(), ["torch"], "gpu") == ([], [])
    no_rocm = amd(**{path: after, "facts.rocm.kfd_device": False})
    assert drift(rule, amd(), no_rocm, ["torch"], "gpu") == ([], [])


@pytest.mark.parametrize("name", ["HSA_OVERRIDE_GFX_VERSION", "MIOPEN_FIND_MODE"])
def test_a_variable_that_chooses_kernels_is_numeric(name: str) -> None:
    rule = "rocm-variables-changed"
    findings, _ = drift(rule, amd(), amd(**{VARIABLES: {name: "3"}}), ["torch"], "gpu")
    assert [f.impact for f in findings] == [Impact.NUMERIC]
    assert drift(rule, amd(), amd(**{VARIABLES: {"HIP_LAUNCH": "1"}}), ["torch"], "gpu") == ([], [])


@pytest.mark.parametrize(
    "rule", ["rocm-version-changed", "rocm-gpus-changed", "rocm-variables-changed"]
)
def test_without_knowing_the_driver_nothing_is_decided(rule: str) -> None:
    old = amd()
    unknown = old._replace(unknown={**old.unknown, "facts.rocm": "not recorded"})
    findings, undecided = drift(rule, old, unknown, ["torch"], "gpu")
    assert (findings, len(undecided)) == ([], 1)


def test_a_build_for_rocm_on_such_a_machine_is_meant_for_the_gpu() -> None:
    assert detect(amd()).device == "gpu"
    assert detect(amd(**{VARIABLES: {"HIP_VISIBLE_DEVICES": "-1"}})).device == "cpu"
    assert detect(amd(**{"facts.frameworks.torch.build": "cpu"})).device == "cpu"


def test_nvidias_missing_driver_is_no_matter_there() -> None:
    assert state("gpu-not-usable", amd(), ["torch"], "gpu") == ([], [])
