"""Rules about variables that reach the job only on some GPUs, or only on several."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from tests.builders.gpus import L4, T4, VISIBLE, machine, says
from tests.builders.support import drift, fingerprint

ALGORITHM = "nccl-algorithm-changed"
NVLS = "nccl-nvls-changed"
TF32 = "tf32-override-changed"
H100 = {"name": "NVIDIA H100", "compute_capability": "9.0", "sm_count": 132}


def named(variable: str) -> str:
    return f"facts.environ.variables[{variable}]"


def on(*cards: dict[str, Any], **variables: str) -> Fingerprint:
    return machine(*cards, more={"facts.environ.variables": variables})


@pytest.mark.parametrize("name", ["NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"])
def test_tf32_overridden_where_the_card_has_it_is_numeric(name: str) -> None:
    findings, undecided = drift(TF32, on(L4), on(L4, **{name: "0"}), ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.before, f.after) for f in findings] == [
        (Impact.NUMERIC, f"{name} was unset, is 0", (named(name),), None, "0")
    ]


def test_tf32_overridden_on_cards_without_it_or_on_the_cpu_is_quiet() -> None:
    off = {"NVIDIA_TF32_OVERRIDE": "0"}
    assert drift(TF32, on(T4), on(T4, **off), ["tensorflow"], "gpu") == ([], [])
    assert drift(TF32, on(L4), on(L4, **off), ["tensorflow"], "cpu") == ([], [])
    assert drift(TF32, on(L4, **off), on(L4, **off), ["tensorflow"], "gpu") == ([], [])
    hidden = {"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    sides = on(T4, L4, **hidden), on(T4, L4, **hidden, **off)
    assert drift(TF32, *sides, ["tensorflow"], "gpu") == ([], [])


def test_a_card_with_tf32_on_one_side_is_enough() -> None:
    said = drift(TF32, on(T4), on(L4, NVIDIA_TF32_OVERRIDE="0"), ["jax"], "gpu")
    assert says(said) == [(Impact.NUMERIC, "NVIDIA_TF32_OVERRIDE was unset, is 0")]


@pytest.mark.parametrize(
    ("name", "value"),
    [("NCCL_ALGO", "Ring"), ("NCCL_PROTO", "Simple"), ("NCCL_MAX_NCHANNELS", "4")],
)
def test_another_reduction_over_several_gpus_is_numeric(name: str, value: str) -> None:
    findings, undecided = drift(ALGORITHM, on(T4, T4), on(T4, T4, **{name: value}), ["jax"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.before, f.after) for f in findings] == [
        (Impact.NUMERIC, f"{name} was unset, is {value}", (named(name),), None, value)
    ]


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        ({}, {}, 0),
        ({"WORLD_SIZE": "8"}, {"WORLD_SIZE": "8"}, 1),
        ({"WORLD_SIZE": "10"}, {"WORLD_SIZE": "10"}, 1),
        ({"WORLD_SIZE": "1"}, {"WORLD_SIZE": "8"}, 0),
        ({"WORLD_SIZE": "eight"}, {"WORLD_SIZE": "eight"}, 0),
    ],
)
def test_with_one_visible_gpu_the_number_of_processes_decides(
    before: dict[str, str], after: dict[str, str], count: int
) -> None:
    sides = on(T4, **before), on(T4, **after, NCCL_ALGO="Tree")
    findings, undecided = drift(ALGORITHM, *sides, ["torch"], "gpu")
    assert (len(findings), undecided) == (count, [])


@pytest.mark.parametrize(("tasks", "count"), [(8, 1), (1, 0)])
def test_a_job_of_srun_has_several_processes_too(tasks: int, count: int) -> None:
    """SLURM_NTASKS says of how many a job consists, where no WORLD_SIZE does."""
    job = {"facts.environ.world_size": {"processes": tasks, "variable": "SLURM_NTASKS"}}
    algorithm = {named("NCCL_ALGO"): "Tree"}
    sides = machine(T4, more=job), machine(T4, more={**job, **algorithm})
    findings, undecided = drift(ALGORITHM, *sides, ["torch"], "gpu")
    assert (len(findings), undecided) == (count, [])


def test_several_gpus_of_which_one_is_visible_are_one() -> None:
    sides = [on(H100, H100, CUDA_VISIBLE_DEVICES="1", **more) for more in ({}, {"NCCL_ALGO": "x"})]
    assert drift(ALGORITHM, sides[0], sides[1], ["torch"], "gpu") == ([], [])
    assert drift(ALGORITHM, on(T4, T4), on(T4, T4, NCCL_ALGO="x"), ["numpy"], "gpu") == ([], [])
    assert drift(ALGORITHM, on(T4, T4), on(T4, T4, NCCL_DEBUG="x"), ["torch"], "gpu") == ([], [])


def test_sums_in_the_switch_on_one_side_only_are_numeric() -> None:
    sides = on(H100, H100), on(H100, H100, NCCL_NVLS_ENABLE="0")
    findings, undecided = drift(NVLS, *sides, ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.before, f.after, f.remedy) for f in findings] == [
        (
            Impact.NUMERIC,
            "NCCL_NVLS_ENABLE was unset, is 0",
            (named("NCCL_NVLS_ENABLE"),),
            None,
            "0",
            "export NCCL_NVLS_ENABLE=0",
        )
    ]


@pytest.mark.parametrize(
    ("cards", "before", "after"),
    [
        ((H100,), {}, {"NCCL_NVLS_ENABLE": "0"}),
        ((L4, L4), {}, {"NCCL_NVLS_ENABLE": "0"}),
        ((H100, H100), {}, {"NCCL_NVLS_ENABLE": "2"}),
        ((H100, H100), {"NCCL_NVLS_ENABLE": "1"}, {"NCCL_NVLS_ENABLE": "2"}),
        ((H100, H100), {"NCCL_NVLS_ENABLE": "0"}, {"NCCL_NVLS_ENABLE": "0"}),
    ],
)
def test_what_leaves_the_switch_as_it_is_is_quiet(
    cards: tuple[dict[str, Any], ...], before: dict[str, str], after: dict[str, str]
) -> None:
    assert drift(NVLS, on(*cards, **before), on(*cards, **after), ["torch"], "gpu") == ([], [])


@pytest.mark.parametrize(
    ("rule", "name"),
    [(TF32, "NVIDIA_TF32_OVERRIDE"), (ALGORITHM, "NCCL_ALGO"), (NVLS, "NCCL_NVLS_ENABLE")],
)
def test_unknown_variables_or_cards_leave_a_switch_undecided(rule: str, name: str) -> None:
    after = on(H100, H100, **{name: "0"})
    silent = fingerprint(unknown={"facts.environ": "denied"})
    findings, undecided = drift(rule, silent, after, ["torch"], "gpu")
    assert (findings, [d.reason for d in undecided]) == ([], ["denied"])
    cards = fingerprint({VISIBLE: None}, {"facts.gpu": "no answer"})
    findings, undecided = drift(rule, cards, after, ["torch"], "gpu")
    assert (findings, [d.path for d in undecided]) == ([], ["facts.gpu"])
