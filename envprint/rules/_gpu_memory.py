"""What GPU memory that is not free does to a result.

The mechanism is in the words of maintainers and in source code; no published measurement shows a
trained model changed by it, and the rules say no more than that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from envprint.errors import Undetermined
from envprint.model import (
    Comparison,
    Confidence,
    Evidence,
    Fingerprint,
    Impact,
    Match,
    Rule,
    Workload,
)
from envprint.rules._devices import DEVICES, changed_paths, field, moved, training, visible
from envprint.units import size
from envprint.workload import on_gpu, uses

LIVE = "live.gpu.devices"
_PIDS_ARE_OURS = "live.gpu.pids_are_ours"
HELD_BYTES = 256 << 20
"""Less than this in the hands of others is a driver at rest."""
HELD_BYTES_V1 = 1 << 30
"""The same where the driver cannot tell its own reserve, some hundred MB, from what is in use."""
LESS_FREE_SHARE = 0.1
"""Of all memory: workspaces of convolutions are of that order on the cards at hand."""

_MECHANISM = (
    Evidence(
        "A TensorFlow maintainer: when scratch memory cannot be allocated, a convolution falls "
        "back to an algorithm without it, silently",
        "https://github.com/tensorflow/tensorflow/issues/14171",
    ),
    Evidence(
        "A maintainer: with determinism on as well, the first algorithm that works can vary with "
        "the memory",
        "https://github.com/tensorflow/tensorflow/issues/53771",
    ),
    Evidence(
        "PyTorch: algorithms whose workspace does not fit are not used",
        "https://github.com/pytorch/pytorch/pull/558",
    ),
)


def _held(now: Fingerprint, key: str) -> tuple[int, str]:
    """Bytes that others hold on one GPU, and who. Raises `Undetermined`."""
    device = f"{LIVE}[{key}]"
    if now.value("facts.frameworks.imported") and now.value(_PIDS_ARE_OURS) is False:
        # The process that captures may hold memory itself.
        raise Undetermined(f"{device}.processes", "this process is not known among the holders")
    others = [p for p in now.value(f"{device}.processes") or [] if not p.get("own")]
    rest = now.value(f"{device}.unattributed_bytes") or 0
    is_v1 = now.value(f"{device}.memory_interface") == "v1"
    counted = rest if rest >= (HELD_BYTES_V1 if is_v1 else HELD_BYTES) else 0
    held = counted + sum(p.get("memory_bytes", 0) for p in others)
    return held, _holders(others, counted)


def _holders(others: list[dict[str, Any]], rest: int) -> str:
    """`Xorg 412 MiB, firefox 396 MiB`: the largest first."""
    ranked = sorted(others, key=lambda p: (-p.get("memory_bytes", 0), p["pid"]))
    said = [
        f"{p.get('name', 'process ' + str(p['pid']))} {size(p['memory_bytes'])}"
        for p in ranked
        if p.get("memory_bytes")
    ]
    return ", ".join([*said, *([f"{size(rest)} by no process listed"] if rest else [])])


def _held_match(now: Fingerprint, key: str, held: int, who: str, before: int | None) -> Match:
    total = field(now, key, "memory_total_bytes")
    free = now.value(f"{LIVE}[{key}].memory_free_bytes")
    share = f"{size(held)} of {size(total)}" if total else size(held)
    left = f"; {size(free)} are free" if free is not None else ""
    place = f"{LIVE}[{key}]"
    paths = tuple(f"{place}.{n}" for n in ("processes", "memory_used_bytes", "unattributed_bytes"))
    return Match(f"others hold {share} on GPU {key}: {who}{left}", paths, before, held)


def _held_now(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    for key in visible(now):
        held, who = _held(now, key)
        if held >= HELD_BYTES:
            yield _held_match(now, key, held, who, None)


def _held_more(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    pairs = zip(visible(comparison.before), visible(comparison.after), strict=False)
    for old_key, key in pairs:
        before, _ = _held(comparison.before, old_key)
        held, who = _held(comparison.after, key)
        if held - before >= HELD_BYTES:
            yield _held_match(comparison.after, key, held, who, before)


def _free_low(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    needed = workload.min_free_gpu_bytes
    for key in visible(now) if needed else []:
        path = f"{LIVE}[{key}].memory_free_bytes"
        free = now.value(path)
        if free is not None and needed and free < needed:
            text = f"GPU {key} has {size(free)} free, {size(needed)} are needed"
            yield Match(text, (path,), after=free)


def _less_free(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    pairs = zip(visible(comparison.before), visible(comparison.after), strict=False)
    for old_key, key in pairs:
        path = f"{LIVE}[{key}].memory_free_bytes"
        before = comparison.before.value(f"{LIVE}[{old_key}].memory_free_bytes")
        after = comparison.after.value(path)
        total = field(comparison.after, key, "memory_total_bytes")
        is_known = None not in (before, after, total)
        if is_known and before - after >= LESS_FREE_SHARE * total:
            text = f"GPU {key} had {size(before)} free, has {size(after)}"
            yield Match(text, (path,), before, after)


def _less_memory(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    for change in moved(comparison, lambda now, key: field(now, key, "memory_total_bytes")):
        if change.before - change.after >= LESS_FREE_SHARE * change.before:
            yield Match(
                f"{change.which} had {size(change.before)} of memory, has {size(change.after)}",
                changed_paths(comparison, change.keys, "memory_total_bytes", "name"),
                change.before,
                change.after,
            )


_WATCHED = (LIVE, DEVICES)
MEMORY_RULES = (
    Rule(
        id="gpu-memory-held-by-others",
        title="Other programs hold memory of the GPU",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("tensorflow", "torch"),
        watches=(*_WATCHED, _PIDS_ARE_OURS),
        why="When memory is short, TensorFlow silently uses a convolution algorithm that needs no "
        "scratch memory, and PyTorch leaves out those whose workspace does not fit; another "
        "algorithm rounds differently. Maintainers say so; no published measurement shows it.",
        not_when="The work leaves plenty of memory free, or has no convolutions.",
        remedy="End those programs, or run without a desktop on that GPU.",
        evidence=_MECHANISM,
        state=_held_now,
        drift=_held_more,
        yields_to=("gpu-memory-free-low",),
    ),
    Rule(
        id="gpu-memory-free-low",
        title="Less GPU memory is free than the work needs",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=_WATCHED,
        why="An allocation that does not fit ends the program.",
        not_when="The work needs less than was asked for.",
        remedy="End the programs that hold the memory, use a smaller batch, or another GPU.",
        evidence=(
            Evidence(
                "cudaErrorMemoryAllocation",
                "https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html",
            ),
            Evidence(
                "No valid cuDNN algorithm was found, and memory was the reason",
                "https://github.com/marqo-ai/marqo/issues/101",
            ),
        ),
        state=_free_low,
    ),
    Rule(
        id="gpu-less-free-than-baseline",
        title="Less GPU memory is free than for the baseline",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("tensorflow", "torch"),
        watches=_WATCHED,
        why="The free memory decides which convolution algorithms fit, and another one rounds "
        "differently. Maintainers say so; no published measurement shows it.",
        not_when="Less than a tenth of the memory is missing, or the work leaves plenty free.",
        remedy="Free the memory before the run, so that as much is free as for the baseline.",
        evidence=_MECHANISM,
        drift=_less_free,
        yields_to=(
            "gpu-memory-free-low",
            "gpu-memory-held-by-others",
            "gpu-memory-total-smaller",
        ),
    ),
    Rule(
        id="gpu-memory-total-smaller",
        title="The GPU has less memory",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=training,
        watches=(DEVICES,),
        why="Less memory in all leaves less for workspaces, which decides between algorithms; and "
        "what does not fit any more needs a smaller batch, which is another run.",
        not_when="The work leaves plenty of memory free on the smaller GPU too.",
        remedy="Run on a GPU with as much memory, or compare with a tolerance.",
        evidence=_MECHANISM[:1],
        drift=_less_memory,
        yields_to=("gpu-architecture-changed", "gpu-tf32-crossed", "gpu-memory-free-low"),
    ),
)
