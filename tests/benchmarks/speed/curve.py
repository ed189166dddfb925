"""How the cost grows with packages, GPUs and variables.

Documents for a diff and a check are made; a tenth of what they list differs. A capture looks at a
made directory of packages, or at a recorded machine with as many GPUs or variables.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from envprint.documents.codec import dumps
from tests.benchmarks.speed.environment import fill
from tests.benchmarks.speed.tools import cpu_s
from tests.builders.environments import packages_of
from tests.builders.gpus import T4
from tests.builders.nvml_readings import CARD, DESKTOP
from tests.builders.support import fingerprint

RUNS = 3
GIB = 1 << 30
SIZES = {
    "GPUs": (10, 500, 1_000),
    "variables": (1_000, 50_000, 100_000),
    "packages": (300, 5_000, 10_000),
}
"""Few, half of the most, and the most. Packages come last, as they fill the environment."""
INSIDE = """
import time
from envprint.collectors._runner import capture
from envprint.documents.codec import dumps
from tests.benchmarks.speed.curve import machine
capture(machine({kind!r}, 1))
host = machine({kind!r}, {size})
start = time.process_time()
dumps(capture(host))
print(time.process_time() - start)
"""


class Point(NamedTuple):
    """CPU seconds of the commands at one size."""

    kind: str
    size: int
    seconds: Mapping[str, float]


def packages(size: int, changed: bool) -> dict[str, Any]:
    """A tenth is updated."""
    versions = {f"made-{i:05}": "2.0" if changed and i % 10 == 0 else "1.0" for i in range(size)}
    listed = {name: {"version": version} for name, version in versions.items()}
    return {"facts.packages.distributions": listed}


def gpus(size: int, changed: bool) -> dict[str, Any]:
    """A tenth has half the memory."""
    devices = {
        str(i): {**T4, "memory_total_bytes": (8 if changed and i % 10 == 0 else 16) * GIB}
        for i in range(size)
    }
    return {"facts.gpu.status": "ok", "facts.gpu.count": size, "facts.gpu.devices": devices}


def variables(size: int, changed: bool) -> dict[str, Any]:
    """Variables of PyTorch that no rule knows; a tenth has a different value."""
    listed = {f"TORCH_MADE_{i:06}": str(int(changed and i % 10 == 0)) for i in range(size)}
    return {"facts.environ.variables": listed, "facts.frameworks.torch": {"version": "2.9.0"}}


MAKE: Mapping[str, Callable[[int, bool], dict[str, Any]]] = {
    "packages": packages,
    "GPUs": gpus,
    "variables": variables,
}


def machine(kind: str, size: int) -> Any:
    """A recorded machine with so many GPUs, or variables of which a tenth is recorded."""
    from tests.builders.nvml_readings import machine as recorded

    now = "2026-11-21T12:00:00Z"
    if kind == "variables":
        names = (f"{'SOME' if i % 10 else 'TORCH'}_MADE_{i:06}" for i in range(size))
        return recorded(None, environ=dict.fromkeys(names, "1"), now=now)
    cards = [CARD | {"uuid": f"GPU-{i:08}", "bus_id": f"{i:08X}:01:00.0"} for i in range(size)]
    return recorded(DESKTOP | {"count": size, "devices": cards}, now=now)


def curve(python: Path, folder: Path) -> list[Point]:
    """Measure every size of every kind."""
    return [point(kind, size, python, folder) for kind in SIZES for size in SIZES[kind]]


def point(kind: str, size: int, python: Path, folder: Path) -> Point:
    """All three commands at one size."""
    for side in "ab":
        document = dumps(fingerprint(MAKE[kind](size, side == "b")))
        (folder / f"many-{side}.json").write_text(document, encoding="utf-8")
    tool = str(python.parent / "envprint")
    if kind == "packages":
        fill(packages_of(python.parent.parent), size)
    programs: dict[str, Callable[[], float]] = {
        "capture": lambda: inside(kind, size),
        "diff": lambda: cpu_s([tool, "diff", "many-a.json", "many-b.json"], folder),
        "check": lambda: cpu_s([tool, "check", "many-a.json"], folder),
    }
    if kind == "packages":  # the index of build ids would be empty at first, and full later
        programs["capture"] = lambda: cpu_s([tool, "capture", "--no-cache"], folder)
        programs["check"] = lambda: cpu_s([tool, "check", "many-a.json", "--no-cache"], folder)
    return Point(kind, size, {name: quickest(measure) for name, measure in programs.items()})


def quickest(measure: Callable[[], float]) -> float:
    """The least of a few runs: what other work on the machine adds is never less than nothing."""
    return min(measure() for _ in range(RUNS))


def inside(kind: str, size: int) -> float:
    """CPU time of a capture of a recorded machine in a fresh process."""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", INSIDE.format(kind=kind, size=size)],
        cwd=root, env=os.environ | {"PYTHONPATH": str(root)}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return float(done.stdout)
