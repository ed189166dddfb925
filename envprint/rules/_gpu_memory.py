"""What GPU memory that is not free does to a result.

The mechanism is in the words of maintainers and in source code; no published measurement shows a
trained model changed by it, and the rules say no more than that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from envprint.errors import Undetermined
from envprint.model import Comparison, Confidence, Fingerprint, Impact, Workload
from envprint.rule import Evidence, Match, Rule
from envprint.rules._devices import (
    DEVICES,
    changed_paths,
    field,
    moved,
    size_of,
    training,
    visible,
)
from envprint.units import size
from envprint.workload import on_gpu, uses

LIVE = "live.gpu.devices"
PIDS_ARE_OURS = "live.gpu.pids_are_ours"
HELD_BYTES = 256 << 20
"""Less than this in the hands of others is a driver at rest."""
HELD_BYTES_V1 = 1 << 30
"""The same where the driver cannot tell its own reserve, some hundred MB, from what is in use."""
NAMED_BYTES = 64 << 20
"""What a process must hold to be named: small ones come and go."""
UNNAMED = "a process that is not visible here"
UNLISTED = "a holder that is not listed"
LESS_FREE_SHARE = 0.1
"""Of all memory: workspaces of convolutions are of that order on the cards at hand."""

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
        "A PyTorch maintainer: algorithms that need more than the free memory are passed over",
        "https://github.com/pytorch/pytorch/issues/49207",
    ),
)
_PREALLOCATION = Evidence(
    "JAX takes three quarters of the whole memory at its first operation, and can fail for lack "
    "of it",
    "https://docs.jax.dev/en/latest/gpu_memory_allocation.html",
)


class _Held(NamedTuple):
    bytes: int
    holders: dict[str, int]
    """Name to bytes, the largest first."""


def _held(now: Fingerprint, key: str) -> _Held:
    """What others hold of one GPU, and who they are. Raises `Undetermined`."""
    device = f"{LIVE}[{key}]"
    if now.value("facts.frameworks.imported") and now.value(PIDS_ARE_OURS) is False:
        # The process that captures may hold memory itself.
        raise Undetermined(f"{device}.processes", "this process is not known among the holders")
    others = [p for p in now.value(f"{device}.processes") or [] if not p.get("own")]
    rest = now.value(f"{device}.unattributed_bytes") or 0
    is_v1 = now.value(f"{device}.memory_interface") == "v1"
    holders: dict[str, int] = {}
    for process in others:
        name = process.get("name") or UNNAMED
        holders[name] = holders.get(name, 0) + (process.get("memory_bytes") or 0)
    if rest >= (HELD_BYTES_V1 if is_v1 else HELD_BYTES):
        holders[UNLISTED] = rest
    ordered = sorted(holders.items(), key=lambda holder: (-holder[1], holder[0]))
    return _Held(sum(holders.values()), dict(ordered))


def _held_by_others(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    for key in visible(now):
        held, holders = _held(now, key)
        if held >= HELD_BYTES:
            place = f"{LIVE}[{key}]"
            names = ("memory_used_bytes", "processes", "unattributed_bytes")
            yield Match(
                _account(now, key, held, holders),
                tuple(f"{place}.{name}" for name in names),
                after=held,
            )


def _account(now: Fingerprint, key: str, held: int, holders: dict[str, int]) -> str:
    """`810 MiB of 16.0 GiB of GPU 0 are held by Xorg 412 MiB, firefox 396 MiB; … are free`."""
    total = field(now, key, "memory_total_bytes")
    free = now.value(f"{LIVE}[{key}].memory_free_bytes")
    of_all = f" of {size(total)}" if total else ""
    left = f"; {size(free)} are free" if free is not None else ""
    named = [f"{name} {size(amount)}" for name, amount in holders.items() if amount >= NAMED_BYTES]
    return f"{size(held)}{of_all} of GPU {key} are held by {', '.join(named) or 'small ones'}{left}"


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
    for change in moved(comparison, lambda now, key: size_of(now, key, "memory_total_bytes")):
        if change.before - change.after >= LESS_FREE_SHARE * change.before:
            yield Match(
                f"{change.which} had {size(change.before)} of memory, has {size(change.after)}",
                changed_paths(
                    comparison, change.keys, "memory_total_bytes", "mig_mode", "mig_devices", "name"
                ),
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
        applies=on_gpu,
        watches=(*_WATCHED, PIDS_ARE_OURS),
        why="When memory is short, TensorFlow takes a convolution algorithm that needs no scratch "
        "memory, with no more than a warning in its log, and PyTorch passes over those that need "
        "more than is free; another algorithm rounds differently. The maintainers of these two say "
        "so; no published measurement shows it. With any other framework an allocation can fail "
        "for lack of that memory: JAX asks for three quarters of the whole by default.",
        not_when="The work leaves plenty of memory free, or, in TensorFlow and PyTorch, has no "
        "convolutions.",
        remedy="End those programs, or run without a desktop on that GPU.",
        evidence=(*_MECHANISM, _PREALLOCATION),
        state=_held_by_others,
        yields_to=("gpu-memory-free-low",),
    ),
    Rule(
        id="gpu-less-free-than-baseline",
        title="Less GPU memory is free than for the baseline",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("tensorflow", "torch"),
        watches=_WATCHED,
        why="The free memory decides which convolution algorithms fit, those that are tried out by "
        "cudnn.benchmark or autotuning too, and another one rounds differently. Maintainers say "
        "so; no published measurement shows it.",
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
        yields_to=("gpu-architecture-changed", "gpu-mig-changed", "gpu-memory-free-low"),
    ),
)
