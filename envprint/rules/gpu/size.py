"""The effect of a GPU's size on a result: its multiprocessors, and the part that is assigned."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.cuda_visible_devices import VisibleDevice
from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.shell import Code, Command
from envprint.core.units import size
from envprint.core.workload import Workload, on_gpu, uses
from envprint.rules.cuda._tables import threads_per_sm
from envprint.rules.gpu.architecture import CUBLAS, capability
from envprint.rules.kit.devices import (
    DEVICES,
    VISIBLE,
    DeviceChange,
    cards,
    changed_paths,
    field,
    gpu_training,
    of_each_change,
    part,
    size_of,
)

_BLOCK = 256
"""Threads per block of PyTorch's random kernels."""
_SIZES = ("sm_count", "mig_mode", "mig_devices")


def _sm_count(now: Fingerprint, one: VisibleDevice) -> int | None:
    return size_of(now, one, "sm_count")


def _other_count(comparison: Comparison, change: DeviceChange) -> Iterator[Match]:
    yield Match(
        f"{change.which} had {change.before} streaming multiprocessors, has {change.after}",
        changed_paths(comparison, change.keys, *_SIZES, "name"),
        change.before,
        change.after,
    )


def _wave(now: Fingerprint, one: VisibleDevice) -> int | None:
    """Elements that PyTorch draws per wave: threads per SM times SMs, in blocks of 256.

    https://github.com/pytorch/pytorch/blob/main/aten/src/ATen/native/cuda/DistributionTemplates.h
    """
    kind, count = capability(now, one), size_of(now, one, "sm_count")
    if not kind or not count:
        return None
    threads = threads_per_sm(kind)
    if threads is None:
        path = f"{DEVICES}[{one.key}].compute_capability"
        raise UnknownValueError(path, f"threads per SM of {kind} are not in envprint's table")
    return count * (threads // _BLOCK * _BLOCK)


def _other_numbers(comparison: Comparison, change: DeviceChange) -> Iterator[Match]:
    smaller = min(change.before, change.after)
    yield Match(
        f"{change.which}: PyTorch draws different random numbers on this GPU for tensors of more "
        f"than {smaller:,} elements",
        changed_paths(comparison, change.keys, *_SIZES, "compute_capability", "name"),
        change.before,
        change.after,
    )


def _profile(now: Fingerprint, one: VisibleDevice) -> str:
    """`1g.5gb` of `NVIDIA A100-SXM4-40GB MIG 1g.5gb`, or that the GPU is whole."""
    given = part(now, one)
    if given is None:
        return "whole"
    name = given.get("name") or "a part without a name"
    return str(name).rpartition("MIG ")[2]


def _divided(comparison: Comparison, change: DeviceChange) -> Iterator[Match]:
    before = _given(comparison.before, change.old, change.before)
    after = _given(comparison.after, change.new, change.after)
    paths = changed_paths(comparison, change.keys, "mig_mode", "mig_devices")
    yield Match(
        f"{change.which} was used {before}, is used {after}",
        tuple(dict.fromkeys((*paths, *comparison.under(VISIBLE)))),
        change.before,
        change.after,
    )


def _given(now: Fingerprint, one: VisibleDevice, profile: str) -> str:
    """`as 1g.5gb with 14 multiprocessors and 4,864 MiB`."""
    count, memory = (size_of(now, one, name) for name in ("sm_count", "memory_total_bytes"))
    has = [f"{count} multiprocessors"] if count else []
    has += [size(memory)] if memory else []
    how = profile if profile == "whole" else f"as {profile}"
    return f"{how} with {' and '.join(has)}" if has else how


def _without_part(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    keys = cards(now)
    for key in keys:
        if field(now, key, "mig_mode") == "on" and field(now, key, "mig_devices") == []:
            place = f"{DEVICES}[{key}]"
            yield Match(
                f"MIG is on for GPU {key}, and it has no instance that a program could use",
                (f"{place}.mig_devices", f"{place}.mig_mode"),
                after=0,
                # CUDA skips such a GPU: the program has one GPU less.
                impact=None if len(keys) == 1 else Impact.DIVERGES,
            )


RULES = (
    Rule(
        id="gpu-sm-count-changed",
        title="The GPU's number of streaming multiprocessors differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(DEVICES,),
        why="Kernels divide sums over the streaming multiprocessors, so a different number of "
        "them rounds in a different order.",
        not_when="The program uses neither cuBLAS nor kernels that size their grid by the GPU.",
        remedy="Run on the same model of GPU.",
        evidence=(CUBLAS,),
        drift=of_each_change(_sm_count, _other_count),
        yields_to=(
            "gpu-architecture-changed",
            "gpu-mig-changed",
            "gpu-random-numbers-changed",
        ),
        probed=True,
    ),
    Rule(
        id="gpu-random-numbers-changed",
        title="PyTorch draws different random numbers on this GPU",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("torch"),
        watches=(DEVICES, VISIBLE),
        why="PyTorch distributes its random stream over threads, and the number of threads "
        "depends on the GPU; beyond one wave of threads, every element gets a different "
        "number. use_deterministic_algorithms does not change that.",
        not_when="All random tensors, including those of dropout, are smaller than the size "
        "named, or are drawn on the CPU.",
        remedy=Code("torch.randn(shape, generator=torch.Generator().manual_seed(seed)).cuda()"),
        note="Draws on the CPU and moves the numbers to the GPU.",
        evidence=(
            Evidence(
                "Measured on T4 and L4: equal up to 40,960 elements, different from 40,961 on",
                "https://github.com/pytorch/pytorch/issues/194676",
            ),
            Evidence(
                "The same boundary predicted and seen on five GPUs",
                "https://github.com/pytorch/pytorch/pull/176584",
            ),
            Evidence(
                "A maintainer: the numbers depend on the size of the tensor and on the GPU",
                "https://github.com/pytorch/pytorch/issues/90006",
            ),
        ),
        drift=of_each_change(_wave, _other_numbers),
    ),
    Rule(
        id="gpu-mig-changed",
        title="The GPU is divided differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(DEVICES, VISIBLE),
        why="A MIG device is a GPU with fewer streaming multiprocessors and less memory: sums are "
        "divided differently, and fewer algorithms fit.",
        not_when="The program gets a part of the same profile on both sides; how the rest of the "
        "GPU is divided does not affect it.",
        remedy="Run on a part of the same profile, or on the whole GPU.",
        evidence=(
            CUBLAS,
            Evidence(
                "PyTorch's random numbers differ between MIG profiles",
                "https://github.com/pytorch/pytorch/issues/196613",
            ),
        ),
        drift=of_each_change(_profile, _divided),
    ),
    Rule(
        id="gpu-mig-without-instance",
        title="The GPU is in MIG mode and not divided",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu,
        watches=(DEVICES, VISIBLE),
        why="In MIG mode, a program gets an instance and never the whole GPU. Until a GPU "
        "instance and a compute instance in it are created, no CUDA program runs there.",
        not_when="The program does not use that GPU; if it sees others, it has one fewer, and the "
        "finding is diverges.",
        remedy=Command("sudo nvidia-smi mig -cgi 19 -C"),
        note="Creates an instance of profile 19, the smallest part. Or turn MIG off.",
        evidence=(
            Evidence(
                "NVIDIA's guide: instances must be created before programs run",
                "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/"
                "getting-started-with-mig.html",
            ),
        ),
        state=_without_part,
    ),
)
