"""What the GPU section adds to a capture, and what a watch costs, beside a simulated driver.

    python -m tests.benchmarks.gpu [--runs 15] [--watch-s 60]

The driver answers at once, so the figures are envprint's own part; a real one adds what its calls
take, in the child. Runs of all kinds alternate, so that a drift of the machine's speed hits all
alike. Nothing fails here: these machines are noisy.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import envprint
from tests.builders.environments import activate
from tests.nvml import simulator

SCENARIOS = Path(simulator.__file__).parent / "scenarios"
CAPTURE = [sys.executable, "-m", "envprint", "capture", "-o", os.devnull]
CHILD = [
    sys.executable,
    "-c",
    "from envprint.machine.nvml.client import start_query; start_query(10).result()",
]
BARE = [sys.executable, "-c", "from envprint.machine.nvml.client import start_query"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--watch-s", type=float, default=60.0)
    options = parser.parse_args()
    activate(sys.prefix)
    idle, desktop = (
        simulator.environment(SCENARIOS / name / "driver.txt") for name in ("idle", "desktop")
    )
    without = dict(os.environ)
    kinds: Mapping[str, tuple[list[str], Mapping[str, str]]] = {
        "capture, no GPU": (CAPTURE, without),
        "capture, an idle GPU": (CAPTURE, idle),
        "capture, a desktop on it": (CAPTURE, desktop),
        "the reading alone": (CHILD, idle),
        "a start without it": (BARE, idle),
    }
    times = alternate(kinds, options.runs)
    for name, found in times.items():
        print(f"{name:<26} {spread(found)} ms wall")
    none, gpu, holders, child, bare = (statistics.median(found) for found in times.values())
    print(f"a GPU adds {gpu - none:.0f} ms to a capture, a desktop on it {holders - none:.0f} ms;")
    print(f"its child alone takes {child - bare:.0f} ms, beside the other collectors")
    watch(idle, options.watch_s)
    hang(without)


def alternate(
    kinds: Mapping[str, tuple[list[str], Mapping[str, str]]], runs: int
) -> dict[str, list[float]]:
    """Wall milliseconds of each kind, the first round left out: it warms the page cache."""
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(runs + 1):
        for name, (command, variables) in kinds.items():
            begun = time.perf_counter()
            subprocess.run(command, env=variables, check=True)
            times[name].append((time.perf_counter() - begun) * 1000)
    return {name: found[1:] for name, found in times.items()}


def spread(found: list[float]) -> str:
    """Median, least and most."""
    return f"{statistics.median(found):6.0f} ({min(found):.0f}-{max(found):.0f})"


def watch(variables: Mapping[str, str], seconds: float) -> None:
    """Processor time of this process and the watch's child, a second apart from its start."""
    os.environ.update(variables)
    with envprint.gpu.watch() as watched:
        while watched.so_far().samples < 3:
            time.sleep(0.1)
        child = watched._child
        assert child
        before, begun, first = cpu_seconds(child._pid), time.monotonic(), watched.so_far().samples
        time.sleep(seconds)
        spent, lasted = cpu_seconds(child._pid) - before, time.monotonic() - begun
        samples = watched.so_far().samples - first
    print(f"a watch: {100 * spent / lasted:.3f} % of a core over {samples} samples")


def cpu_seconds(child: int) -> float:
    """User and system time of this process and of one child of it that runs."""
    fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime + sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def hang(variables: Mapping[str, str]) -> None:
    """What a check takes where the driver hangs, against one without a GPU."""
    check = [sys.executable, "-m", "envprint", "check", "-o", os.devnull, "--gpu-timeout", "2"]
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "driver.txt"
        scenario.write_text("nvmlInit = hang\n")
        hanging = simulator.environment(scenario)
        found = []
        for environment in (variables, hanging):
            begun = time.perf_counter()
            subprocess.run(check, env=environment, check=False)
            found.append(time.perf_counter() - begun)
    told = "a driver that hangs, with --gpu-timeout 2"
    print(f"{told}: {found[1]:.2f} s; without a GPU {found[0]:.2f} s")


if __name__ == "__main__":
    main()
