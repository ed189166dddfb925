"""Rules about single GPUs where there are several: each is judged, whatever the others are like."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.workload import Workload
from envprint.judging.policy.model import Policy
from tests.builders.gpu_memory import OWN, in_use
from tests.builders.gpus import A10, GIB, MIB, VISIBLE, machine, says
from tests.builders.judged import judge_state
from tests.builders.support import drift, state

LESS, LOW = "gpu-less-free-than-baseline", "gpu-memory-free-low"
HELD = {
    "memory_used_bytes": 9 * GIB,
    "memory_free_bytes": 7 * GIB,
    "processes": [{"pid": 5, "name": "python", "memory_bytes": 9 * GIB, "own": False}],
    "unattributed_bytes": 0,
}
PIDS = {"live.gpu.pids_are_ours": True}


def two(first: dict[str, Any], second: dict[str, Any], **unknown: str) -> Fingerprint:
    """Two A10, with what is live of each; a keyword names a live value that is unknown."""
    live = {"live.gpu.devices[0]": first, "live.gpu.devices[1]": second}
    reasons = {f"live.gpu.devices[{name[-1]}].{name[:-2]}": why for name, why in unknown.items()}
    return machine(A10, A10, more={**live, **PIDS}, unknown=reasons)


@pytest.mark.parametrize(
    ("rule", "live", "facts", "unread"),
    [
        ("gpu-memory-held-by-others", HELD, {}, "memory_used_bytes processes unattributed_bytes"),
        (
            "gpu-memory-unattributed",
            {**HELD, "processes": [], "unattributed_bytes": 9 * GIB},
            {},
            "memory_used_bytes processes unattributed_bytes",
        ),
        (LOW, {**HELD, "memory_free_bytes": MIB}, {}, "memory_free_bytes"),
        ("gpu-clocks-held-back", {"clock_reasons": ["thermal-slowdown"]}, {}, "clock_reasons"),
        ("gpu-needs-reset", {"errors": {"recovery_action": "reset"}}, {}, "errors"),
        ("gpu-memory-errors", {"errors": {"uncorrected": 3}}, {}, "errors"),
        ("gpu-convolution-workspace-short", HELD, {}, "memory_free_bytes"),
        ("gpu-exclusive-taken", HELD, {"compute_mode": "exclusive-process"}, "processes"),
    ],
)
def test_what_is_unknown_of_one_gpu_hides_nothing_of_the_other(
    rule: str, live: dict[str, Any], facts: dict[str, Any], unread: str
) -> None:
    for silent in ("0", "1"):
        lives = {f"live.gpu.devices[{key}]": {} if key == silent else live for key in "01"}
        unknown = {f"live.gpu.devices[{silent}].{name}": "no answer" for name in unread.split()}
        now = machine(A10 | facts, A10 | facts, more={**lives, **PIDS}, unknown=unknown)
        findings, undecided = state(rule, now, ["tensorflow"], "gpu")
        assert len(findings) == 1
        assert f"devices[{1 - int(silent)}]" in findings[0].paths[0]
        assert [entry.reason for entry in undecided] == ["no answer"]


def test_a_card_that_does_not_allow_computing_is_named_beside_one_that_is_unknown() -> None:
    path = "facts.gpu.devices[0].compute_mode"
    now = machine(A10, A10 | {"compute_mode": "prohibited"}, unknown={path: "denied"})
    findings, undecided = state("gpu-compute-prohibited", now, ["torch"], "gpu")
    assert [finding.message for finding in findings] == ["GPU 1 does not allow computing"]
    assert [entry.path for entry in undecided] == [path]


def test_what_changed_is_told_of_the_gpus_that_are_known() -> None:
    free = {"memory_free_bytes": 15 * GIB}
    before = two(free, free)
    less = {"memory_free_bytes": 7 * GIB, "processes": [], "unattributed_bytes": 0}
    silent = two({}, less, memory_free_bytes_0="no answer")
    findings, undecided = drift(LESS, before, silent, ["torch"], "gpu")
    assert [finding.paths for finding in findings] == [("live.gpu.devices[1].memory_free_bytes",)]
    assert [entry.path for entry in undecided] == ["live.gpu.devices[0].memory_free_bytes"]
    path = "facts.gpu.devices[0].sm_count"
    other = machine(A10, A10 | {"sm_count": 10}, unknown={path: "denied"})
    findings, undecided = drift("gpu-sm-count-changed", machine(A10, A10), other, ["jax"], "gpu")
    assert [finding.message[:6] for finding in findings] == ["GPU 1 "]
    assert [entry.path for entry in undecided] == [path]


def test_every_gpu_that_is_unknown_is_listed() -> None:
    paths = [f"live.gpu.devices[{key}].clock_reasons" for key in "02"]
    live = {"live.gpu.devices[1]": {"clock_reasons": ["thermal-slowdown"]}}
    now = machine(A10, A10, A10, more={**live, **PIDS}, unknown=dict.fromkeys(paths, "no answer"))
    findings, undecided = state("gpu-clocks-held-back", now, ["torch"], "gpu")
    assert [finding.message[:6] for finding in findings] == ["GPU 1 "]
    assert [entry.path for entry in undecided] == paths


def test_every_gpu_whose_change_is_unknown_is_listed_beside_those_that_changed() -> None:
    paths = [f"facts.gpu.devices[{key}].sm_count" for key in "02"]
    before = machine(A10, A10, A10)
    after = machine(A10, A10 | {"sm_count": 10}, A10, unknown=dict.fromkeys(paths, "denied"))
    findings, undecided = drift("gpu-sm-count-changed", before, after, ["jax"], "gpu")
    assert [finding.message[:6] for finding in findings] == ["GPU 1 "]
    assert [entry.path for entry in undecided] == paths


def test_a_stronger_finding_about_one_gpu_does_not_silence_another_gpu() -> None:
    full = {**HELD, "memory_free_bytes": MIB}
    report = judge_state(two(full, HELD), None, Workload(("torch",), "gpu"), Policy())
    # Of the full one, the finding that it is full tells by whom; nothing is told twice.
    told = {finding.rule: finding.message for finding in report.findings}
    assert list(told) == [LOW, "gpu-memory-held-by-others"]
    assert told[LOW].startswith("GPU 0 has 1 MiB free")
    assert "of GPU 1 are held" in told["gpu-memory-held-by-others"]


def test_ones_own_memory_is_no_loss_and_counts_as_free() -> None:
    before, mine = in_use(15000), in_use(6000, OWN)
    assert drift(LESS, before, mine, ["torch"], "gpu") == ([], [])
    others = in_use(6000, {**OWN, "own": False, "memory_bytes": 200})
    assert len(drift(LESS, before, others, ["torch"], "gpu")[0]) == 1
    assert drift(LESS, mine, in_use(14000), ["torch"], "gpu") == ([], [])
    ten = {"min_free_gpu_bytes": 10 * GIB}
    assert state(LOW, mine, ["torch"], "gpu", **ten) == ([], [])
    said = state(LOW, in_use(900, OWN), ["torch"], "gpu", **ten)
    text = "GPU 0 has 900 MiB free, and 9,000 MiB held by this program itself, 10.0 GiB are needed"
    assert says(said) == [(Impact.BREAKS, text)]


def test_where_ones_own_memory_is_not_known_the_loss_is_undecided() -> None:
    more = {"live.gpu.pids_are_ours": False, "facts.frameworks.imported": ["torch"]}
    findings, undecided = drift(LESS, in_use(15000), in_use(4000, **more), ["torch"], "gpu")
    assert (findings, [entry.path for entry in undecided]) == (
        [],
        ["live.gpu.devices[0].processes"],
    )
    assert drift(LESS, in_use(15000), in_use(14990, **more), ["torch"], "gpu") == ([], [])


def test_nvidias_server_for_several_processes_does_not_take_a_gpu() -> None:
    card = A10 | {"compute_mode": "exclusive-process"}
    server = {"pid": 7, "name": "nvidia-cuda-mps-server", "memory_bytes": 30 * MIB}
    client = {"pid": 8, "name": "python", "memory_bytes": GIB}
    for processes in ([server], [server, client]):
        now = machine(card, more={"live.gpu.devices[0].processes": processes, **PIDS})
        assert state("gpu-exclusive-taken", now, ["torch"], "gpu") == ([], [])
    now = machine(card, more={"live.gpu.devices[0].processes": [client], **PIDS})
    assert len(state("gpu-exclusive-taken", now, ["torch"], "gpu")[0]) == 1


@pytest.mark.parametrize(
    ("wanted", "what"),
    [
        ("-1", "hides the 2 GPUs here"),
        ("7", "names none of the 2 GPUs here"),
        ("abc", "names none of the 2 GPUs here"),
        ("0,0", "names none of the 2 GPUs here"),
    ],
)
def test_a_list_that_shows_no_gpu_leaves_none_to_use(wanted: str, what: str) -> None:
    now = machine(A10, A10, more={VISIBLE: wanted})
    text = f"no GPU can be used: CUDA_VISIBLE_DEVICES={wanted} {what}"
    ((finding,), undecided) = state("gpu-not-usable", now, ["torch"], "gpu")
    assert (finding.impact, finding.message, undecided) == (Impact.DIVERGES, text, [])
    assert finding.remedy == "unset CUDA_VISIBLE_DEVICES"
    said = state(LOW, now, ["torch"], "gpu", min_free_gpu_bytes=GIB)
    assert says(said) == [(Impact.BREAKS, "no GPU can be used, 1,024 MiB are needed")]
    assert state("gpu-not-usable", machine(A10), ["torch"], "gpu") == ([], [])
    assert state(LOW, now, ["torch"], "gpu") == ([], [])


def test_what_a_moved_card_brings_with_it_needs_no_line_of_its_own() -> None:
    first, second = A10 | {"uuid": "GPU-a"}, A10 | {"uuid": "GPU-b", "name": "B", "sm_count": 9}
    rule = "gpu-index-moved"
    findings, _ = drift(rule, machine(first, second), machine(second, first), ["torch"], "gpu")
    assert findings[0].paths == tuple(
        f"facts.gpu.devices[0].{name}" for name in ("name", "sm_count", "uuid")
    )


PARTS = [
    {"uuid": f"MIG-{n}", "name": f"x MIG {n}g.5gb", "gpu_instance": n, "memory_total_bytes": GIB}
    for n in (1, 2)
]


def test_each_part_that_the_work_gets_is_judged() -> None:
    card = A10 | {"mig_mode": "on", "mig_devices": PARTS}
    free = {"processes": [], "unattributed_bytes": 0, "memory_free_bytes": GIB}
    live = {"live.gpu.devices[0]": {"mig_devices": {"MIG-1": free, "MIG-2": HELD}}, **PIDS}
    rule = "gpu-memory-held-by-others"
    newer = {**live, "facts.gpu.driver_version": "580.65.06"}
    findings, undecided = state(rule, machine(card, more=newer), ["torch"], "gpu")
    assert undecided == []
    assert [f.paths[1] for f in findings] == ["live.gpu.devices[0].mig_devices[MIG-2].processes"]
    # Before R570 a program is shown one part: the first that it names.
    assert state(rule, machine(card, more=live), ["torch"], "gpu") == ([], [])
    named = {**live, VISIBLE: "MIG-2,MIG-1"}
    assert len(state(rule, machine(card, more=named), ["torch"], "gpu")[0]) == 1


def test_parts_whose_list_could_not_be_read_are_no_missing_parts() -> None:
    path = "facts.gpu.devices[0].mig_devices"
    now = machine(A10 | {"mig_mode": "on"}, unknown={path: "no answer"})
    for rule in ("gpu-mig-without-instance", "gpu-part-in-use", "gpu-memory-held-by-others", LOW):
        findings, undecided = state(rule, now, ["torch"], "gpu")
        assert (findings, [entry.path for entry in undecided]) == ([], [path])


def test_in_a_diff_too_what_is_unknown_of_one_gpu_hides_nothing_of_the_other() -> None:
    rule = "gpu-memory-held-by-others"
    idle = {"processes": [], "unattributed_bytes": 0, "memory_free_bytes": 16 * GIB}
    names = ("processes_0", "unattributed_bytes_0", "memory_used_bytes_0")
    silent = two({}, HELD, **dict.fromkeys(names, "no answer"))
    findings, undecided = drift(rule, two(idle, idle), silent, ["torch"], "gpu")
    assert ["of GPU 1" in finding.message for finding in findings] == [True]
    assert [entry.reason for entry in undecided] == ["no answer"]
    # What was there before is not known of either GPU by its place: whether it is news is a doubt.
    findings, undecided = drift(rule, silent, two(HELD, HELD), ["torch"], "gpu")
    assert (findings, [entry.reason for entry in undecided]) == ([], ["no answer"])
    assert drift(rule, silent, two(idle, HELD), ["torch"], "gpu") == ([], [])
