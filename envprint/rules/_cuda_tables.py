"""Tables of NVIDIA's and PyTorch's documentation that rules look things up in.

Read on 2026-11-21. What a table does not name is newer than it, or was never in it: every look-up
answers None then, and the rule says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from envprint.versions import numbers

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

SHIPPED_DRIVERS: Mapping[tuple[int, ...], str] = {
    (11, 1): "455.23",
    (11, 2): "460.27.03",
    (11, 3): "465.19.01",
    (11, 4): "470.42.01",
    (11, 5): "495.29.05",
    (11, 6): "510.39.01",
    (11, 7): "515.43.04",
    (11, 8): "520.61.05",
    (12, 0): "525.60.13",
    (12, 1): "530.30.02",
    (12, 2): "535.54.03",
    (12, 3): "545.23.06",
    (12, 4): "550.54.14",
    (12, 5): "555.42.02",
    (12, 6): "560.28.03",
    (12, 8): "570.26",
    (12, 9): "575.51.03",
    (13, 0): "580.65.06",
    (13, 1): "590.44.01",
    (13, 2): "595.45.04",
}
"""The Linux driver that came with the first release of each CUDA version that has a floor.

https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/index.html
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

LOWEST_CAPABILITIES: Mapping[int, tuple[int, int]] = {
    10: (3, 0),
    11: (3, 5),
    12: (5, 0),
    13: (7, 5),
}
"""Lowest compute capability that a major version of CUDA and its libraries can compute on.

https://docs.nvidia.com/datacenter/tesla/drivers/cuda-toolkit-driver-and-architecture-matrix.html
"""

FIRST_TOOLKITS: Mapping[int, tuple[int, int]] = {
    6: (8, 0),
    7: (9, 0),
    8: (11, 0),
    9: (11, 8),
    10: (12, 8),
    12: (12, 8),
}
"""First CUDA that can make machine code for a major compute capability; the same page."""

_TORCH_WHEELS = """
1.8-1.13  10.2 3.7 5.0 6.0 7.0
1.8-1.10  11.1 3.7 5.0 6.0 7.0 7.5 8.0 8.6
1.10-1.12 11.3 3.7 5.0 6.0 7.0 7.5 8.0 8.6
1.12-1.13 11.6 3.7 5.0 6.0 7.0 7.5 8.0 8.6
1.13-2.0  11.7 3.7 5.0 6.0 7.0 7.5 8.0 8.6
2.0-2.7   11.8 3.7 5.0 6.0 7.0 7.5 8.0 8.6 9.0
2.1-2.5   12.1 5.0 6.0 7.0 7.5 8.0 8.6 9.0
2.4-2.6   12.4 5.0 6.0 7.0 7.5 8.0 8.6 9.0
2.6-2.14  12.6 5.0 6.0 7.0 7.5 8.0 8.6 9.0
2.7-2.7   12.8 7.5 8.0 8.6 9.0 10.0 12.0+PTX
2.8-2.10  12.8 7.0 7.5 8.0 8.6 9.0 10.0 12.0
2.11-2.11 12.8 7.5 8.0 8.6 9.0 10.0 12.0
2.8-2.8   12.9 7.0 7.5 8.0 8.6 9.0 10.0 12.0+PTX
2.9-2.14  13.0 7.5 8.0 8.6 9.0 10.0 12.0+PTX
2.12-2.14 13.2 7.5 8.0 8.6 9.0 10.0 12.0+PTX
"""
_TORCH_WHEELS_ARM = """
2.9-2.14  12.6 8.0 9.0
2.9-2.11  12.8 8.0 9.0 10.0 12.0
2.9-2.14  13.0 8.0 9.0 10.0 11.0 12.0+PTX
2.12-2.14 13.2 8.0 9.0 10.0 11.0 12.0+PTX
"""
"""Releases of PyTorch, the CUDA of the wheel, and what that wheel has code for.

Until 2.5: https://github.com/pytorch/builder/commits/main/manywheel/build_cuda.sh
2.6 to 2.8: https://github.com/pytorch/pytorch/commits/main/.ci/manywheel/build_cuda.sh
From 2.9 on: https://github.com/pytorch/pytorch/blob/main/RELEASE.md#pytorch-cuda-support-matrix
"""

_TABLES = {"": _TORCH_WHEELS, "x86_64": _TORCH_WHEELS, "aarch64": _TORCH_WHEELS_ARM}
"""By the processor's architecture; an unknown one is taken for x86-64."""

# 2.8.0+cu128   1.13.1+cu117   but not 2.9.0.dev20250901+cu130, 2.6.0a0+ecf3bae40a.nv25.01, 2.5.1
_WHEEL = r"(\d{1,3}\.\d{1,3})\.\d{1,3}\+cu(\d\d)(\d)"
# 2.9.0.dev20250901+cu130   2.6.0+cu124   2.7.0rc1+cu126
_OWN_BUILD = r"\d{1,3}(?:\.\d{1,3}){2}(?:\.dev\d{8}|rc\d)?\+cu(\d\d)(\d)"


def driver_floor(cuda: tuple[int, ...]) -> str | None:
    """The lowest driver for a CUDA version; None when the table does not know that version."""
    return DRIVER_FLOORS.get(cuda[:2]) or DRIVER_FLOORS.get(cuda[:1])


def shipped_driver(cuda: tuple[int, ...]) -> str | None:
    """The driver that came with a CUDA version; None when the table does not know that version."""
    return SHIPPED_DRIVERS.get(cuda[:2])


def torch_wheel_code(version: str, machine: str) -> list[str] | None:
    """Targets such as `sm_86` and `compute_120` of one of PyTorch's own wheels.

    None when the version is not that of such a wheel, or not in the table.
    """
    wheel = re.fullmatch(_WHEEL, version, re.ASCII)
    if not wheel:
        return None
    return torch_wheels(wheel[1], machine).get(f"{wheel[2]}.{wheel[3]}")


def torch_never_has_intermediate(version: str, machine: str) -> bool:
    """Whether `version` is PyTorch's own build, or nightly, for a CUDA whose wheels have no PTX.

    False also when the table has no wheel for that CUDA.
    """
    build = re.fullmatch(_OWN_BUILD, version, re.ASCII)
    cuda = f"{build[1]}.{build[2]}" if build else ""
    rows = [row.split() for row in _TABLES.get(machine, "").strip().splitlines()]
    wheels = [capabilities for _, known, *capabilities in rows if known == cuda]
    return bool(wheels) and not any(text.endswith("+PTX") for row in wheels for text in row)


def torch_wheels(release: str, machine: str) -> dict[str, list[str]]:
    """CUDA version to targets, for all wheels of a release of PyTorch such as `2.8`.

    `machine` is the processor's architecture; an unknown one is taken for x86-64.
    """
    wanted, found = numbers(release)[:2], {}
    for row in _TABLES.get(machine, "").strip().splitlines():
        releases, cuda, *capabilities = row.split()
        low, _, high = releases.partition("-")
        if numbers(low) <= wanted <= numbers(high):
            found[cuda] = _targets(capabilities)
    return found


def _targets(capabilities: list[str]) -> list[str]:
    """`12.0+PTX` gives sm_120 and compute_120."""
    machine_code = [f"sm_{text.partition('+')[0].replace('.', '')}" for text in capabilities]
    with_ptx = [text.partition("+")[0] for text in capabilities if text.endswith("+PTX")]
    return [*machine_code, *(f"compute_{text.replace('.', '')}" for text in with_ptx)]
