"""The effect of the machine's present memory and disk space on a run."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.units import size
from envprint.core.workload import Workload, always, uses

MIN_MEMORY_BYTES = 512 << 20
"""Resident memory: importing TensorFlow 2.21 alone took 557 MiB, PyTorch 2.13 218 MiB."""
MIN_SHARED_BYTES = 64 << 20
"""Docker's default for a container."""
MIN_DISK_BYTES = 1 << 30
"""One checkpoint of a network of 100 million float32 weights with Adam's state is 1.2 GB."""


_LIMIT_LEFT = "live.host.memory_limit_left_bytes"


def _memory(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    free = now.value("live.host.memory_available_bytes")
    if free is not None and free < MIN_MEMORY_BYTES:
        yield Match(
            f"{size(free)} of memory is available",
            ("live.host.memory_available_bytes", "live.host.memory_total_bytes"),
            after=free,
        )
    left = now.value(_LIMIT_LEFT)
    if left is not None and left < MIN_MEMORY_BYTES:
        text = f"{size(left)} of the memory limit of this container or group is left"
        yield Match(text, (_LIMIT_LEFT,), after=left)


def _shared(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    total = now.value("live.host.shm_total_bytes")
    if total is not None and total <= MIN_SHARED_BYTES:
        yield Match(
            f"/dev/shm holds {size(total)}",
            ("live.host.shm_total_bytes", "live.host.shm_free_bytes"),
            after=total,
        )


def _disk(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    free = now.value("live.host.disk_free_bytes")
    if free is not None and free < MIN_DISK_BYTES:
        yield Match(
            f"{size(free)} are free where the program runs",
            ("live.host.disk_free_bytes",),
            after=free,
        )


RULES = (
    Rule(
        id="host-memory-low",
        title="Memory is almost used up",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=(
            "live.host.memory_available_bytes",
            "live.host.memory_total_bytes",
            _LIMIT_LEFT,
        ),
        why="When memory runs out, the kernel kills a process, usually the largest one.",
        not_when="The job needs less than 512 MiB; importing a framework takes about that much.",
        remedy="Stop other programs, raise the container's limit, or use a larger machine.",
        evidence=(
            Evidence(
                "What the kernel does when memory runs out",
                "https://docs.kernel.org/admin-guide/mm/concepts.html#oom-killer",
            ),
        ),
        state=_memory,
    ),
    Rule(
        id="host-shared-memory-small",
        title="Shared memory is small",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=uses("torch"),
        watches=("live.host.shm_total_bytes", "live.host.shm_free_bytes"),
        why="PyTorch's DataLoader workers pass batches through /dev/shm and fail when it is full.",
        not_when="The job uses no DataLoader workers, or small batches.",
        remedy="Start the container with --ipc=host, or with --shm-size=8g.",
        evidence=(
            Evidence(
                "PyTorch's note on containers", "https://github.com/pytorch/pytorch#docker-image"
            ),
        ),
        state=_shared,
        advice=True,
    ),
    Rule(
        id="host-disk-low",
        title="The disk is almost full",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=("live.host.disk_free_bytes",),
        why="A checkpoint that cannot be written ends the run. This is advice however little is "
        "free: import, allocation and the first steps do not need the disk, no result "
        "changes, and where the job writes cannot be seen from outside. --strict counts it.",
        not_when="The job writes elsewhere, or writes little.",
        remedy="Free space in the working directory's file system.",
        evidence=(
            Evidence(
                "ENOSPC: no space left on device",
                "https://man7.org/linux/man-pages/man2/write.2.html",
            ),
        ),
        state=_disk,
        advice=True,
    ),
)
