"""Tables of NVIDIA's documentation that rules look things up in. Written down on 2026-11-21."""

from __future__ import annotations

from collections.abc import Mapping

DRIVER_FLOORS: Mapping[tuple[int, ...], str] = {
    (8,): "367.48",
    (9,): "384.81",
    (9, 1): "390.46",
    (9, 2): "396.26",
    (10,): "410.48",
    (10, 1): "418.39",
    (10, 2): "440.33",
    (11,): "450.80.02",
    (12,): "525.60.13",
    (13,): "580.65.06",
}
"""Lowest Linux driver by CUDA version; from 11 on one floor holds for all minor versions.

https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/index.html
https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html
"""

MAX_THREADS_PER_SM: Mapping[str, int] = {
    **dict.fromkeys(("3.0", "3.5", "3.7", "5.0", "5.2", "5.3", "6.0", "6.1", "6.2"), 2048),
    **dict.fromkeys(("7.0", "7.2", "8.0", "9.0", "10.0", "10.3"), 2048),
    **dict.fromkeys(("8.6", "8.7", "8.9", "12.0", "12.1"), 1536),
    "7.5": 1024,
}
"""Threads that one SM holds, by compute capability.

https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#compute-capabilities
"""


def driver_floor(cuda: tuple[int, ...]) -> str | None:
    """The lowest driver for a CUDA version; None when the table does not know that version."""
    return DRIVER_FLOORS.get(cuda[:2]) or DRIVER_FLOORS.get(cuda[:1])
