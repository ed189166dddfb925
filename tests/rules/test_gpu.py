"""Rules about GPUs: each fires, stays quiet, and admits doubt."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.impact import Impact
from tests.builders.gpus import A10, BY_BUS, DEVICE, GIB, L4, T4, VISIBLE, machine, says
from tests.builders.support import drift, fingerprint, state


def test_another_architecture_is_numeric_and_names_both_cards() -> None:
    findings, undecided = drift(
        "gpu-architecture-changed", machine(A10), machine(L4), ["jax"], "gpu"
    )
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.before, f.after) for f in findings] == [
        (
            Impact.NUMERIC,
            "GPU 0 was NVIDIA A10 (compute capability 8.6), is NVIDIA L4 (compute capability 8.9)",
            (f"{DEVICE}.architecture", f"{DEVICE}.compute_capability", f"{DEVICE}.name"),
            "8.6",
            "8.9",
        )
    ]


def test_like_cards_changed_alike_are_one_finding() -> None:
    said = drift("gpu-architecture-changed", machine(A10, A10), machine(L4, L4), ["jax"], "gpu")
    assert [text[:10] for _, text in says(said)] == ["GPU 0, 1 w"]


@pytest.mark.parametrize(
    "after", [A10, A10 | {"uuid": "GPU-2", "bus_id": "0", "name": "NVIDIA A10M"}]
)
def test_another_card_of_the_same_kind_is_quiet(after: dict[str, Any]) -> None:
    for rule in ("gpu-architecture-changed", "gpu-sm-count-changed", "gpu-random-numbers-changed"):
        assert drift(rule, machine(A10), machine(after), ["torch"], "gpu") == ([], [])


def test_a_gpu_does_not_reach_work_on_the_cpu() -> None:
    for rule in ("gpu-architecture-changed", "gpu-tf32-crossed", "gpu-count-changed"):
        assert drift(rule, machine(T4), machine(L4, L4), ["torch"], "cpu") == ([], [])


def test_unknown_devices_leave_the_rule_undecided() -> None:
    silent = fingerprint({}, {"facts.gpu.devices": "NVML did not answer within 10 s"})
    findings, undecided = drift("gpu-architecture-changed", machine(T4), silent, ["torch"], "gpu")
    assert findings == []
    assert [(d.path, d.reason) for d in undecided] == [
        ("facts.gpu.devices", "NVML did not answer within 10 s")
    ]


def test_hidden_cards_are_not_compared() -> None:
    before = machine(T4, L4, more={VISIBLE: "1"} | BY_BUS)
    assert drift("gpu-architecture-changed", before, machine(L4), ["jax"], "gpu") == ([], [])


def test_a_name_that_may_be_that_of_a_silent_card_is_no_missing_card() -> None:
    first = A10 | {"uuid": "GPU-a"}
    named = {VISIBLE: "GPU-b"}
    before = machine(first, A10 | {"uuid": "GPU-b"}, more=named)
    after = machine(first, more=named | {"facts.gpu.count": 2})
    for rule in ("gpu-count-changed", "gpu-on-one-side-only"):
        findings, undecided = drift(rule, before, after, ["torch"], "gpu")
        assert (findings, [d.path for d in undecided]) == ([], ["facts.gpu.visible"])
    gone = machine(first, more=named)
    assert [f.after for f in drift("gpu-on-one-side-only", before, gone, ["torch"], "gpu")[0]] == [
        0
    ]


def test_which_of_unlike_cards_a_number_means_is_not_known_without_an_order() -> None:
    before = machine(T4, L4, more={VISIBLE: "1"})
    findings, undecided = drift("gpu-architecture-changed", before, machine(L4), ["jax"], "gpu")
    assert (findings, [d.path for d in undecided]) == ([], ["facts.gpu.visible"])
    assert drift("gpu-count-changed", before, machine(L4), ["jax"], "gpu") == ([], [])
    both = machine(T4, L4, more={VISIBLE: "1,0"})
    assert drift("gpu-architecture-changed", both, machine(T4, L4), ["jax"], "gpu") == ([], [])


@pytest.mark.parametrize("framework", ["tensorflow", "torch", "jax"])
def test_tf32_on_one_side_only_rounds_more_coarsely(framework: str) -> None:
    findings, undecided = drift("gpu-tf32-crossed", machine(T4), machine(L4), [framework], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.before, f.after) for f in findings] == [
        (
            Impact.NUMERIC,
            "TF32 of GPU 0 was off, is on",
            (f"{DEVICE}.compute_capability",),
            "7.5",
            "8.9",
        )
    ]
    back = drift("gpu-tf32-crossed", machine(L4), machine(T4), [framework], "gpu")
    assert says(back) == [(Impact.NUMERIC, "TF32 of GPU 0 was on, is off")]


def test_tf32_switched_off_or_on_both_sides_is_quiet() -> None:
    off = machine(L4, more={"facts.environ.variables[NVIDIA_TF32_OVERRIDE]": "0"})
    assert drift("gpu-tf32-crossed", machine(T4), off, ["torch"], "gpu") == ([], [])
    assert drift("gpu-tf32-crossed", machine(A10), machine(L4), ["torch"], "gpu") == ([], [])


def test_an_unknown_override_leaves_tf32_undecided() -> None:
    silent = machine(L4, unknown={"facts.environ.variables": "denied"})
    findings, undecided = drift("gpu-tf32-crossed", machine(T4), silent, ["torch"], "gpu")
    assert (findings, [d.reason for d in undecided]) == ([], ["denied"])


def test_architecture_and_tf32_each_say_their_own_and_the_size_is_silent() -> None:
    sides = machine(T4), machine(L4)
    said = {
        rule: drift(rule, *sides, ["jax"], "gpu")[0]
        for rule in ("gpu-architecture-changed", "gpu-tf32-crossed", "gpu-sm-count-changed")
    }
    assert [len(findings) for findings in said.values()] == [1, 1, 0]


def test_what_comes_with_another_card_is_explained_by_it() -> None:
    bigger = L4 | {"uuid": "GPU-2", "bus_id": "00:08.0", "memory_total_bytes": 24 * GIB}
    before = machine(T4 | {"uuid": "GPU-1", "bus_id": "00:07.0"})
    findings, _ = drift("gpu-architecture-changed", before, machine(bigger), ["jax"], "gpu")
    names = ("architecture", "bus_id", "compute_capability", "memory_total_bytes", "name", "uuid")
    assert findings[0].paths == tuple(f"{DEVICE}.{name}" for name in names)


def test_another_number_of_visible_gpus_is_another_run() -> None:
    said = drift("gpu-count-changed", machine(T4, T4), machine(T4), ["torch"], "gpu")
    assert says(said) == [(Impact.DIVERGES, "the number of visible GPUs was 2, is 1")]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [("0", 1), ("1,0", 2), ("0,7,1", 1), ("GPU-b", 1), ("MIG-c", 1), ("", 0), ("0, 1", 2)],
)
def test_the_variable_counts_as_cuda_reads_it(wanted: str, count: int) -> None:
    cards = (T4 | {"uuid": "GPU-a"}, T4 | {"uuid": "GPU-bb", "mig_devices": [{"uuid": "MIG-cc"}]})
    before = machine(*cards, *cards[:1])
    findings, _ = drift(
        "gpu-count-changed", before, machine(*cards, more={VISIBLE: wanted}), ["torch"], "gpu"
    )
    assert [f.after for f in findings] == ([count] if count else [])


def test_the_same_number_of_gpus_is_quiet() -> None:
    before = machine(T4, T4, more={VISIBLE: "1"})
    assert drift("gpu-count-changed", before, machine(T4), ["torch"], "gpu") == ([], [])


def test_a_gpu_on_one_side_only_is_another_run() -> None:
    none = fingerprint({"facts.gpu.devices": {}, "facts.gpu.count": 0})
    said = drift("gpu-on-one-side-only", machine(T4), none, ["tensorflow"], "gpu")
    assert says(said) == [(Impact.DIVERGES, "the number of visible GPUs was 1, is 0")]
    assert drift("gpu-on-one-side-only", none, none, ["tensorflow"], "gpu") == ([], [])


def test_jax_draws_the_same_numbers_without_a_gpu() -> None:
    none = fingerprint({"facts.gpu.devices": {}, "facts.gpu.count": 0})
    said = drift("gpu-on-one-side-only", none, machine(T4), ["jax", "numpy"], "gpu")
    assert says(said) == [(Impact.NUMERIC, "the number of visible GPUs was 0, is 1")]
    said = drift("gpu-on-one-side-only", none, machine(T4), ["jax", "torch"], "gpu")
    assert says(said) == [(Impact.DIVERGES, "the number of visible GPUs was 0, is 1")]


def test_a_gpu_that_may_be_there_is_undecided() -> None:
    silent = fingerprint({}, {"facts.gpu.devices": "refused", "facts.gpu.count": "refused"})
    findings, undecided = drift("gpu-on-one-side-only", machine(T4), silent, ["torch"], "gpu")
    assert findings == []
    assert [d.path for d in undecided] == ["facts.gpu.devices"]


def test_a_gpu_that_cannot_be_used_is_said_with_the_reason() -> None:
    now = fingerprint({"facts.gpu.status": "the kernel module is not loaded"})
    assert says(state("gpu-not-usable", now, ["torch"], "gpu")) == [
        (Impact.DIVERGES, "no GPU can be used: the kernel module is not loaded")
    ]
    assert state("gpu-not-usable", machine(T4), ["torch"], "gpu") == ([], [])
    assert state("gpu-not-usable", now, ["torch"], "cpu") == ([], [])


def test_a_driver_that_hangs_leaves_usability_undecided() -> None:
    now = fingerprint({}, {"facts.gpu.status": "no answer"})
    findings, undecided = state("gpu-not-usable", now, ["torch"], "gpu")
    assert (findings, [d.reason for d in undecided]) == ([], ["no answer"])


def test_a_card_closed_to_computing_breaks() -> None:
    now = machine(T4 | {"compute_mode": "default"}, T4 | {"compute_mode": "prohibited"})
    assert says(state("gpu-compute-prohibited", now, ["jax"], "gpu")) == [
        (Impact.BREAKS, "GPU 1 does not allow computing")
    ]
    hidden = machine(T4, T4 | {"compute_mode": "prohibited"}, more={VISIBLE: "0"})
    assert state("gpu-compute-prohibited", hidden, ["jax"], "gpu") == ([], [])


def test_an_unknown_compute_mode_is_undecided() -> None:
    now = machine(T4, unknown={f"{DEVICE}.compute_mode": "denied"})
    _, undecided = state("gpu-compute-prohibited", now, ["jax"], "gpu")
    assert [d.path for d in undecided] == [f"{DEVICE}.compute_mode"]


def test_a_batch_that_does_not_divide_is_advice_with_the_real_split() -> None:
    now = machine(T4)
    said, undecided = state(
        "batch-not-divisible", now, ["tensorflow"], "gpu", batch_size=32, replicas=3
    )
    assert undecided == []
    assert [(f.message, f.remedy) for f in said] == [
        (
            "a batch of 32 on 3 replicas: 10, 10, 12 in Keras; PyTorch's sampler repeats samples "
            "until it divides",
            "Use a batch size of 30 or 33.",
        )
    ]


@pytest.mark.parametrize("options", [{}, {"batch_size": 32}, {"batch_size": 32, "replicas": 2}])
def test_a_batch_that_divides_or_is_not_given_is_quiet(options: dict[str, int]) -> None:
    assert state("batch-not-divisible", machine(T4), ["torch"], "gpu", **options) == ([], [])


def test_without_replicas_the_visible_gpus_count() -> None:
    unknown = machine(T4, unknown={"facts.gpu.devices": "denied"})
    _, undecided = state("batch-not-divisible", unknown, ["torch"], "gpu", batch_size=32)
    assert [d.path for d in undecided] == ["facts.gpu.devices"]
