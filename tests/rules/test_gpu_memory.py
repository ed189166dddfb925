"""Rules about GPU memory that others hold: named programs, and what no list accounts for."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from tests.builders.gpu_memory import FIREFOX, HELD, OWN, PIDS, XORG, in_use
from tests.builders.gpus import A10, DEVICE, GIB, MIB, T4, machine, says
from tests.builders.support import drift, fingerprint, state

UNATTRIBUTED = "gpu-memory-unattributed"
LESS = "gpu-less-free-than-baseline"


def test_the_desktops_memory_is_named_with_its_holders() -> None:
    now = in_use(15000, XORG, FIREFOX, OWN, {"pid": 9, "name": "cursor", "memory_bytes": 2})
    findings, undecided = state(HELD, now, ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.before, f.after) for f in findings] == [
        (
            Impact.NUMERIC,
            "810 MiB of 16.0 GiB (5 %) of GPU 0 are held by the desktop: Xorg 412 MiB, firefox "
            "396 MiB; 14.6 GiB are free",
            None,
            810 * MIB,
        )
    ]


def test_a_helper_of_a_browser_is_told_by_its_executable() -> None:
    helpers = [
        {"pid": 5, "name": "RDD Process", "program": "firefox", "kind": "both"},
        {"pid": 6, "name": "Web Content", "program": "firefox", "kind": "compute"},
        {"pid": 7, "name": "pt_main_thread", "program": "python3.11", "kind": "compute"},
    ]
    now = in_use(14000, *({**helper, "memory_bytes": 300} for helper in helpers))
    (finding,), _ = state(HELD, now, ["torch"], "gpu")
    assert finding.message == (
        "900 MiB of 16.0 GiB (5 %) of GPU 0 are held by the desktop: firefox 600 MiB; and by "
        "programs that compute: pt_main_thread 300 MiB; 13.7 GiB are free"
    )


def test_programs_that_compute_are_told_apart_from_the_desktop() -> None:
    trainings = [{"pid": pid, "name": "python", "memory_bytes": 2000} for pid in (5, 6)]
    findings, _ = state(HELD, in_use(9000, XORG, *trainings), ["torch"], "gpu")
    assert [f.message for f in findings] == [
        "4,412 MiB of 16.0 GiB (27 %) of GPU 0 are held by programs that compute: python 4,000 "
        "MiB; and by the desktop: Xorg 412 MiB; 9,000 MiB are free"
    ]


@pytest.mark.parametrize(
    ("process", "more", "label"),
    [
        ({"name": "python", "same_user": False}, {}, "python (of another user) 500 MiB"),
        ({"name": "python", "same_user": True}, {}, "python 500 MiB"),
        ({}, {PIDS: False}, "pid 39 (of the host; its owner is not visible here) 500 MiB"),
        ({"exists": True}, {}, "pid 39 (not visible to this user) 500 MiB"),
        ({"exists": False}, {}, "pid 39, which has ended since it was listed: 500 MiB"),
        ({"exists": False, "still_listed": True}, {}, "pid 39, which no longer exists: 500 MiB"),
    ],
)
def test_a_process_is_told_by_its_name_or_by_its_pid_and_why_it_has_none(
    process: dict[str, Any], more: dict[str, Any], label: str
) -> None:
    now = in_use(9000, {"pid": 39, "memory_bytes": 500, **process}, **more)
    findings, _ = state(HELD, now, ["torch"], "gpu")
    assert [f.message for f in findings] == [
        f"500 MiB of 16.0 GiB (3 %) of GPU 0 are held by programs that compute: {label}; "
        "9,000 MiB are free"
    ]
    assert ("fuser" in findings[0].remedy) == bool(process.get("still_listed"))


@pytest.mark.parametrize("frameworks", [[], ["jax"], ["numpy", "scikit-learn"], ["tensorflow"]])
def test_memory_held_by_others_counts_for_every_workload_on_a_gpu(frameworks: list[str]) -> None:
    now = in_use(15000, XORG, FIREFOX)
    findings, undecided = state(HELD, now, frameworks, "gpu")
    assert ([f.impact for f in findings], undecided) == ([Impact.NUMERIC], [])
    assert {"JAX", "TensorFlow", "PyTorch"} <= set(findings[0].why.replace(",", "").split())
    assert "https://docs.jax.dev/en/latest/gpu_memory_allocation.html" in findings[0].evidence
    assert state(HELD, now, frameworks, "cpu") == ([], [])


def test_memory_of_no_listed_process_counts_when_it_is_more_than_a_driver_at_rest() -> None:
    assert state(UNATTRIBUTED, in_use(16000, rest=200), ["torch"], "gpu") == ([], [])
    at_rest = in_use(15500, rest=500, interface="v1", reason="driver-reserve")
    assert state(UNATTRIBUTED, at_rest, ["torch"], "gpu") == ([], [])
    now = in_use(7000, rest=9216, reason="pid-namespace")
    findings, undecided = state(UNATTRIBUTED, now, ["torch"], "gpu")
    assert undecided == []
    assert [(f.message, f.after) for f in findings] == [
        (
            "9,216 MiB of 16.0 GiB (56 %) of GPU 0 are in use, none of it by a process that is "
            "visible from this container; 7,000 MiB are free",
            9216 * MIB,
        )
    ]
    assert state(HELD, now, ["torch"], "gpu") == ([], [])


def test_what_is_in_use_is_held_by_others_even_where_nobody_is_listed() -> None:
    place = "live.gpu.devices[0]"
    unknown = {
        f"{place}.processes": "the list cannot be read",
        f"{place}.unattributed_bytes": "the list cannot be read",
    }
    values = {"memory_used_bytes": GIB, "memory_free_bytes": 15 * GIB}
    more = {f"{place}.{name}": value for name, value in values.items()}
    now = machine(T4, more=more | {f"{place}.unattributed_reason": "driver-model"}, unknown=unknown)
    findings, undecided = state(UNATTRIBUTED, now, ["torch"], "gpu")
    assert undecided == []
    assert [f.message for f in findings] == [
        "1,024 MiB of 16.0 GiB (6 %) of GPU 0 are in use, memory per process is not reported by "
        "Windows' driver model (the list cannot be read); 15.0 GiB are free"
    ]
    more |= {"facts.frameworks.imported": ["torch"]}
    findings, undecided = state(
        UNATTRIBUTED, machine(T4, more=more, unknown=unknown), ["torch"], "gpu"
    )
    assert (findings, [d.path for d in undecided]) == ([], [f"{place}.processes"])


def in_doubt(
    used: int, *processes: dict[str, Any], interface: str = "v2", **more: Any
) -> Fingerprint:
    """A T4 of which it is not known what holds the rest; memory in MiB."""
    place = "live.gpu.devices[0]"
    values = {
        "memory_used_bytes": used * MIB,
        "memory_free_bytes": 16 * GIB - used * MIB,
        "memory_interface": interface,
        "processes": [
            {k: v * MIB if k == "memory_bytes" else v for k, v in process.items()}
            for process in processes
        ],
        "unattributed_reason": "not-known",
        "lists_missing": {"graphics": "access denied"},
    }
    live = {f"{place}.{name}": value for name, value in values.items()}
    return machine(
        T4,
        more=live | {PIDS: True} | more,
        unknown={f"{place}.unattributed_bytes": "not known: access denied"},
    )


def test_a_doubt_about_the_rest_does_not_discard_who_is_listed() -> None:
    now = in_doubt(9000, FIREFOX, {"pid": 5, "name": "python", "memory_bytes": 2000})
    findings, undecided = state(HELD, now, ["torch"], "gpu")
    assert (undecided, [f.after for f in findings]) == ([], [2396 * MIB])
    findings, undecided = state(UNATTRIBUTED, now, ["torch"], "gpu")
    assert undecided == []
    assert [f.message for f in findings] == [
        "6,604 MiB of 16.0 GiB (40 %) of GPU 0 are in use, and the holder is unknown (access "
        "denied); 7,384 MiB are free"
    ]


def test_in_the_process_that_trains_the_rest_may_be_its_own() -> None:
    now = in_doubt(9000, FIREFOX, **{"facts.frameworks.imported": ["torch"]})
    findings, undecided = state(UNATTRIBUTED, now, ["torch"], "gpu")
    assert (findings, [d.path for d in undecided]) == (
        [],
        ["live.gpu.devices[0].unattributed_bytes"],
    )


@pytest.mark.parametrize(
    ("used", "interface", "is_quiet"),
    [(329, "v1", True), (329, "v2", False), (1100, "v1", False), (200, "v2", True)],
)
def test_what_a_driver_at_rest_takes_is_nobodys(used: int, interface: str, is_quiet: bool) -> None:
    findings, undecided = state(UNATTRIBUTED, in_doubt(used, interface=interface), ["torch"], "gpu")
    assert (not findings, undecided) == (is_quiet, [])


def test_of_a_divided_card_only_the_part_that_is_used_counts() -> None:
    part = {"uuid": "MIG-1", "name": "x MIG 1g.5gb", "memory_total_bytes": 5 * GIB}
    use = {"processes": [], "unattributed_bytes": 0, "memory_free_bytes": 5 * GIB}
    busy = {"processes": [XORG | {"memory_bytes": 9 * GIB}], "unattributed_bytes": 0}
    live = {"live.gpu.devices[0]": {**busy, "mig_devices": {"MIG-1": use}}, PIDS: True}
    now = machine(A10 | {"mig_mode": "on", "mig_devices": [part]}, more=live)
    assert state(HELD, now, ["torch"], "gpu") == ([], [])
    taken = {**use, "processes": [FIREFOX | {"memory_bytes": GIB}]}
    live["live.gpu.devices[0]"]["mig_devices"]["MIG-1"] = taken
    now = machine(A10 | {"mig_mode": "on", "mig_devices": [part]}, more=live)
    findings, _ = state(HELD, now, ["torch"], "gpu")
    assert [f.paths[1] for f in findings] == ["live.gpu.devices[0].mig_devices[MIG-1].processes"]


def test_ones_own_memory_is_quiet() -> None:
    assert state(HELD, in_use(7000, OWN), ["torch"], "gpu") == ([], [])


def test_where_ones_own_memory_cannot_be_told_apart_the_rule_is_undecided() -> None:
    more = {"live.gpu.pids_are_ours": False, "facts.frameworks.imported": ["torch"]}
    now = in_use(7000, rest=9000, **more)
    findings, undecided = state(HELD, now, ["torch"], "gpu")
    assert findings == []
    assert [d.path for d in undecided] == ["live.gpu.devices[0].processes"]


def test_an_unreadable_process_list_is_undecided() -> None:
    now = machine(T4, unknown={"live.gpu.devices": "no answer"})
    findings, undecided = state(HELD, now, ["torch"], "gpu")
    assert (findings, [d.path for d in undecided]) == ([], ["live.gpu.devices"])


def test_in_a_diff_the_same_desktop_is_quiet_and_a_new_one_is_not() -> None:
    busier = FIREFOX | {"memory_bytes": 420}
    before, after = in_use(15000, XORG, FIREFOX), in_use(14976, XORG, busier)
    assert drift(HELD, before, after, ["torch"], "gpu") == ([], [])
    findings, _ = drift(HELD, in_use(15808), after, ["torch"], "gpu")
    assert [f.after for f in findings] == [832 * MIB]


WORKSPACE = "gpu-convolution-workspace-short"
HOLDER = {"pid": 5, "name": "python", "memory_bytes": 9000}


def test_memory_that_others_hold_can_decide_between_convolution_algorithms() -> None:
    said = says(state(WORKSPACE, in_use(7000, HOLDER), ["tensorflow"], "gpu"))
    assert said == [
        (
            Impact.NUMERIC,
            "GPU 0 has 7,000 MiB free and would have 15.6 GiB without what others hold; TensorFlow "
            "allows a convolution 8,192 MiB of workspace",
        )
    ]
    limit = {"facts.environ.variables[TF_CUDNN_WORKSPACE_LIMIT_IN_MB]": "6000"}
    older = {"facts.frameworks.tensorflow.version": "2.9.3"}
    for more in (limit, older):
        now = in_use(7000, HOLDER, **more)
        assert state(WORKSPACE, now, ["tensorflow"], "gpu") == ([], [])
    for now in (in_use(9000, HOLDER), in_use(4000, OWN)):
        assert state(WORKSPACE, now, ["tensorflow"], "gpu") == ([], [])
    assert state(WORKSPACE, in_use(7000, HOLDER), ["torch"], "gpu") == ([], [])


def test_much_less_free_memory_than_for_the_baseline_is_numeric() -> None:
    before = in_use(16000)
    assert says(drift(LESS, before, in_use(14000, rest=0), ["tensorflow"], "gpu")) == [
        (Impact.NUMERIC, "GPU 0 had 15.6 GiB free, has 13.7 GiB")
    ]
    assert drift(LESS, before, in_use(15000), ["tensorflow"], "gpu") == ([], [])
    assert drift(LESS, in_use(14000), before, ["tensorflow"], "gpu") == ([], [])


def test_named_holders_say_more_than_a_number() -> None:
    after = in_use(9000, FIREFOX | {"memory_bytes": 7000})
    assert drift(LESS, in_use(16000), after, ["tensorflow"], "gpu") == ([], [])


def test_cards_are_matched_by_uuid_before_their_order() -> None:
    def cards(*frees: tuple[str, int]) -> Fingerprint:
        more = {f"live.gpu.devices[{i}].memory_free_bytes": f for i, (_, f) in enumerate(frees)}
        return machine(*(T4 | {"uuid": uuid} for uuid, _ in frees), more=more)

    before = cards(("GPU-a", 15 * GIB), ("GPU-b", 2 * GIB))
    swapped = cards(("GPU-b", 2 * GIB), ("GPU-a", 15 * GIB))
    assert drift(LESS, before, swapped, ["torch"], "gpu") == ([], [])
    fewer = cards(("GPU-b", 2 * GIB), ("GPU-c", 9 * GIB))
    assert says(drift(LESS, before, fewer, ["torch"], "gpu")) == [
        (Impact.NUMERIC, "GPU 1 had 15.0 GiB free, has 9,216 MiB")
    ]


def test_free_memory_that_is_unknown_on_a_side_is_undecided() -> None:
    silent = machine(T4, unknown={"live.gpu.devices": "no answer"})
    findings, undecided = drift(LESS, silent, in_use(9), ["tensorflow"], "gpu")
    assert (findings, [d.path for d in undecided]) == ([], ["live.gpu.devices"])


def test_a_smaller_card_of_the_same_kind_is_numeric() -> None:
    small = machine(A10 | {"memory_total_bytes": 8 * GIB})
    assert says(drift("gpu-memory-total-smaller", machine(A10), small, ["torch"], "gpu")) == [
        (Impact.NUMERIC, "GPU 0 had 16.0 GiB of memory, has 8,192 MiB")
    ]
    assert drift("gpu-memory-total-smaller", small, machine(A10), ["torch"], "gpu") == ([], [])


def test_unknown_memory_of_a_card_is_undecided() -> None:
    card = {"compute_capability": "8.6"}
    after = fingerprint(
        {"facts.gpu.count": 1, "facts.gpu.devices": {"0": card}},
        {f"{DEVICE}.memory_total_bytes": "shared"},
    )
    _, undecided = drift("gpu-memory-total-smaller", machine(A10), after, ["torch"], "gpu")
    assert [d.reason for d in undecided] == ["shared"]


WINDOWS = "gpu-memory-held-by-windows"
WSL = {"facts.container.kind": "wsl", PIDS: False}


def test_windows_share_of_the_memory_under_wsl_is_advice_with_a_remedy_for_windows() -> None:
    now = in_use(15000, rest=830, reason="driver-model", **WSL)
    ((advice,), undecided) = state(WINDOWS, now, ["torch"], "gpu")
    assert undecided == []
    assert advice.message == (
        "830 MiB of 16.0 GiB (5 %) of GPU 0 are in use on Windows' side; 14.6 GiB are free"
    )
    assert "Task Manager" in advice.remedy
    assert state(UNATTRIBUTED, now, ["torch"], "gpu") == ([], [])


def test_beside_wsl_what_nobody_is_listed_for_is_a_finding() -> None:
    now = in_use(15000, rest=830, reason="driver-model", **{"facts.container.kind": None})
    assert state(WINDOWS, now, ["torch"], "gpu") == ([], [])
    assert len(state(UNATTRIBUTED, now, ["torch"], "gpu")[0]) == 1


def test_where_the_kind_of_container_is_unknown_so_is_whose_memory_it_is() -> None:
    known = in_use(15000, rest=830, reason="driver-model")
    now = known._replace(unknown={**known.unknown, "facts.container.kind": "cannot be read"})
    findings, undecided = state(WINDOWS, now, ["torch"], "gpu")
    assert (findings, [entry.path for entry in undecided]) == ([], ["facts.container.kind"])


@pytest.mark.parametrize(
    ("rest", "rule", "impact"),
    [(8000, UNATTRIBUTED, Impact.NUMERIC), (15500, UNATTRIBUTED, Impact.DIVERGES)],
)
def test_a_card_that_others_hold_for_the_most_part_is_another_run(
    rest: int, rule: str, impact: Impact
) -> None:
    now = in_use(16384 - rest, rest=rest, reason="not-known")
    assert [f.impact for f in state(rule, now, ["torch"], "gpu")[0]] == [impact]
    training = {"pid": 7, "name": "python", "memory_bytes": rest}
    held = in_use(16384 - rest, training)
    assert [f.impact for f in state(HELD, held, ["torch"], "gpu")[0]] == [impact]


def test_under_wsl_a_card_that_is_mostly_held_is_a_finding_too() -> None:
    now = in_use(800, rest=15500, reason="driver-model", **WSL)
    assert state(WINDOWS, now, ["torch"], "gpu") == ([], [])
    assert [f.impact for f in state(UNATTRIBUTED, now, ["torch"], "gpu")[0]] == [Impact.DIVERGES]
