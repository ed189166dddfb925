"""Whether a program can start in the GPU memory that is free."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.cuda_visible_devices import VisibleDevice
from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Result, Rule
from envprint.core.shell import unset
from envprint.core.units import size
from envprint.core.versions import numbers
from envprint.core.workload import Workload, on_gpu
from envprint.rules.gpu._holders import NAMED_BYTES, PIDS_ARE_OURS, held_memory, listed
from envprint.rules.kit.devices import (
    DEVICES,
    HOST_MEMORY,
    LIVE,
    STATUS,
    cards,
    field,
    free_path,
    in_use,
    of_each,
)

_TENSORFLOW_BYTES = (500 << 20, 1050 << 20, 1536 << 20)
"""What TensorFlow leaves to the driver and CUDA's libraries: up to compute capability 6, for 7, and
from 8 on; see the rule's evidence."""
_GET_A_GPU = "Repair the driver, or run where there is a GPU."
_MAX_NEEDED_BYTES = max(_TENSORFLOW_BYTES)
_SHARED = "shares the system's memory, which has"
_CONTEXT_BYTES = 300 << 20
"""What a context takes without any tensor, with CUDA 11.7 and later; see the rule's evidence."""


def _needed(now: Fingerprint, key: str, workload: Workload) -> int:
    """Bytes a framework takes on a whole GPU before its first tensor; 0 on a divided one."""
    if field(now, key, "mig_mode") == "on":
        return 0
    if "tensorflow" not in workload.frameworks:
        return _CONTEXT_BYTES
    major = next(iter(numbers(field(now, key, "compute_capability") or "")), 0)
    return _TENSORFLOW_BYTES[max(0, min(major, 8) - 6)]


def _trains(workload: Workload) -> bool:
    return not {"tensorflow", "torch", "jax"}.isdisjoint(workload.frameworks)


def own_bytes(now: Fingerprint, one: VisibleDevice) -> int:
    """What the process that captured and its children hold. Raises `UnknownValueError`."""
    device = in_use(now, one)
    if now.value(PIDS_ARE_OURS) is False:
        if now.value("facts.frameworks.imported"):
            raise UnknownValueError(
                f"{device}.processes", "this process cannot be found among the holders"
            )
        return 0
    own = [process for process in now.value(f"{device}.processes") or [] if process.get("own")]
    return sum(process.get("memory_bytes") or 0 for process in own)


def _low(now: Fingerprint, workload: Workload) -> Iterator[Result]:
    if workload.min_free_gpu_bytes and (reason := _no_gpu(now)) is not None:
        needed = size(workload.min_free_gpu_bytes)
        text = f"no GPU can be used{reason}, {needed} are needed"
        # GPUs that are there and work are hidden.
        remedy = _GET_A_GPU if reason or not now.value(DEVICES) else unset("CUDA_VISIBLE_DEVICES")
        yield Match(text, (DEVICES,), after=0, remedy=remedy)
    else:
        yield from of_each(_low_of)(now, workload)


def _no_gpu(now: Fingerprint) -> str | None:
    """Why no GPU can be used, as the rest of a sentence; None if one can.

    Raises `UnknownValueError` if that is unknown.
    """
    status = now.get(STATUS)
    if status not in (None, "ok"):
        return f" ({status})"
    return None if cards(now) else ""


def _low_of(now: Fingerprint, one: VisibleDevice, workload: Workload) -> Iterator[Match]:
    required = workload.min_free_gpu_bytes
    path = free_path(now, one)
    free = now.value(path)
    # Values that are less often known are read only if they decide.
    if free is None or (required is None and (free >= _MAX_NEEDED_BYTES or not _trains(workload))):
        return
    needed = _needed(now, one.key, workload) if required is None else required
    own = own_bytes(now, one) if free < needed else 0
    if free + own < needed:
        has = f"{_SHARED if path == HOST_MEMORY else 'has'} {size(free)} free"
        itself = f", and {size(own)} held by this program itself" if own else ""
        wants = f"a framework takes {size(needed)} to start"
        wants = wants if required is None else f"{size(needed)} are needed"
        text = f"GPU {one.key} {has}{itself}, {wants}{_by_whom(now, one)}"
        yield Match(text, (path,), after=free)


def _by_whom(now: Fingerprint, one: VisibleDevice) -> str:
    """Who holds the memory, as far as known; this rule silences those that would name them."""
    try:
        found = held_memory(now, one)
    except UnknownValueError:
        return ""
    parts = [f"held by {listed(found.holders)}"] if found.listed_bytes >= NAMED_BYTES else []
    if found.unlisted_bytes:
        parts.append(f"{size(found.unlisted_bytes)} in use by no listed process")
    return "".join(f"; {text}" for text in parts)


FREE_RULE = Rule(
    id="gpu-memory-free-low",
    title="Less GPU memory is free than the work needs",
    impact=Impact.BREAKS,
    confidence=Confidence.DOCUMENTED,
    applies=on_gpu,
    watches=(LIVE, DEVICES, PIDS_ARE_OURS, HOST_MEMORY, STATUS),
    why="An allocation that does not fit ends the program. If a framework finds no valid cuDNN "
    "algorithm, or cannot create a cuDNN handle, lack of memory is often the reason. Without "
    "--min-free-gpu, the limit is what is taken before the first tensor: 300 MiB by a "
    "context, and 500, 1050 or 1536 MiB by CUDA's libraries under TensorFlow, by compute "
    "capability.",
    not_when="The work needs less than that limit, or does not use that GPU. A divided GPU is "
    "only compared with --min-free-gpu.",
    remedy="End the programs that hold the memory, use a smaller batch, or use a different GPU.",
    evidence=(
        Evidence(
            "cudaErrorMemoryAllocation",
            "https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html",
        ),
        Evidence(
            "No valid cuDNN algorithm for lack of memory",
            "https://github.com/marqo-ai/marqo/issues/101",
        ),
        Evidence(
            "What TensorFlow leaves to CUDA's libraries: MinSystemMemory",
            "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/common_runtime/"
            "gpu/gpu_device.cc",
        ),
        Evidence(
            "Leftover programs keep TensorFlow from creating a cuDNN handle",
            "https://github.com/tensorflow/tensorflow/issues/6698",
        ),
        Evidence(
            "A PyTorch maintainer: a context takes about 300 MB, over 1000 before CUDA 11.7",
            "https://github.com/pytorch/pytorch/issues/107667",
        ),
    ),
    state=_low,
)

RULES = (FREE_RULE,)
