"""How a GPU is shared: one process at a time, in parts; and how long its start takes."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.cuda_visible_devices import VisibleDevice
from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.shell import Command
from envprint.core.units import size
from envprint.core.workload import Workload, on_gpu
from envprint.rules.gpu._holders import HELD_BYTES, PIDS_ARE_OURS
from envprint.rules.kit.devices import (
    DEVICES,
    LIVE,
    field,
    gpu_training,
    in_use,
    of_each,
    of_each_card,
    part,
    size_of,
    visible,
)
from envprint.rules.kit.settings import variable, when_changed

INIT_MS = "live.gpu.init_ms"
SLOW_INIT_MS = 1000
_EXCLUSIVE = ("exclusive-process", "exclusive-thread")
_SERVER = frozenset(["nvidia-cuda-mps-server", "nvidia-cuda-mps"])
"""The server's name, and its name as the kernel truncates it.

The mode is recommended with the server: https://docs.nvidia.com/deploy/mps/"""


_MPS = (
    "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE",
    "CUDA_MPS_ENABLE_PER_CTX_DEVICE_MULTIPROCESSOR_PARTITIONING",
    "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT",
    "CUDA_MPS_PIPE_DIRECTORY",
)
"""Variables by which a client of MPS gets its part; the last one says which daemon it asks."""


def _taken(now: Fingerprint, one: VisibleDevice, workload: Workload) -> Iterator[Match]:
    if field(now, one.key, "compute_mode") not in _EXCLUSIVE:
        return
    place = in_use(now, one)
    if now.value(PIDS_ARE_OURS) is False:
        rest = now.value(f"{place}.unattributed_bytes") or 0
        if now.value("facts.frameworks.imported") or rest >= HELD_BYTES:
            raise UnknownValueError(f"{place}.processes", "not every process is visible here")
    computing = [
        process
        for process in now.value(f"{place}.processes") or []
        if process.get("kind") != "graphics" and not process.get("own")
    ]
    missing = now.value(f"{place}.lists_missing") or {}
    if not computing and not missing.keys() <= {"graphics"}:
        raise UnknownValueError(f"{place}.processes", "not every list of processes could be read")
    names = [process.get("name") or f"pid {process.get('pid')}" for process in computing]
    # NVIDIA's Multi-Process Service holds the one place and admits other processes.
    if names and _SERVER.isdisjoint(names):
        yield Match(
            f"GPU {one.key} admits one process only, and {', '.join(names)} computes on it",
            (f"{place}.processes",),
            after=names,
        )


def _slow_start(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    init_ms = now.value(INIT_MS)
    if init_ms is not None and init_ms >= SLOW_INIT_MS:
        keys = [k for k in now.value(DEVICES) or {} if not field(now, k, "persistence_mode")]
        off = f": persistence mode is off on GPU {', '.join(keys)}" if keys else ""
        yield Match(f"NVML took {init_ms / 1000:.1f} s to start{off}", (INIT_MS,), after=init_ms)


def _divided(now: Fingerprint, key: str, workload: Workload) -> Iterator[Match]:
    if field(now, key, "mig_mode") != "on" or not field(now, key, "mig_devices"):
        return
    profiles, texts = [], []
    for one in visible(now):
        if one.key == key:
            name = str((part(now, one) or {}).get("name") or "a part without a name")
            profiles.append(name.rpartition("MIG ")[2])
            texts.append(f"{profiles[-1]}, {size(size_of(now, one, 'memory_total_bytes') or 0)}")
    yield Match(
        f"GPU {key} is divided (MIG): the work gets {'; '.join(texts)}",
        (f"{DEVICES}[{key}].mig_devices",),
        after=", ".join(profiles),
    )


RULES = (
    Rule(
        id="gpu-mps-share-changed",
        title="MPS gives the program another part of the GPU",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=tuple(map(variable, _MPS)),
        why="The Multi-Process Service shows a client as many multiprocessors as its percentage "
        "allows, and libraries choose kernels and how they split sums by that number. A limit of "
        "memory leaves less workspace, with the same effect. PyTorch also draws large tensors of "
        "random numbers by the number of multiprocessors.",
        not_when="No control daemon of MPS runs, so that the variables have no effect, or the "
        "daemon's own limit is the lower one on both sides.",
        remedy="Give the variable the same value on both sides.",
        evidence=(
            Evidence(
                "The percentage constrains the threads of a client",
                "https://docs.nvidia.com/deploy/topics/topic_5_2_5.html",
            ),
            Evidence("What MPS limits, and how", "https://docs.nvidia.com/deploy/mps/"),
        ),
        drift=when_changed(*_MPS),
    ),
    Rule(
        id="gpu-exclusive-taken",
        title="The GPU admits one process, and a different one has it",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu,
        watches=(DEVICES, LIVE, PIDS_ARE_OURS),
        why="In compute mode exclusive-process, a GPU allows one context and refuses the next "
        "one: all CUDA-capable devices are busy or unavailable. A program that names no GPU "
        "may get a different one instead.",
        not_when="The processes share the GPU through the Multi-Process Service, or the other one "
        "ends first.",
        remedy=Command("sudo nvidia-smi --compute-mode=DEFAULT"),
        note="Or wait for the other process, or use a different GPU.",
        evidence=(
            Evidence(
                "CUDA's error 46: devices are busy or unavailable",
                "https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html",
            ),
            Evidence(
                "The error on a cluster in exclusive mode",
                "https://github.com/huggingface/pytorch-image-models/issues/1033",
            ),
        ),
        state=of_each(_taken),
        yields_to=("gpu-compute-prohibited",),
    ),
    Rule(
        id="gpu-start-slow",
        title="The driver takes seconds to start",
        impact=Impact.PERF,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu,
        watches=(INIT_MS, DEVICES),
        why="Without persistence mode, the driver initialises each GPU again for the first "
        "program, which takes one to three seconds for GPUs with ECC. After the last program "
        "it releases the GPU and its settings, such as the compute mode.",
        not_when="Other programs keep the GPU in use anyway.",
        remedy=Command("sudo systemctl enable --now nvidia-persistenced"),
        evidence=(
            Evidence(
                "NVIDIA on driver persistence: one to three seconds a GPU",
                "https://docs.nvidia.com/deploy/driver-persistence/overview.html",
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
        applies=gpu_training,
        watches=(DEVICES,),
        why="A MIG device has its own number of multiprocessors and its own memory, and results "
        "are valid for its profile.",
        not_when="Every run gets a part of the same profile.",
        remedy=Command("nvidia-smi -L"),
        note="It lists the parts; set CUDA_VISIBLE_DEVICES to the UUID of one, and record its "
        "profile with the result.",
        evidence=(
            Evidence(
                "NVIDIA's guide to MIG",
                "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/",
            ),
        ),
        state=of_each_card(_divided),
        advice=True,
        yields_to=("gpu-mig-changed",),
    ),
)
