"""The effect of GPU memory in use on a result.

Statements of maintainers and source code describe the mechanism; no published measurement shows
that it changed a trained model, and the rules claim no more than that.
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.cuda_visible_devices import VisibleDevice
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Result, Rule
from envprint.core.shell import Command
from envprint.core.units import size
from envprint.core.workload import Workload, on_gpu, uses
from envprint.rules.gpu._holders import HELD_BYTES, PIDS_ARE_OURS, held_memory, listed
from envprint.rules.gpu.free_memory import own_bytes
from envprint.rules.kit.devices import (
    DEVICES,
    HOST_MEMORY,
    LIVE,
    DeviceChange,
    about_each,
    changed_paths,
    field,
    free_path,
    gpu_training,
    in_use,
    match_devices,
    of_each,
    of_each_change,
    size_of,
)

LESS_FREE_SHARE = 0.1
"""Share of all memory: workspaces of convolutions are of that order on the cards at hand."""

_MECHANISM = (
    Evidence(
        "A TensorFlow maintainer: when scratch memory cannot be allocated, a convolution warns and "
        "falls back to an algorithm without it",
        "https://github.com/tensorflow/tensorflow/issues/14171",
    ),
    Evidence(
        "A maintainer: with determinism on as well, the first algorithm that works can vary with "
        "the memory",
        "https://github.com/tensorflow/tensorflow/issues/53771",
    ),
    Evidence(
        "A PyTorch maintainer: algorithms that need more than the free memory are skipped",
        "https://github.com/pytorch/pytorch/issues/49207",
    ),
)
_PREALLOCATION = Evidence(
    "JAX takes three quarters of the whole memory at its first operation, and can fail for lack "
    "of it",
    "https://docs.jax.dev/en/latest/gpu_memory_allocation.html",
)


_FIND_ENDED = Command("sudo fuser -v /dev/nvidia*")
_FOUND_OR_NOT = (
    "It lists the processes that have the devices open; if there is none, reset the GPU or reboot."
)
MOSTLY_HELD_SHARE = 0.75
"""Share of the card in the hands of others from which on a job has to change to fit: JAX alone asks
for three quarters of all memory."""
_UNLISTED = {
    "pid-namespace": "none of it by a process that is visible from this container",
    "driver-model": "memory per process is not reported by Windows' driver model",
    "not-reported": "memory per process is not reported by this driver",
    "driver-reserve": "by no listed process; a few hundred MiB may be the driver's own",
    "numa-pages": "by no listed process; pages of ended processes may be among them",
    "managed-or-ended": "by no listed process: managed memory, or memory of an ended process",
    "not-known": "and the holder is unknown",
}


def _held_by_others(now: Fingerprint, one: VisibleDevice, workload: Workload) -> Iterator[Match]:
    found = held_memory(now, one)
    if found.listed_bytes >= HELD_BYTES:
        place = in_use(now, one)
        has_ended = any(holder.has_ended for holder in found.holders)
        yield Match(
            f"{_share(now, one, found.listed_bytes)} are held by {listed(found.holders)}"
            f"{_left(now, one)}",
            (f"{place}.memory_used_bytes", f"{place}.processes"),
            after=found.listed_bytes,
            impact=_impact(now, one, found.listed_bytes),
            remedy=_FIND_ENDED if has_ended else None,
            note=_FOUND_OR_NOT,
        )


def _unattributed(now: Fingerprint, one: VisibleDevice, workload: Workload) -> Iterator[Match]:
    found = held_memory(now, one)
    if found.unlisted_bytes >= HELD_BYTES and not _is_windows_share(now, one):
        place = in_use(now, one)
        reason = now.value(f"{place}.unattributed_reason") or "not-known"
        missing = "; ".join((now.value(f"{place}.lists_missing") or {}).values())
        unread = now.unknown.get(f"{place}.processes", missing)
        why = _UNLISTED.get(reason, reason) + (f" ({unread})" if unread else "")
        yield Match(
            f"{_share(now, one, found.unlisted_bytes)} are in use, {why}{_left(now, one)}",
            (f"{place}.unattributed_bytes",),
            after=found.unlisted_bytes,
            impact=_impact(now, one, found.unlisted_bytes),
        )


def _held_by_windows(now: Fingerprint, one: VisibleDevice, workload: Workload) -> Iterator[Match]:
    found = held_memory(now, one)
    if found.unlisted_bytes >= HELD_BYTES and _is_windows_share(now, one):
        text = f"{_share(now, one, found.unlisted_bytes)} are in use on Windows' side"
        path = f"{in_use(now, one)}.unattributed_bytes"
        yield Match(text + _left(now, one), (path,), after=found.unlisted_bytes)


def _is_windows_share(now: Fingerprint, one: VisibleDevice) -> bool:
    """Whether Windows, beside which this system runs, holds the memory, and less than most of it.

    Windows moves memory of its programs out when another one needs it.
    """
    reason = now.value(f"{in_use(now, one)}.unattributed_reason")
    return (
        reason == "driver-model"
        and now.value("facts.container.kind") == "wsl"
        and not _is_mostly_held(now, one, held_memory(now, one).unlisted_bytes)
    )


def _impact(now: Fingerprint, one: VisibleDevice, held: int) -> Impact | None:
    """The impact if it is not the rule's: what fits into the rest is another run."""
    return Impact.DIVERGES if _is_mostly_held(now, one, held) else None


def _is_mostly_held(now: Fingerprint, one: VisibleDevice, held: int) -> bool:
    total = None if field(now, one.key, "shares_system_memory") else _total(now, one)
    return bool(total) and held >= MOSTLY_HELD_SHARE * (total or 0)


def _share(now: Fingerprint, one: VisibleDevice, amount: int) -> str:
    """`996 of 11,264 MiB (9 %) of GPU 0`."""
    is_shared = field(now, one.key, "shares_system_memory")
    total = None if is_shared else _total(now, one)
    if not total:
        return f"{size(amount)} of GPU {one.key}"
    return f"{size(amount)} of {size(total)} ({100 * amount / total:.0f} %) of GPU {one.key}"


def _left(now: Fingerprint, one: VisibleDevice) -> str:
    free = now.value(free_path(now, one))
    return f"; {size(free)} are free" if free is not None else ""


def _less_free(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    def look(pair: tuple[VisibleDevice, VisibleDevice]) -> Iterator[Match]:
        paths = [
            f"{in_use(side, one)}.memory_free_bytes"
            for side, one in zip((comparison.before, comparison.after), pair, strict=True)
        ]
        before, after = comparison.before.value(paths[0]), comparison.after.value(paths[1])
        total = _total(comparison.after, pair[1])
        if before is None or after is None or total is None:
            return
        # A process's own memory is available for its own work.
        before += own_bytes(comparison.before, pair[0])
        if before - after < LESS_FREE_SHARE * total:
            return
        after += own_bytes(comparison.after, pair[1])
        if before - after >= LESS_FREE_SHARE * total:
            text = f"GPU {pair[1].key} had {size(before)} free, has {size(after)}"
            yield Match(text, (paths[1],), before, after)

    labelled = ((pair[1].label, pair) for pair in match_devices(comparison))
    return about_each(labelled, look)


def _total(now: Fingerprint, one: VisibleDevice) -> int | None:
    return size_of(now, one, "memory_total_bytes")


def _less_memory(comparison: Comparison, change: DeviceChange) -> Iterator[Match]:
    if change.before - change.after >= LESS_FREE_SHARE * change.before:
        yield Match(
            f"{change.which} had {size(change.before)} of memory, has {size(change.after)}",
            changed_paths(
                comparison, change.keys, "memory_total_bytes", "mig_mode", "mig_devices", "name"
            ),
            change.before,
            change.after,
        )


_WATCHED = (LIVE, DEVICES, HOST_MEMORY)
RULES = (
    Rule(
        id="gpu-memory-held-by-others",
        title="Other programs hold memory of the GPU",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu,
        watches=(*_WATCHED, PIDS_ARE_OURS),
        why="When memory is short, TensorFlow falls back to a convolution algorithm without "
        "scratch memory, with a log warning at most, and PyTorch takes the first one that "
        "does not fail, skipping those that need more than is free; a different algorithm "
        "rounds differently. The maintainers of both say so; no published measurement shows "
        "it. In any other framework, an allocation can fail for lack of that memory: JAX "
        "requests three quarters of the whole by default. If others hold three quarters or "
        "more, the work has to be made smaller to fit, which makes a different run.",
        not_when="The work leaves plenty of memory free, or, in TensorFlow and PyTorch, has no "
        "convolutions.",
        remedy="End those programs, or run without a desktop on that GPU.",
        evidence=(*_MECHANISM, _PREALLOCATION),
        state=of_each(_held_by_others),
        yields_to=("gpu-memory-free-low",),
    ),
    Rule(
        id="gpu-memory-unattributed",
        title="Memory of the GPU is in use, and no listed program holds it",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu,
        watches=(*_WATCHED, PIDS_ARE_OURS),
        why="The work lacks this memory just as if a named program held it, with the same effect: "
        "a different convolution algorithm, or an allocation that fails. The list of "
        "processes is incomplete in a container, under Windows' driver model, for managed "
        "memory, and after a process ended without freeing its memory.",
        not_when="The work leaves plenty of memory free, or, in TensorFlow and PyTorch, has no "
        "convolutions.",
        remedy=Command("nvidia-smi", "sudo fuser -v /dev/nvidia*"),
        note="On the host, outside the container.",
        evidence=(
            *_MECHANISM,
            _PREALLOCATION,
            Evidence(
                "In a container no process is listed, by design",
                "https://github.com/NVIDIA/nvidia-docker/issues/179",
            ),
            Evidence(
                "Under WDDM the driver does not report memory by process",
                "https://docs.nvidia.com/deploy/nvml-api/structnvmlProcessInfo__t.html",
            ),
        ),
        state=of_each(_unattributed),
        yields_to=("gpu-memory-free-low",),
    ),
    Rule(
        id="gpu-memory-held-by-windows",
        title="Windows' desktop holds memory of the GPU",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu,
        watches=_WATCHED,
        why="Under WSL, Windows draws its desktop on the same GPU, and its driver does not report "
        "how much each program holds. A job that needs nearly all of the memory finds less "
        "free, and a convolution may use a different algorithm.",
        not_when="The work leaves plenty of memory free.",
        remedy="Close browsers and games in Windows; the Details tab of its Task Manager lists "
        "dedicated GPU memory by program.",
        evidence=(
            *_MECHANISM[:1],
            Evidence(
                "Under WDDM the driver does not report memory by process",
                "https://docs.nvidia.com/deploy/nvml-api/structnvmlProcessInfo__t.html",
            ),
            Evidence(
                "Under WSL the GPU belongs to Windows, and nvidia-smi lists no processes",
                "https://docs.nvidia.com/cuda/wsl-user-guide/index.html",
            ),
        ),
        state=of_each(_held_by_windows),
        advice=True,
        yields_to=("gpu-memory-free-low",),
    ),
    Rule(
        id="gpu-less-free-than-baseline",
        title="Less GPU memory is free than for the baseline",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("tensorflow", "torch"),
        watches=_WATCHED,
        why="The free memory decides which convolution algorithms fit, including those that "
        "cudnn.benchmark or autotuning tries out, and a different one rounds differently. "
        "Maintainers say so; no published measurement shows it.",
        not_when="Less than a tenth of the memory is missing, or the work leaves plenty free.",
        remedy="Free memory before the run until there is as much as for the baseline.",
        evidence=_MECHANISM,
        drift=_less_free,
        yields_to=(
            "gpu-memory-free-low",
            "gpu-memory-held-by-others",
            "gpu-memory-total-smaller",
            "gpu-memory-unattributed",
        ),
    ),
    Rule(
        id="gpu-memory-total-smaller",
        title="The GPU has less memory",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=gpu_training,
        watches=(DEVICES,),
        why="Less total memory leaves less for workspaces, which decides between algorithms. What "
        "no longer fits needs a smaller batch, which makes a different run.",
        not_when="The work leaves plenty of memory free on the smaller GPU too.",
        remedy="Run on a GPU with the same amount of memory, or compare with a tolerance.",
        evidence=_MECHANISM[:1],
        drift=of_each_change(_total, _less_memory),
        yields_to=("gpu-architecture-changed", "gpu-mig-changed", "gpu-memory-free-low"),
    ),
)
