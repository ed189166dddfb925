"""The rule about GPU memory in which a program cannot start."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.impact import Impact
from tests.builders.gpu_memory import FIREFOX, OWN, XORG, in_use
from tests.builders.gpus import A10, DEVICE, GIB, T4, VISIBLE, machine, says
from tests.builders.support import drift, fingerprint, state

RULE = "gpu-memory-free-low"
FREE = "live.gpu.devices[0].memory_free_bytes"
P100 = {"name": "Tesla P100", "compute_capability": "6.0", "sm_count": 56}
MIB = 1 << 20


def test_less_free_memory_than_asked_for_breaks() -> None:
    said = state(RULE, in_use(9000), ["torch"], "gpu", min_free_gpu_bytes=10 * GIB)
    assert says(said) == [(Impact.BREAKS, "GPU 0 has 9,000 MiB free, 10.0 GiB are needed")]


def test_what_is_asked_for_counts_whatever_the_framework_is() -> None:
    said = state(RULE, in_use(9000), [], "gpu", min_free_gpu_bytes=10 * GIB)
    assert len(says(said)) == 1
    assert state(RULE, in_use(10), ["numpy"], "gpu") == ([], [])


def test_who_has_the_memory_is_said_as_far_as_it_is_known() -> None:
    def text(*holders: dict[str, Any], rest: int = 0) -> str:
        now = in_use(9000, *holders, rest=rest)
        said = state(RULE, now, ["torch"], "gpu", min_free_gpu_bytes=10 * GIB)
        return says(said)[0][1].partition("are needed")[2]

    assert text(XORG, FIREFOX) == "; held by the desktop: Xorg 412 MiB, firefox 396 MiB"
    assert text(rest=7000) == "; 7,000 MiB in use by no listed process"
    assert text(XORG, rest=700) == (
        "; held by the desktop: Xorg 412 MiB; 700 MiB in use by no listed process"
    )
    assert text(OWN | {"memory_bytes": 100}) == ""


def test_enough_free_memory_is_quiet_and_what_the_user_asks_for_is_the_limit() -> None:
    assert state(RULE, in_use(9000), ["torch"], "gpu", min_free_gpu_bytes=GIB) == ([], [])
    assert state(RULE, in_use(9000), ["torch"], "gpu") == ([], [])
    for asked in (0, 100 * MIB):
        said = state(RULE, in_use(200), ["tensorflow"], "gpu", min_free_gpu_bytes=asked)
        assert said == ([], [])


@pytest.mark.parametrize(
    ("framework", "card", "limit"),
    [
        ("tensorflow", P100, 500),
        ("tensorflow", T4, 1050),
        ("tensorflow", A10, 1536),
        ("tensorflow", A10 | {"compute_capability": "12.0"}, 1536),
        ("tensorflow", A10 | {"compute_capability": None}, 500),
        ("torch", A10, 300),
        ("jax", T4, 300),
    ],
)
def test_less_than_a_framework_takes_to_start_breaks(
    framework: str, card: dict[str, Any], limit: int
) -> None:
    short, enough = (machine(card, more={FREE: n * MIB}) for n in (limit - 1, limit))
    findings, undecided = state(RULE, short, [framework], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.after) for f in findings] == [
        (
            Impact.BREAKS,
            f"GPU 0 has {limit - 1:,} MiB free, a framework takes {limit:,} MiB to start",
            (FREE,),
            (limit - 1) * MIB,
        )
    ]
    assert state(RULE, enough, [framework], "gpu") == ([], [])


def test_in_a_diff_only_a_new_shortage_is_said() -> None:
    before, after = in_use(15000), in_use(600)
    assert [f.impact for f in drift(RULE, before, after, ["tensorflow"], "gpu")[0]] == [
        Impact.BREAKS
    ]
    assert drift(RULE, after, before, ["tensorflow"], "gpu") == ([], [])
    assert drift(RULE, in_use(500), after, ["tensorflow"], "gpu") == ([], [])


def test_what_the_process_itself_holds_is_not_missing() -> None:
    imported = {"facts.frameworks.imported": ["tensorflow"]}
    now = in_use(200, OWN, **imported)
    assert state(RULE, now, ["tensorflow"], "gpu") == ([], [])
    unclear = in_use(200, **imported, **{"live.gpu.pids_are_ours": False})
    findings, undecided = state(RULE, unclear, ["tensorflow"], "gpu")
    assert (findings, [d.path for d in undecided]) == ([], ["live.gpu.devices[0].processes"])


NO_LIBRARY = "libnvidia-ml.so.1 is not installed"


@pytest.mark.parametrize(
    ("values", "message", "remedy"),
    [
        ({"facts.gpu.devices": {}, "facts.gpu.status": NO_LIBRARY}, f" ({NO_LIBRARY})", "Repair"),
        ({"facts.gpu.devices": {}, "facts.gpu.count": 0}, "", "Repair"),
        ({VISIBLE: "-1"}, "", "unset CUDA_VISIBLE_DEVICES"),
        ({VISIBLE: ""}, "", "unset CUDA_VISIBLE_DEVICES"),
        ({VISIBLE: "7"}, "", "unset CUDA_VISIBLE_DEVICES"),
    ],
)
def test_memory_that_is_needed_of_gpus_that_are_not_there_breaks(
    values: dict[str, Any], message: str, remedy: str
) -> None:
    now = machine(T4, more=values)
    said = state(RULE, now, ["torch"], "gpu", min_free_gpu_bytes=GIB)
    assert says(said) == [(Impact.BREAKS, f"no GPU can be used{message}, 1,024 MiB are needed")]
    assert said[0][0].remedy.startswith(remedy)
    assert state(RULE, now, ["torch"], "gpu")[0] == []


def test_a_driver_that_refuses_has_no_memory_to_give() -> None:
    """As after an upgrade without a reboot, where the cards are not known."""
    status = "driver library 550.107.02, kernel module 550.90.07: reboot or reload the module"
    now = fingerprint({"facts.gpu.status": status}, {"facts.gpu.devices": status})
    said = state(RULE, now, ["torch"], "gpu", min_free_gpu_bytes=GIB)
    assert says(said) == [(Impact.BREAKS, f"no GPU can be used ({status}), 1,024 MiB are needed")]


def test_a_driver_that_does_not_answer_leaves_the_memory_undecided() -> None:
    silent = {"facts.gpu.status": "no answer", "facts.gpu.devices": "no answer"}
    said = state(RULE, fingerprint({}, silent), ["torch"], "gpu", min_free_gpu_bytes=GIB)
    assert (said[0], [d.reason for d in said[1]]) == ([], ["no answer"])


PART = {"uuid": "MIG-1", "name": "NVIDIA A100 MIG 1g.5gb", "memory_total_bytes": 5 * GIB}
PART_FREE = "live.gpu.devices[0].mig_devices[MIG-1].memory_free_bytes"


def test_a_part_has_no_limit_of_its_own_and_its_own_memory_counts() -> None:
    divided = A10 | {"mig_mode": "on", "mig_devices": [PART]}
    now = machine(divided, more={FREE: 20 * GIB, PART_FREE: MIB})
    assert state(RULE, now, ["tensorflow"], "gpu") == ([], [])
    said = state(RULE, now, ["tensorflow"], "gpu", min_free_gpu_bytes=GIB)
    assert says(said) == [(Impact.BREAKS, "GPU 0 has 1 MiB free, 1,024 MiB are needed")]


def test_a_gpu_without_memory_of_its_own_is_judged_by_the_systems() -> None:
    shared = {f"{DEVICE}.shares_system_memory": True, "live.host.memory_available_bytes": GIB}
    now = machine(T4, more=shared, unknown={FREE: "none of its own"})
    said = state(RULE, now, ["torch"], "gpu", min_free_gpu_bytes=2 * GIB)
    text = "GPU 0 shares the system's memory, which has 1,024 MiB free, 2,048 MiB are needed"
    assert says(said) == [(Impact.BREAKS, text)]


@pytest.mark.parametrize("asked", [None, GIB])
def test_unknown_free_memory_is_undecided(asked: int | None) -> None:
    now = machine(T4, unknown={FREE: "shared"})
    findings, undecided = state(RULE, now, ["torch"], "gpu", min_free_gpu_bytes=asked)
    assert (findings, [d.reason for d in undecided]) == ([], ["shared"])
