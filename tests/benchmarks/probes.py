"""How long the probes take, beside the import of what they probe.

    python -m tests.benchmarks.probes [--python PATH]... [--runs 3] [--slowest 0]

Each probe that the interpreter has runs several times in fresh processes, one probe after the
other. Printed are medians of wall time: until it began (interpreter, import, settings), and of all
operations after that. Nothing fails here: these machines are noisy. The aim is 5 s of operations
on two cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from envprint.probes.runner import lines, names


class Run(NamedTuple):
    """One process: seconds until it began, and of each operation."""

    version: str
    beginning_s: float
    operations_s: dict[str, float]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", action="append", help="an interpreter; repeatable")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--slowest", type=int, default=0, help="name that many slow operations")
    options = parser.parse_args()
    print(f"{len(os.sched_getaffinity(0))} CPUs, {options.runs} runs, medians")
    print(f"{'probe':<24} {'operations':>10} {'begin s':>8} {'operations s':>12}")
    for python in options.python or [sys.executable]:
        for name in names():
            runs = [run for _ in range(options.runs) if (run := timed(python, name))]
            if runs:
                show(name, runs, options.slowest)


def timed(python: str, name: str) -> Run | None:
    """One run of a probe; None where its framework is not installed."""
    start = last = time.monotonic()
    version, beginning_s, operations_s = "", 0.0, {}
    for line in lines(python, f"{name}.py", "cpu"):
        now = time.monotonic()
        if "begun" in line:
            version, beginning_s = line["begun"]["version"], now - start
        elif "operation" in line:
            operations_s[line["operation"]] = now - last
        elif "trying" not in line:
            print(f"{name}: {line}" if "missing" not in line else "", end="")
            return None
        last = now
    return Run(version, beginning_s, operations_s)


def show(name: str, runs: Sequence[Run], slowest: int) -> None:
    """A line for one probe, and one for each of its slow operations."""
    version, _, operations = runs[0]
    begin = statistics.median(run.beginning_s for run in runs)
    total = statistics.median(sum(run.operations_s.values()) for run in runs)
    print(f"{name + ' ' + version:<24} {len(operations):>10} {begin:>8.2f} {total:>12.2f}")
    medians = {
        operation: statistics.median(run.operations_s[operation] for run in runs)
        for operation in operations
    }
    for operation in sorted(medians, key=lambda one: -medians[one])[:slowest]:
        print(f"  {operation:<40} {medians[operation]:>8.3f}")


if __name__ == "__main__":
    main()
