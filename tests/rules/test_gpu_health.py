"""Rules about GPUs that fail, are held back or are taken."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from tests.builders.gpus import A10, BY_BUS, DEVICE, GIB, L4, MIB, T4, VISIBLE, machine, says
from tests.builders.support import drift, fingerprint, state

LIVE = "live.gpu.devices[0]"
LOST = "live.gpu.lost"
PIDS = "live.gpu.pids_are_ours"
EXCLUSIVE = A10 | {"compute_mode": "exclusive-process"}


def now(card: dict[str, Any] = A10, **live: Any) -> Fingerprint:
    """One GPU with these live values, the rest of them absent."""
    return machine(card, more={f"{LIVE}.{name}": value for name, value in live.items()})


def test_a_lost_gpu_breaks_and_the_others_are_said_to_be_fine() -> None:
    lost = machine(A10, more={LOST: ["1"], "facts.gpu.count": 2})
    said = state("gpu-lost", lost, ["torch"], "gpu")
    text = "GPU 1 does not answer (fallen off the bus); GPU 0 is fine"
    assert says(said) == [(Impact.BREAKS, text)]
    assert said[0][0].after == ["1"]
    hidden = {LOST: ["1"], "facts.gpu.count": 2, VISIBLE: "0"} | BY_BUS
    assert state("gpu-lost", machine(A10, more=hidden), ["torch"], "gpu") == ([], [])


SILENT = "gpu-driver-silent"
REASON = "NVML did not answer within 30 s"


def silent(
    waited_s: float = 30.0, gpu: str | None = "0", hung_s: float = 29.0, **more: Any
) -> Fingerprint:
    """A machine whose driver did not come back from a call."""
    call = {"call": "nvmlDeviceGetMemoryInfo", "gpu": gpu, "hung_s": hung_s, "waited_s": waited_s}
    values: dict[str, Any] = {
        "facts.gpu.library_path": "/usr/lib/libnvidia-ml.so.1",
        "facts.cuda.kernel_module_version": "550.90.07",
        "live.gpu.answer": "none",
        "live.gpu.silence": call,
    }
    unknown = {"facts.gpu.status": REASON, "facts.gpu.devices": REASON}
    return fingerprint(values | more, unknown)


@pytest.mark.parametrize("frameworks", [["torch"], [], ["numpy"]])
def test_a_driver_that_says_nothing_for_its_whole_time_breaks_work_for_a_gpu(
    frameworks: list[str],
) -> None:
    text = "GPU 0 did not answer within 30 s (nvmlDeviceGetMemoryInfo)"
    assert says(state(SILENT, silent(), frameworks, "gpu")) == [(Impact.BREAKS, text)]
    assert state(SILENT, silent(), frameworks, "cpu") == ([], [])


def test_a_call_about_no_gpu_is_the_drivers() -> None:
    ((_, text),) = says(state(SILENT, silent(60.0, None), ["torch"], "gpu"))
    assert text == "the driver did not answer within 60 s (nvmlDeviceGetMemoryInfo)"


def test_a_shorter_wait_or_no_module_leaves_it_undecided() -> None:
    findings, undecided = state(SILENT, silent(2.0), ["torch"], "gpu")
    reason = "GPU 0 did not answer within 2 s; it may take 30 s"
    assert (findings, [d.reason for d in undecided]) == ([], [reason])
    busy = silent(hung_s=5.0)
    findings, undecided = state(SILENT, busy, ["torch"], "gpu")
    reason = "GPU 0 did not answer within 30 s; it may take 30 s"
    assert (findings, [d.reason for d in undecided]) == ([], [reason])
    alone = silent(**{"facts.cuda.kernel_module_version": None})
    findings, undecided = state(SILENT, alone, ["torch"], "gpu")
    reason = "GPU 0 did not answer within 30 s, and no kernel module of it is loaded"
    assert (findings, [d.reason for d in undecided]) == ([], [reason])


def test_the_silence_of_a_gpu_that_is_not_shown_to_the_program_is_undecided() -> None:
    cards = {"facts.gpu.count": 2, "facts.gpu.devices": {"0": A10, "1": A10}, **BY_BUS}
    one = silent(gpu="1", **cards, **{VISIBLE: "0"})
    one = one._replace(unknown={"facts.gpu.status": REASON})
    findings, undecided = state(SILENT, one, ["torch"], "gpu")
    reason = "GPU 1 did not answer within 30 s; programs cannot see it"
    assert (findings, [d.reason for d in undecided]) == ([], [reason])
    one.facts["environ"]["variables"]["CUDA_VISIBLE_DEVICES"] = "1"  # type: ignore[index]
    assert len(state(SILENT, one, ["torch"], "gpu")[0]) == 1


@pytest.mark.parametrize("answer", ["ok", "late", None])
def test_a_driver_that_answers_is_not_silent(answer: str | None) -> None:
    slow = silent(**{"live.gpu.answer": answer, "live.gpu.silence": None})
    assert state(SILENT, slow, ["torch"], "gpu") == ([], [])


def test_a_document_from_before_the_field_is_undecided_only_where_the_driver_was_silent() -> None:
    old = {"live.gpu.answer": "not recorded by envprint 0.1.0"}
    assert state(SILENT, machine(A10, unknown=old), ["torch"], "gpu") == ([], [])
    known = silent()
    before = known._replace(unknown={**known.unknown, **old})
    assert [d.path for d in state(SILENT, before, ["torch"], "gpu")[1]] == ["live.gpu.answer"]
    assert state(SILENT, before, ["torch"], "cpu") == ([], [])


@pytest.mark.parametrize(
    ("live", "is_fine"),
    [
        ({}, True),
        ({"errors": {"corrected": 4, "recovery_action": "none"}}, True),
        ({"errors": {"recovery_action": "reboot"}}, False),
        ({"errors": {"remap_pending": True}}, False),
        ({"clock_reasons": ["thermal-slowdown"]}, False),
    ],
)
def test_a_gpu_is_only_said_to_be_fine_when_nothing_is_said_against_it(
    live: dict[str, Any], is_fine: bool
) -> None:
    values = {f"{LIVE}.{name}": value for name, value in live.items()}
    lost = machine(A10, more={LOST: ["1"], "facts.gpu.count": 2} | values)
    (finding,), _ = state("gpu-lost", lost, ["torch"], "gpu")
    assert finding.message.endswith("; GPU 0 is fine") == is_fine


def test_a_gpu_of_which_too_little_is_known_is_not_said_to_be_fine() -> None:
    unread = {f"{LIVE}.clock_reasons": "not asked"}
    lost = machine(A10, more={LOST: ["1"], "facts.gpu.count": 2}, unknown=unread)
    (finding,), _ = state("gpu-lost", lost, ["torch"], "gpu")
    assert finding.message == "GPU 1 does not answer (fallen off the bus)"


def test_gpus_that_do_not_answer_are_told_with_what_is_known() -> None:
    reasons = {"0": "", "1": "no power", "2": "it has fallen off the bus (15)", "3": "no power"}
    unknown = {f"live.gpu.devices[{key}]": reason for key, reason in reasons.items() if reason}
    lost = machine(A10, more={LOST: list(reasons), "facts.gpu.count": 4}, unknown=unknown)
    (finding,), _ = state("gpu-lost", lost, ["torch"], "gpu")
    assert finding.message == (
        "GPU 0, 2 do not answer (fallen off the bus); GPU 1, 3 do not answer: no power"
    )


def test_a_gpu_of_which_nothing_is_known_hides_no_other() -> None:
    reset = {"live.gpu.devices[1]": {"errors": {"recovery_action": "reboot"}}}
    both = machine(A10, A10 | {"uuid": "GPU-2"}, more=reset, unknown={LIVE: "lost"})
    findings, undecided = state("gpu-needs-reset", both, ["torch"], "gpu")
    assert [f.message for f in findings] == ["the driver asks for GPU 1: a reboot of the machine"]
    assert [entry.path for entry in undecided] == [LIVE]


def test_no_lost_gpu_is_quiet_and_silence_is_no_answer() -> None:
    assert state("gpu-lost", machine(A10, more={LOST: []}), ["torch"], "gpu") == ([], [])
    silent = fingerprint({}, {LOST: "NVML did not answer"})
    _, undecided = state("gpu-lost", silent, ["torch"], "gpu")
    assert [entry.path for entry in undecided] == [LOST]


@pytest.mark.parametrize(
    ("errors", "text", "name"),
    [
        (
            {"retirement_pending": True, "pages_retired_uncorrected": 1},
            "GPU 0 accepts no new program until a page with an error is retired",
            "retirement_pending",
        ),
        (
            {"recovery_action": "reboot"},
            "the driver asks for GPU 0: a reboot of the machine",
            "recovery_action",
        ),
        (
            {"recovery_action": "drain-and-reset", "remap_pending": True},
            "the driver asks for GPU 0: to be drained and reset",
            "recovery_action",
        ),
    ],
)
def test_a_gpu_that_must_be_reset_breaks(errors: dict[str, Any], text: str, name: str) -> None:
    said = state("gpu-needs-reset", now(errors=errors), ["jax"], "gpu")
    assert says(said) == [(Impact.BREAKS, text)]
    assert said[0][0].paths == (f"{LIVE}.errors.{name}",)


@pytest.mark.parametrize(
    ("errors", "text"),
    [
        ({"remap_pending": True}, "row remap pending: reset or reboot at a convenient time"),
        ({"remap_failed": True}, "a row could not be remapped"),
        ({"retirement_pending": True}, "page retirement pending: reboot at a convenient time"),
        ({"uncorrected": 3}, "3 uncorrected errors since the driver was loaded"),
    ],
)
def test_worn_memory_is_advice_and_breaks_nothing(errors: dict[str, Any], text: str) -> None:
    said = state("gpu-memory-errors", now(errors=errors), ["jax"], "gpu")
    assert says(said) == [(Impact.NONE, f"memory of GPU 0: {text}")]
    assert said[0][0].paths == tuple(f"{LIVE}.errors.{name}" for name in errors)
    assert state("gpu-needs-reset", now(errors=errors), ["jax"], "gpu") == ([], [])


@pytest.mark.parametrize("rule", ["gpu-memory-errors", "gpu-needs-reset"])
def test_errors_of_the_past_are_quiet_and_counters_that_cannot_be_read_are_a_doubt(
    rule: str,
) -> None:
    past = {"corrected": 12, "uncorrected": 0, "uncorrected_ever": 4, "rows_remapped": 2}
    retired = {"pages_retired_uncorrected": 3, "retirement_pending": False}
    for errors in (past, retired, {"recovery_action": "none"}, None):
        assert state(rule, now(errors=errors), ["jax"], "gpu") == ([], [])
    silent = machine(A10, unknown={f"{LIVE}.errors": "denied"})
    _, undecided = state(rule, silent, ["jax"], "gpu")
    assert [entry.path for entry in undecided] == [f"{LIVE}.errors"]


@pytest.mark.parametrize(
    ("reasons", "text"),
    [
        (["thermal-slowdown"], "for heat, by the driver"),
        (["power-cap", "hardware-thermal-slowdown"], "for heat, by the hardware"),
        (["hardware-slowdown", "hardware-thermal-slowdown"], "for heat, by the hardware"),
        (["hardware-slowdown", "power-brake"], "for power, by the power supply"),
    ],
)
def test_slowed_clocks_cost_time_only(reasons: list[str], text: str) -> None:
    said = says(state("gpu-clocks-held-back", now(clock_reasons=reasons), ["torch"], "gpu"))
    assert [impact for impact, _ in said] == [Impact.PERF]
    assert said[0][1].startswith(f"GPU 0 is slowed down {text}")


@pytest.mark.parametrize("reasons", [[], None, ["idle"], ["power-cap"], ["hardware-slowdown"]])
def test_idling_a_power_cap_and_a_change_of_clocks_are_normal(reasons: list[str] | None) -> None:
    said = state("gpu-clocks-held-back", now(clock_reasons=reasons), ["torch"], "gpu")
    assert said == ([], [])


def test_clocks_that_are_not_told_leave_it_undecided() -> None:
    silent = machine(A10, unknown={f"{LIVE}.clock_reasons": "denied"})
    _, undecided = state("gpu-clocks-held-back", silent, ["torch"], "gpu")
    assert [entry.path for entry in undecided] == [f"{LIVE}.clock_reasons"]


PYTHON = {"pid": 5, "name": "python", "kind": "compute", "memory_bytes": GIB}


def test_an_exclusive_gpu_that_another_process_has_breaks() -> None:
    said = state("gpu-exclusive-taken", now(EXCLUSIVE, processes=[PYTHON]), ["torch"], "gpu")
    text = "GPU 0 admits one process only, and python computes on it"
    assert says(said) == [(Impact.BREAKS, text)]


@pytest.mark.parametrize(
    ("card", "processes"),
    [
        (A10 | {"compute_mode": "default"}, [PYTHON]),
        (EXCLUSIVE, []),
        (EXCLUSIVE, [PYTHON | {"kind": "graphics"}, PYTHON | {"own": True}]),
    ],
)
def test_a_shared_or_free_gpu_is_quiet(card: dict[str, Any], processes: list[Any]) -> None:
    said = state("gpu-exclusive-taken", now(card, processes=processes), ["torch"], "gpu")
    assert said == ([], [])


@pytest.mark.parametrize(("name", "is_doubtful"), [("compute", True), ("graphics", False)])
def test_a_missing_list_may_hold_the_process_that_has_it(name: str, is_doubtful: bool) -> None:
    drawing = now(
        EXCLUSIVE, processes=[PYTHON | {"kind": "graphics"}], lists_missing={name: "denied"}
    )
    findings, undecided = state("gpu-exclusive-taken", drawing, ["torch"], "gpu")
    assert (findings, bool(undecided)) == ([], is_doubtful)
    taken = now(EXCLUSIVE, processes=[PYTHON], lists_missing={name: "denied"})
    assert len(state("gpu-exclusive-taken", taken, ["torch"], "gpu")[0]) == 1


def test_in_a_container_a_holder_may_be_invisible() -> None:
    hidden = machine(
        EXCLUSIVE, more={f"{LIVE}.unattributed_bytes": GIB, f"{LIVE}.processes": [], PIDS: False}
    )
    findings, undecided = state("gpu-exclusive-taken", hidden, ["torch"], "gpu")
    assert (findings, [entry.path for entry in undecided]) == ([], [f"{LIVE}.processes"])
    idle = {f"{LIVE}.unattributed_bytes": MIB, f"{LIVE}.processes": [], PIDS: False}
    assert state("gpu-exclusive-taken", machine(EXCLUSIVE, more=idle), ["torch"], "gpu") == ([], [])


def test_a_slow_start_is_advice_that_names_the_mode() -> None:
    off = machine(A10 | {"persistence_mode": False}, more={"live.gpu.init_ms": 2480.0})
    said = state("gpu-start-slow", off, ["torch"], "gpu")
    text = "NVML took 2.5 s to start: persistence mode is off on GPU 0"
    assert says(said) == [(Impact.PERF, text)]
    on = machine(A10 | {"persistence_mode": True}, more={"live.gpu.init_ms": 2480.0})
    assert says(state("gpu-start-slow", on, ["torch"], "gpu"))[0][1] == "NVML took 2.5 s to start"
    quick = machine(A10, more={"live.gpu.init_ms": 40.0})
    assert state("gpu-start-slow", quick, ["torch"], "gpu") == ([], [])
    silent = machine(A10, unknown={"live.gpu.init_ms": "no answer"})
    assert [d.path for d in state("gpu-start-slow", silent, ["torch"], "gpu")[1]] == [
        "live.gpu.init_ms"
    ]


PARTS = [
    {"uuid": f"MIG-{n}", "name": f"NVIDIA A100 MIG {profile}", "memory_total_bytes": size * MIB}
    for n, profile, size in ((1, "3g.20gb", 20096), (2, "1g.5gb", 4864))
]


def test_the_part_that_the_work_gets_is_named() -> None:
    rule, divided = "gpu-part-in-use", A10 | {"mig_mode": "on", "mig_devices": PARTS}
    said = state(rule, machine(divided), ["torch"], "gpu")
    text = "GPU 0 is divided (MIG): the work gets 3g.20gb, 19.6 GiB"
    assert says(said) == [(Impact.NUMERIC, text)]
    second = state(rule, machine(divided, more={VISIBLE: "MIG-2"}), ["torch"], "gpu")
    assert says(second)[0][1].endswith("1g.5gb, 4,864 MiB")
    assert state(rule, machine(A10 | {"mig_mode": "off"}), ["torch"], "gpu") == ([], [])
    silent = machine(A10, unknown={f"{DEVICE}.mig_mode": "denied"})
    assert [d.path for d in state(rule, silent, ["torch"], "gpu")[1]] == [f"{DEVICE}.mig_mode"]


def test_an_index_that_means_another_kind_of_card_rounds_differently() -> None:
    rule = "gpu-index-moved"
    first, second = T4 | {"uuid": "GPU-a"}, L4 | {"uuid": "GPU-b"}
    findings, undecided = drift(
        rule, machine(first, second), machine(second, first), ["torch"], "gpu"
    )
    assert undecided == []
    assert [(f.impact, f.message) for f in findings] == [
        (
            Impact.NUMERIC,
            "GPU 0 was Tesla T4 (compute capability 7.5), which is GPU 1 now; it is NVIDIA L4 "
            "(compute capability 8.9)",
        ),
        (
            Impact.NUMERIC,
            "GPU 1 was NVIDIA L4 (compute capability 8.9), which is GPU 0 now; it is Tesla T4 "
            "(compute capability 7.5)",
        ),
    ]
    like = T4 | {"uuid": "GPU-a"}, T4 | {"uuid": "GPU-b"}
    assert drift(rule, machine(*like), machine(*reversed(like)), ["torch"], "gpu") == ([], [])
    # Another card in place of one that is gone is another rule's business.
    assert drift(rule, machine(first), machine(second), ["torch"], "gpu") == ([], [])
    silent = machine(T4, unknown={"facts.gpu.devices": "denied"})
    assert [d.path for d in drift(rule, machine(first), silent, ["torch"], "gpu")[1]] == [
        "facts.gpu.devices"
    ]
