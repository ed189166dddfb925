"""How long the probe `training` takes for five runs of its usual size.

    python -m tests.benchmarks.training [--python PATH]... [--runs 5]

Each framework that the interpreter has is trained in fresh processes, one after the other. Printed
are the wall time of all runs and of the quickest, and the processor time of all. Nothing fails
here: these machines are noisy. The aim is 60 s for five runs on two cores.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from itertools import pairwise

from envprint.probes.training import FILES, MissingError, Switches, TrainingJob, train

ALL_SEEDS = Switches(hash=1, python=1, numpy=1, framework=1)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", action="append", help="an interpreter; repeatable")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    print(
        f"{len(os.sched_getaffinity(0))} CPUs, {options.runs} runs, load {os.getloadavg()[0]:.1f}"
    )
    print(f"{'framework':<24} {'wall s':>8} {'quickest s':>11} {'processor s':>12}")
    for python in options.python or [sys.executable]:
        for framework in FILES:
            measure(TrainingJob(python, framework), options.runs)


def measure(job: TrainingJob, runs: int) -> None:
    """A line for one framework; none where it is not installed."""
    begun_s = [time.monotonic()]
    before_s = processor_s()
    version = ""
    try:
        for _ in range(runs):
            version = train(job, ALL_SEEDS, 1, lambda *_: None).version
            begun_s.append(time.monotonic())
    except MissingError:
        return
    each_s = [end - start for start, end in pairwise(begun_s)]
    name = f"{job.framework} {version}"
    used_s = processor_s() - before_s
    print(f"{name:<24} {sum(each_s):>8.1f} {min(each_s):>11.1f} {used_s:>12.1f}")


def processor_s() -> float:
    """What the processes that have ended used."""
    times = os.times()
    return times.children_user + times.children_system


if __name__ == "__main__":
    main()
