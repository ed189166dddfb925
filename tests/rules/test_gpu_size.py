"""Rules about the size of a GPU and the part of it that a program gets."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.impact import Impact
from tests.builders.gpus import A2, A10, DEVICE, GIB, L4, MIB, T4, VISIBLE, machine, says
from tests.builders.support import drift, state

RANDOM = "gpu-random-numbers-changed"
MIG = "gpu-mig-changed"
A100 = {
    "name": "NVIDIA A100-SXM4-40GB",
    "compute_capability": "8.0",
    "architecture": "Ampere",
    "sm_count": 108,
    "memory_total_bytes": 40 * GIB,
    "mig_mode": "off",
    "mig_devices": [],
}


def part(profile: str, uuid: str, sm_count: int, mib: int) -> dict[str, Any]:
    name = f"NVIDIA A100-SXM4-40GB MIG {profile}"
    memory = mib * MIB
    return {"name": name, "uuid": uuid, "sm_count": sm_count, "memory_total_bytes": memory}


SMALL = part("1g.5gb", "MIG-aa", 14, 4864)
LARGE = part("3g.20gb", "MIG-bb", 42, 19968)


def divided(*parts: dict[str, Any]) -> dict[str, Any]:
    return A100 | {"mig_mode": "on", "mig_devices": list(parts)}


def test_another_number_of_multiprocessors_is_numeric() -> None:
    said = drift("gpu-sm-count-changed", machine(A10), machine(A2), ["tensorflow"], "gpu")
    assert says(said) == [(Impact.NUMERIC, "GPU 0 had 72 streaming multiprocessors, has 10")]


def test_an_unknown_number_of_multiprocessors_is_undecided() -> None:
    after = machine(
        {k: v for k, v in A10.items() if k != "sm_count"},
        unknown={f"{DEVICE}.sm_count": "not in envprint's table"},
    )
    findings, undecided = drift("gpu-sm-count-changed", machine(A10), after, ["torch"], "gpu")
    assert findings == []
    assert [d.path for d in undecided] == [f"{DEVICE}.sm_count"]


def test_torch_draws_other_numbers_beyond_the_smaller_cards_wave() -> None:
    said = drift("gpu-random-numbers-changed", machine(T4), machine(L4), ["torch"], "gpu")
    assert says(said) == [
        (
            Impact.DIVERGES,
            "GPU 0: PyTorch draws different random numbers on this GPU for tensors of more than "
            "40,960 elements",
        )
    ]


def test_a_card_newer_than_the_table_leaves_random_numbers_undecided() -> None:
    newer = machine(T4 | {"compute_capability": "99.0"})
    findings, undecided = drift("gpu-random-numbers-changed", machine(T4), newer, ["torch"], "gpu")
    assert findings == []
    assert [(d.path, d.reason) for d in undecided] == [
        (f"{DEVICE}.compute_capability", "threads per SM of 99.0 are not in envprint's table")
    ]


def test_random_numbers_of_tensorflow_and_jax_do_not_depend_on_the_size() -> None:
    for framework in ("tensorflow", "jax", "numpy"):
        assert drift(RANDOM, machine(T4), machine(L4), [framework], "gpu") == ([], [])


@pytest.mark.parametrize(
    ("before", "after", "elements"),
    [
        ({"compute_capability": "7.5", "sm_count": 40}, A100, "40,960"),
        (A100, {"compute_capability": "9.0", "sm_count": 132}, "221,184"),
        (A100, divided(SMALL), "28,672"),
        (divided(LARGE), divided(SMALL), "28,672"),
        (
            {"compute_capability": "6.1", "sm_count": 28},
            {"compute_capability": "7.5", "sm_count": 68},
            "57,344",
        ),
    ],
)
def test_the_size_named_is_the_limit_of_the_smaller_gpu(
    before: dict[str, Any], after: dict[str, Any], elements: str
) -> None:
    findings, undecided = drift(RANDOM, machine(before), machine(after), ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message) for f in findings] == [
        (
            Impact.DIVERGES,
            "GPU 0: PyTorch draws different random numbers on this GPU for tensors of more than "
            f"{elements} elements",
        )
    ]


def test_two_unlike_gpus_with_one_limit_draw_alike() -> None:
    ada = machine(L4 | {"sm_count": 80})
    ampere = machine(A100 | {"sm_count": 60})
    assert drift(RANDOM, ada, ampere, ["torch"], "gpu") == ([], [])


def test_a_part_of_a_gpu_is_compared_with_the_whole() -> None:
    findings, undecided = drift(
        MIG, machine(A100), machine(divided(SMALL, SMALL)), ["torch"], "gpu"
    )
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.before, f.after) for f in findings] == [
        (
            Impact.NUMERIC,
            "GPU 0 was used whole with 108 multiprocessors and 40.0 GiB, is used as 1g.5gb with "
            "14 multiprocessors and 4,864 MiB",
            (f"{DEVICE}.mig_devices", f"{DEVICE}.mig_mode"),
            "whole",
            "1g.5gb",
        )
    ]


def test_the_part_that_is_given_counts_and_not_the_rest_of_the_gpu() -> None:
    alone, beside = machine(divided(SMALL)), machine(divided(SMALL, LARGE))
    for rule in (MIG, RANDOM, "gpu-sm-count-changed", "gpu-memory-total-smaller"):
        assert drift(rule, alone, beside, ["torch"], "gpu") == ([], [])


def test_the_variable_chooses_the_part() -> None:
    first = machine(divided(SMALL, LARGE), more={"facts.environ.variables": {}})
    second = machine(divided(SMALL, LARGE), more={VISIBLE: "MIG-bb"})
    findings, _ = drift(MIG, first, second, ["jax"], "gpu")
    assert [(f.paths, f.before, f.after) for f in findings] == [((VISIBLE,), "1g.5gb", "3g.20gb")]


def test_the_stronger_rule_speaks_for_the_size_of_a_part() -> None:
    sides = machine(A100), machine(divided(SMALL))
    for rule in ("gpu-sm-count-changed", "gpu-memory-total-smaller"):
        assert drift(rule, *sides, ["jax"], "gpu") == ([], [])


def test_a_card_that_cannot_be_divided_equals_one_that_is_not() -> None:
    whole = machine(A10 | {"mig_mode": "off"})
    assert drift(MIG, machine(A10), whole, ["torch"], "gpu") == ([], [])


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        (divided(), "the GPU is divided into no part"),
        (divided({"name": "MIG 1g.5gb"}), "sm_count of the part is unknown"),
    ],
)
def test_a_part_that_is_not_known_is_undecided(card: dict[str, Any], reason: str) -> None:
    findings, undecided = drift(RANDOM, machine(A100), machine(card), ["torch"], "gpu")
    assert findings == []
    assert [(d.path, d.reason) for d in undecided] == [(f"{DEVICE}.mig_devices", reason)]


def test_a_mode_that_is_not_known_leaves_the_part_undecided() -> None:
    silent = machine(
        {k: v for k, v in A100.items() if k != "mig_mode"}, unknown={f"{DEVICE}.mig_mode": "denied"}
    )
    findings, undecided = drift(MIG, machine(A100), silent, ["torch"], "gpu")
    assert (findings, [d.reason for d in undecided]) == ([], ["denied"])


WITHOUT = "gpu-mig-without-instance"


def test_a_card_in_mig_mode_without_an_instance_breaks() -> None:
    for said in (
        state(WITHOUT, machine(divided()), ["torch"], "gpu"),
        drift(WITHOUT, machine(A100), machine(divided()), ["torch"], "gpu"),
        drift(WITHOUT, machine(divided(SMALL)), machine(divided()), ["torch"], "gpu"),
    ):
        findings, undecided = said
        assert undecided == []
        assert [(f.impact, f.message, f.paths, f.after) for f in findings] == [
            (
                Impact.BREAKS,
                "MIG is on for GPU 0, and it has no instance that a program could use",
                (f"{DEVICE}.mig_devices", f"{DEVICE}.mig_mode"),
                0,
            )
        ]


def test_beside_other_cards_it_is_one_gpu_less() -> None:
    findings, undecided = state(WITHOUT, machine(A100, divided()), ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.paths[0]) for f in findings] == [
        (Impact.DIVERGES, "facts.gpu.devices[1].mig_devices")
    ]


def test_a_card_that_is_whole_divided_or_hidden_is_quiet() -> None:
    hidden = machine(A100, divided(), more={VISIBLE: "0"})
    for now in (machine(A100), machine(divided(SMALL)), machine(A10), hidden):
        assert state(WITHOUT, now, ["torch"], "gpu") == ([], [])
    assert drift(WITHOUT, machine(divided()), machine(divided()), ["jax"], "gpu") == ([], [])
    assert state(WITHOUT, machine(divided()), ["torch"], "cpu") == ([], [])


def test_unknown_instances_are_undecided() -> None:
    card = {k: v for k, v in divided().items() if k != "mig_devices"}
    now = machine(card, unknown={f"{DEVICE}.mig_devices": "denied"})
    findings, undecided = state(WITHOUT, now, ["torch"], "gpu")
    assert (findings, [d.reason for d in undecided]) == ([], ["denied"])
