"""GPUs that fail or are throttled, as reported by their driver."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import GPU_TIMEOUT_S, Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.shell import Command
from envprint.core.workload import Workload, on_gpu
from envprint.rules.kit.devices import DEVICES, LIVE, STATUS, cards, of_each_card

ANSWER = "live.gpu.answer"
SILENCE = "live.gpu.silence"
BESIDE_S = 2.0
"""The part of a capture's time that may be over before the driver is asked."""
MODULE = "facts.cuda.kernel_module_version"
LOST = "live.gpu.lost"
_FALLEN_OFF = "fallen off the bus"
_CAUSES = {
    "thermal-slowdown": "for heat, by the driver",
    "hardware-thermal-slowdown": "for heat, by the hardware",
    "power-brake": "for power, by the power supply",
}
_ACTIONS = {
    "reset": "a reset",
    "reboot": "a reboot of the machine",
    "drain-and-reset": "to be drained and reset",
}
_FAULTS = {
    "remap_failed": "a row could not be remapped",
    "remap_pending": "row remap pending: reset or reboot at a convenient time",
    "retirement_pending": "page retirement pending: reboot at a convenient time",
}


def _no_answer(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    # Where the status is known, the driver has said whether there is a GPU, or why not.
    if now.get(STATUS) is not None or now.value(ANSWER) != "none":
        return
    keys = ("call", "gpu", "hung_s", "waited_s")
    call, gpu, hung_s, waited_s = (now.value(f"{SILENCE}.{key}") for key in keys)
    text = f"{'the driver' if gpu is None else f'GPU {gpu}'} did not answer within {waited_s:g} s"
    # On a machine that is too busy, most of the time may pass before the driver is asked.
    if waited_s < GPU_TIMEOUT_S - BESIDE_S or hung_s < GPU_TIMEOUT_S / 2:
        raise UnknownValueError(ANSWER, f"{text}; it may take {GPU_TIMEOUT_S:g} s")
    if now.value(MODULE) is None:
        raise UnknownValueError(ANSWER, f"{text}, and no kernel module of it is loaded")
    if gpu is not None and not _may_be_used(now, gpu):
        raise UnknownValueError(ANSWER, f"{text}; programs cannot see it")
    yield Match(f"{text} ({call})", (f"{SILENCE}.call", ANSWER), after=call)


def _may_be_used(now: Fingerprint, gpu: str) -> bool:
    """Whether a program sees the GPU, as far as is known."""
    try:
        return gpu in cards(now)
    except UnknownValueError:
        return True


def _lost(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    lost = now.value(LOST) or []
    used = [key for key in lost if key in cards(now)]
    if used:
        rest = [key for key in now.value(DEVICES) or {} if key not in lost]
        fine = [key for key in rest if _is_fine(now, key, workload)]
        others = f"; GPU {', '.join(fine)} {'is' if len(fine) == 1 else 'are'} fine" if fine else ""
        yield Match(_silent(now, used) + others, (LOST,), after=used)


def _silent(now: Fingerprint, keys: list[str]) -> str:
    """`GPU 1, 2 do not answer (fallen off the bus); GPU 3 does not answer: …`, by what is known."""
    causes: dict[str, list[str]] = {}
    for key in keys:
        reason = now.unknown.get(f"{LIVE}[{key}]", "")
        is_off = not reason or _FALLEN_OFF in reason
        causes.setdefault(f" ({_FALLEN_OFF})" if is_off else f": {reason}", []).append(key)
    return "; ".join(
        f"GPU {', '.join(alike)} {'does' if len(alike) == 1 else 'do'} not answer{cause}"
        for cause, alike in causes.items()
    )


def _is_fine(now: Fingerprint, key: str, workload: Workload) -> bool:
    """Whether a responding GPU is known to have no problem."""
    try:
        checks = (_needs_reset, _worn, _held_back)
        return not any(list(faults(now, key, workload)) for faults in checks)
    except UnknownValueError:
        return False


def _needs_reset(now: Fingerprint, key: str, workload: Workload) -> Iterator[Match]:
    place = f"{LIVE}[{key}].errors"
    if now.value(place) is None:
        return
    action = now.value(f"{place}.recovery_action")
    if action in _ACTIONS:
        text = f"the driver asks for GPU {key}: {_ACTIONS[action]}"
        yield Match(text, (f"{place}.recovery_action",), after=action)
    elif now.value(f"{place}.retirement_pending") and now.value(
        f"{place}.pages_retired_uncorrected"
    ):
        text = f"GPU {key} accepts no new program until a page with an error is retired"
        yield Match(text, (f"{place}.retirement_pending",), after="pending")


def _worn(now: Fingerprint, key: str, workload: Workload) -> Iterator[Match]:
    place = f"{LIVE}[{key}].errors"
    if now.value(place) is None:
        return
    faults = [name for name in _FAULTS if now.value(f"{place}.{name}")]
    texts = [_FAULTS[name] for name in faults]
    count = now.value(f"{place}.uncorrected")
    if count:
        faults.append("uncorrected")
        texts.append(f"{count} uncorrected errors since the driver was loaded")
    if faults:
        paths = tuple(f"{place}.{name}" for name in faults)
        yield Match(f"memory of GPU {key}: {', '.join(texts)}", paths, after=", ".join(faults))


def _held_back(now: Fingerprint, key: str, workload: Workload) -> Iterator[Match]:
    path = f"{LIVE}[{key}].clock_reasons"
    reasons = now.value(path) or []
    # A hardware slowdown alone is also reported while clocks change, and a power cap is normal.
    causes = [_CAUSES[reason] for reason in reasons if reason in _CAUSES]
    if causes:
        yield Match(f"GPU {key} is slowed down {'; '.join(causes)}", (path,), after=reasons)


RULES = (
    Rule(
        id="gpu-driver-silent",
        title="The GPU's driver does not answer",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu,
        watches=(ANSWER, SILENCE, STATUS, MODULE),
        why="A driver that does not return from a query does not return to a job either, so the "
        "job most likely hangs at its first CUDA call. The kernel's log often has the reason, "
        "an Xid message.",
        not_when="Only the query hangs, or the work does not use that GPU. A driver that starts "
        "many GPUs without persistence mode may take longer.",
        remedy=Command("sudo dmesg -T | grep -i xid"),
        evidence=(
            Evidence(
                "NVIDIA on Xid messages, and whether to reset the GPU, drain or restart the node",
                "https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html",
            ),
            Evidence(
                "nvmlInit hangs until the driver is replaced, by a maintainer",
                "https://github.com/NVIDIA/go-nvml/issues/152",
            ),
            Evidence(
                "After an Xid 45 nvidia-smi hangs forever, in the kernel: reboot",
                "https://github.com/leptonai/gpud/pull/117",
            ),
            Evidence(
                "A lock that the kernel module never releases stops every program on the GPUs",
                "https://github.com/NVIDIA/open-gpu-kernel-modules/issues/1277",
            ),
        ),
        state=_no_answer,
    ),
    Rule(
        id="gpu-lost",
        title="A GPU does not answer",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu,
        watches=(LOST, DEVICES, LIVE),
        why="A GPU that has fallen off the bus cannot be reached until the machine is restarted, "
        "and what ran on it has failed. The driver also refuses a GPU whose power cables or "
        "interrupts fail, or one that answers with an unknown error.",
        not_when="The work does not use that GPU. Tools may still fail on the others.",
        remedy="Restart the machine. If the GPU comes back, check the card, its slot and its "
        "power, and search dmesg for Xid 79.",
        evidence=(
            Evidence(
                "NVIDIA on Xid 79: restart the machine, then contact support",
                "https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html",
            ),
            Evidence(
                "nvidia-smi: GPU is lost, reboot the system to recover this GPU",
                "https://github.com/NVIDIA/k8s-device-plugin/issues/231",
            ),
            Evidence(
                "NVML: the errors with which the driver refuses a GPU",
                "https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html",
            ),
        ),
        state=_lost,
    ),
    Rule(
        id="gpu-needs-reset",
        title="The GPU must be reset before it works again",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu,
        watches=(LIVE, DEVICES),
        why="After some faults, the driver asks for a reset. Before Ampere, after a double-bit "
        "error, it creates no further context until the page is retired, which happens at the "
        "reset.",
        not_when="The work does not use that GPU.",
        remedy=Command("sudo nvidia-smi --gpu-reset"),
        note="End the programs on the GPU first; or reboot.",
        evidence=(
            Evidence(
                "NVIDIA on the recovery action: what must be reset, and how",
                "https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/"
                "error-recovery-and-response-flags.html",
            ),
            Evidence(
                "NVIDIA on page retirement: no further context until the error is mapped out",
                "https://docs.nvidia.com/deploy/dynamic-page-retirement/index.html",
            ),
        ),
        state=of_each_card(_needs_reset),
    ),
    Rule(
        id="gpu-memory-errors",
        title="The GPU's memory has had errors",
        impact=Impact.NONE,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu,
        watches=(LIVE, DEVICES),
        why="An error that ECC cannot correct ends the programs that use that memory, so no wrong "
        "number is used. From Ampere on, the memory is then taken out of use, and NVIDIA says "
        "that a pending remap affects neither accuracy nor speed; it is a sign of wear.",
        not_when="The counters cover the time since the driver was loaded: the affected programs "
        "have ended.",
        remedy="Reset or reboot at a convenient time; if errors come back or a remap has failed, "
        "have the card checked.",
        evidence=(
            Evidence(
                "NVIDIA: with a remap pending, work goes on and new work can start",
                "https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/"
                "error-recovery-and-response-flags.html",
            ),
            Evidence(
                "Most errors that cannot be corrected need no reset",
                "https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/"
                "dynamic-page-offlining.html",
            ),
        ),
        state=of_each_card(_worn),
        advice=True,
        yields_to=("gpu-needs-reset",),
    ),
    Rule(
        id="gpu-clocks-held-back",
        title="The GPU is slowed down for heat or power",
        impact=Impact.PERF,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu,
        watches=(LIVE, DEVICES),
        why="The driver or the hardware lowers the clocks, the hardware to a half or less. That "
        "every kernel still gives the same bits is inferred: NVIDIA speaks only of clocks.",
        not_when="A library times its kernels (cudnn.benchmark, XLA's autotuning) and picks a "
        "different one: then the result rounds differently.",
        remedy=Command("nvidia-smi -q -d PERFORMANCE"),
        note="It shows the reasons; check cooling and the power supply.",
        evidence=(
            Evidence(
                "NVML's reasons for the clocks",
                "https://docs.nvidia.com/deploy/nvml-api/api/group__nvmlClocksEventReasons.html",
            ),
            Evidence(
                "XLA: different timings can make a different kernel the fastest",
                "https://github.com/openxla/xla/blob/main/docs/determinism.md",
            ),
        ),
        state=of_each_card(_held_back),
    ),
)
