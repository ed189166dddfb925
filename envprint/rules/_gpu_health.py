"""GPUs that fail, are held back or are taken: what their driver says of their state."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.errors import Undetermined
from envprint.model import Confidence, Fingerprint, Impact, Workload
from envprint.rule import Evidence, Match, Rule
from envprint.rules._devices import DEVICES, LIVE, field, in_use, part, size_of, training, visible
from envprint.rules._gpu_holders import HELD_BYTES, PIDS_ARE_OURS
from envprint.units import size

LOST = "live.gpu.lost"
INIT_MS = "live.gpu.init_ms"
SLOW_INIT_MS = 1000
_HEAT = {
    "thermal-slowdown": "for heat, by the driver",
    "hardware-thermal-slowdown": "for heat, by the hardware",
}
_POWER = {
    "power-brake": "for power, by the power supply",
    "hardware-slowdown": "for heat or power, by the hardware",
}
_EXCLUSIVE = ("exclusive-process", "exclusive-thread")
_FAULTS = {
    "remap_failed": "a row could not be remapped",
    "remap_pending": "a row remap is pending",
    "retirement_pending": "a page retirement is pending",
}
_MEMORY_ERRORS = Evidence(
    "NVIDIA on memory errors: pending remaps and retirements take effect with a reset",
    "https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/index.html",
)


def _lost(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    lost = now.value(LOST) or []
    if lost:
        fine = [key for key in now.value(DEVICES) or {} if key not in lost]
        others = f"; GPU {', '.join(fine)} {'is' if len(fine) == 1 else 'are'} fine" if fine else ""
        does = "does" if len(lost) == 1 else "do"
        yield Match(
            f"GPU {', '.join(lost)} {does} not answer (fallen off the bus){others}",
            (LOST,),
            after=lost,
        )


def _failing(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    for key in visible(now):
        place = f"{LIVE}[{key}].errors"
        errors = now.value(place) or {}
        faults = [name for name in _FAULTS if now.value(f"{place}.{name}")]
        uncorrected = now.value(f"{place}.uncorrected") if errors else None
        told = [_FAULTS[name] for name in faults]
        if uncorrected:
            told.append(f"{uncorrected} errors were not corrected since the driver was loaded")
            faults.append("uncorrected")
        if told:
            paths = tuple(f"{place}.{name}" for name in faults)
            yield Match(f"memory of GPU {key}: {', '.join(told)}", paths, after=", ".join(faults))


def _held_back(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    for key in visible(now):
        path = f"{LIVE}[{key}].clock_reasons"
        reasons = now.value(path) or []
        causes = [f"for heat, {_HEAT[reason]}" for reason in reasons if reason in _HEAT]
        causes = causes or [
            f"for power, {_POWER[reason]}" for reason in reasons if reason in _POWER
        ]
        if causes:
            yield Match(f"GPU {key} is slowed down {'; '.join(causes)}", (path,), after=reasons)


def _taken(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    for key in visible(now):
        if field(now, key, "compute_mode") not in _EXCLUSIVE:
            continue
        place = in_use(now, key)
        if now.value(PIDS_ARE_OURS) is False:
            rest = now.value(f"{place}.unattributed_bytes") or 0
            if now.value("facts.frameworks.imported") or rest >= HELD_BYTES:
                raise Undetermined(f"{place}.processes", "not every process is visible here")
        computing = [
            process
            for process in now.value(f"{place}.processes") or []
            if process.get("kind") != "graphics" and not process.get("own")
        ]
        if computing:
            names = [p.get("name") or f"pid {p.get('pid')}" for p in computing]
            yield Match(
                f"GPU {key} admits one process only, and {', '.join(names)} computes on it",
                (f"{place}.processes",),
                after=names,
            )


def _slow_start(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    init_ms = now.value(INIT_MS)
    if init_ms is not None and init_ms >= SLOW_INIT_MS:
        keys = [k for k in now.value(DEVICES) or {} if not field(now, k, "persistence_mode")]
        off = f": persistence mode is off on GPU {', '.join(keys)}" if keys else ""
        yield Match(f"NVML took {init_ms / 1000:.1f} s to start{off}", (INIT_MS,), after=init_ms)


def _divided(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    for key in visible(now):
        if field(now, key, "mig_mode") != "on" or not field(now, key, "mig_devices"):
            continue
        given = part(now, key) or {}
        profile = str(given.get("name") or "a part without a name").rpartition("MIG ")[2]
        total = size_of(now, key, "memory_total_bytes")
        yield Match(
            f"GPU {key} is divided (MIG): the work gets {profile}, {size(total or 0)}",
            (f"{DEVICES}[{key}].mig_devices",),
            after=profile,
        )


HEALTH_RULES = (
    Rule(
        id="gpu-lost",
        title="A GPU does not answer",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(LOST, DEVICES),
        why="A GPU that has fallen off the bus does no work until the machine is reset, and what "
        "ran on it has failed. CUDA may fail to start on the others as well.",
        not_when="The work is told to use the others by UUID, and CUDA starts.",
        remedy="sudo dmesg | grep -i xid, then reset or reboot; if it comes back, look at the "
        "card, its seat and its power.",
        evidence=(
            Evidence(
                "NVIDIA's list of Xid errors: 79, the GPU has fallen off the bus",
                "https://docs.nvidia.com/deploy/xid-errors/index.html",
            ),
            Evidence(
                "One lost GPU keeps the device plugin from all of them",
                "https://github.com/NVIDIA/k8s-device-plugin/issues/2038",
            ),
        ),
        state=_lost,
    ),
    Rule(
        id="gpu-memory-failing",
        title="The GPU's memory has faults that are not dealt with",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(LIVE, DEVICES),
        why="An error that ECC cannot correct ends the programs that use the memory, so that no "
        "wrong number goes on. Until the bad place is retired or remapped, which happens at the "
        "next reset, it can do so again.",
        not_when="The GPU was in another program's hands when the errors came and nothing is "
        "pending, so that the bad place is out of use already.",
        remedy="sudo nvidia-smi --gpu-reset, or reboot; if a remap has failed, replace the card.",
        evidence=(
            _MEMORY_ERRORS,
            Evidence(
                "Page retirement before Ampere",
                "https://docs.nvidia.com/deploy/dynamic-page-retirement/index.html",
            ),
        ),
        state=_failing,
    ),
    Rule(
        id="gpu-clocks-held-back",
        title="The GPU is slowed down for heat or power",
        impact=Impact.PERF,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(LIVE, DEVICES),
        why="The driver or the hardware lowers the clocks. Every kernel gives the same bits, "
        "only later.",
        not_when="A library tries kernels out by time (cudnn.benchmark, XLA's autotuning) and "
        "takes another one for it: then the result rounds differently.",
        remedy="nvidia-smi -q -d PERFORMANCE tells more; look at cooling and the power supply.",
        evidence=(
            Evidence(
                "NVML's reasons for the clocks",
                "https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html",
            ),
            Evidence(
                "XLA's autotuning chooses by time",
                "https://openxla.org/xla/determinism",
            ),
        ),
        state=_held_back,
    ),
    Rule(
        id="gpu-exclusive-taken",
        title="The GPU admits one process, and another has it",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(DEVICES, LIVE, PIDS_ARE_OURS),
        why="In compute mode exclusive-process the driver gives a GPU to one process at a time; "
        "the next one's context is refused.",
        not_when="The processes share the GPU through the Multi-Process Service, or the other one "
        "ends first.",
        remedy="Wait for the other process, take another GPU, or sudo nvidia-smi "
        "--compute-mode=DEFAULT",
        evidence=(
            Evidence(
                "CUDA's compute modes",
                "https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#compute-modes",
            ),
        ),
        state=_taken,
        yields_to=("gpu-compute-prohibited",),
    ),
    Rule(
        id="gpu-start-slow",
        title="The driver takes seconds to start",
        impact=Impact.PERF,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(INIT_MS, DEVICES),
        why="Without persistence mode the driver initialises each GPU anew for the first program "
        "and lets go of it after the last, settings such as the compute mode included.",
        not_when="Other programs keep the GPU in use anyway.",
        remedy="sudo systemctl enable --now nvidia-persistenced",
        evidence=(
            Evidence(
                "Driver persistence: one to three seconds a GPU",
                "https://docs.nvidia.com/deploy/driver-persistence/index.html",
            ),
        ),
        state=_slow_start,
        advice=True,
    ),
    Rule(
        id="gpu-part-in-use",
        title="The work gets a part of a GPU",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(DEVICES,),
        why="A MIG device has its own number of multiprocessors and its own memory, and results "
        "hold for its profile.",
        not_when="Every run gets a part of the same profile.",
        remedy="Name the part: export CUDA_VISIBLE_DEVICES=MIG-… (nvidia-smi -L), and keep its "
        "profile with the result.",
        evidence=(
            Evidence(
                "NVIDIA's guide to MIG",
                "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/",
            ),
        ),
        state=_divided,
        advice=True,
        yields_to=("gpu-mig-changed",),
    ),
)
