"""Rules about variables around a GPU."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from tests.builders.gpus import A10, T4, machine
from tests.builders.support import drift, fingerprint

DENIED = {"facts.environ.variables": "denied"}


def variable(name: str) -> str:
    return f"facts.environ.variables[{name}]"


SINGLE = variable("CUBLAS_EMULATE_SINGLE_PRECISION")
STRATEGY = variable("CUBLAS_EMULATION_STRATEGY")
B200 = A10 | {"name": "NVIDIA B200", "compute_capability": "10.0"}


def with_variables(card: dict[str, Any], **values: str | None) -> Fingerprint:
    return machine(card, more={"facts.environ.variables": values})


def test_emulation_in_cublas_is_numeric() -> None:
    after = with_variables(B200, CUBLAS_EMULATE_SINGLE_PRECISION="1")
    findings, undecided = drift(
        "cublas-emulation-changed", with_variables(B200), after, ["torch"], "gpu"
    )
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.before, f.after) for f in findings] == [
        (
            Impact.NUMERIC,
            "CUBLAS_EMULATE_SINGLE_PRECISION was unset, is 1",
            (SINGLE,),
            None,
            "1",
        )
    ]


def test_how_it_is_emulated_counts_while_it_is() -> None:
    on = {"CUBLAS_EMULATE_DOUBLE_PRECISION": "1"}
    sides = (
        with_variables(B200, **on, CUBLAS_EMULATION_STRATEGY="eager"),
        with_variables(B200, **on, CUBLAS_EMULATION_STRATEGY="performant"),
    )
    findings, _ = drift("cublas-emulation-changed", *sides, ["jax"], "gpu")
    assert [f.paths for f in findings] == [(STRATEGY,)]


@pytest.mark.parametrize(
    ("card", "values"),
    [
        (B200, {"CUBLAS_EMULATION_STRATEGY": "eager"}),
        (B200, {"CUBLAS_EMULATE_SINGLE_PRECISION": "0"}),
        (T4, {"CUBLAS_EMULATE_SINGLE_PRECISION": "1"}),
        (B200, {}),
    ],
)
def test_emulation_that_is_off_or_impossible_is_quiet(
    card: dict[str, Any], values: dict[str, str]
) -> None:
    sides = with_variables(card), with_variables(card, **values)
    assert drift("cublas-emulation-changed", *sides, ["torch"], "gpu") == ([], [])


def test_unknown_variables_or_gpus_leave_emulation_undecided() -> None:
    hidden = fingerprint({SINGLE: "1"}, {"facts.gpu.devices": "denied"})
    for after in (fingerprint({}, DENIED), hidden):
        findings, undecided = drift(
            "cublas-emulation-changed", with_variables(B200), after, ["torch"], "gpu"
        )
        assert (findings, [d.reason for d in undecided]) == ([], ["denied"])


def test_an_allocator_changes_nothing_and_says_so() -> None:
    sides = with_variables(T4), with_variables(T4, PYTORCH_CUDA_ALLOC_CONF="backend:native")
    findings, undecided = drift("gpu-allocator-changed", *sides, ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths) for f in findings] == [
        (
            Impact.NONE,
            "PYTORCH_CUDA_ALLOC_CONF was unset, is backend:native",
            (variable("PYTORCH_CUDA_ALLOC_CONF"),),
        )
    ]
    assert drift("gpu-allocator-changed", *sides, ["tensorflow"], "gpu") == ([], [])
    assert drift("gpu-allocator-changed", sides[1], sides[1], ["torch"], "gpu") == ([], [])
    silent = fingerprint({}, DENIED)
    assert len(drift("gpu-allocator-changed", sides[0], silent, ["torch"], "gpu")[1]) == 1


def test_another_limit_of_workspaces_is_numeric() -> None:
    name = "TF_CUDNN_WORKSPACE_LIMIT_IN_MB"
    sides = with_variables(T4, **{name: "1024"}), with_variables(T4, **{name: "64"})
    rule = "tensorflow-cudnn-workspace-changed"
    findings, undecided = drift(rule, *sides, ["tensorflow"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.before, f.after) for f in findings] == [
        (Impact.NUMERIC, f"{name} was 1024, is 64", (variable(name),), "1024", "64")
    ]
    assert drift(rule, *sides, ["tensorflow"], "cpu") == ([], [])
    assert drift(rule, *sides, ["torch"], "gpu") == ([], [])
    assert drift(rule, sides[1], sides[1], ["tensorflow"], "gpu") == ([], [])
    assert len(drift(rule, sides[0], fingerprint({}, DENIED), ["tensorflow"], "gpu")[1]) == 1


def test_amds_half_precision_counts_in_a_build_for_amd() -> None:
    rule, name = "torch-rocm-subnormals-changed", "ROCBLAS_INTERNAL_FP16_ALT_IMPL"
    build = "facts.frameworks.torch.build"
    before = fingerprint({build: "rocm"})
    after = fingerprint({build: "rocm", variable(name): "1"})
    findings, undecided = drift(rule, before, after, ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths) for f in findings] == [
        (Impact.NUMERIC, f"{name} was unset, is 1", (variable(name),))
    ]
    nvidia = fingerprint({build: "cuda"}), fingerprint({build: "cuda", variable(name): "1"})
    assert drift(rule, *nvidia, ["torch"], "gpu") == ([], [])
    assert drift(rule, before, before, ["torch"], "gpu") == ([], [])
    silent = fingerprint({build: "rocm"}, DENIED)
    assert len(drift(rule, before, silent, ["torch"], "gpu")[1]) == 1


MPS = "gpu-mps-share-changed"


@pytest.mark.parametrize(
    "name",
    [
        "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE",
        "CUDA_MPS_ENABLE_PER_CTX_DEVICE_MULTIPROCESSOR_PARTITIONING",
        "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT",
        "CUDA_MPS_PIPE_DIRECTORY",
    ],
)
def test_another_share_of_the_gpu_by_mps_is_numeric(name: str) -> None:
    before, after = with_variables(A10), with_variables(A10, **{name: "50"})
    findings, undecided = drift(MPS, before, after, ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message) for f in findings] == [
        (Impact.NUMERIC, f"{name} was unset, is 50")
    ]
    assert drift(MPS, after, after, ["torch"], "gpu") == ([], [])
    assert drift(MPS, before, after, ["torch"], "cpu") == ([], [])


def test_unknown_variables_leave_the_share_undecided() -> None:
    silent = fingerprint({}, DENIED)
    findings, undecided = drift(MPS, silent, with_variables(A10), ["torch"], "gpu")
    assert findings == []
    assert {one.reason for one in undecided} == {"denied"}
