"""What `envprint run` costs a command, beside what the command costs itself.

    python -m tests.benchmarks.run [--seconds 10] [--runs 5]

The command computes for `--seconds` on one core. Processor time of the whole, children included, is
compared with that of the command alone, in turns; what is taken while the command runs is told
apart from the pre-flight and the two captures, which cost the same however long it runs. With a
simulated GPU, so that there is something to watch. Nothing fails here: these machines are noisy.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.nvml import simulator

IDLE = Path(simulator.__file__).parent / "scenarios" / "idle" / "driver.txt"
WORK = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        variables = {**simulator.environment(IDLE), "ENVPRINT_HOME": folder}
        job = [sys.executable, "-c", WORK.format(options.seconds)]
        nothing = [sys.executable, "-c", "pass"]
        under = [sys.executable, "-m", "envprint", "run", "--no-check", "--"]
        kinds = {"alone": job, "under run": [*under, *job], "nothing": nothing}
        kinds["nothing, under run"] = [*under, *nothing]
        times: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(options.runs):
            for name, command in kinds.items():
                times[name].append(cpu_seconds(command, variables))
    medians = {name: statistics.median(found) for name, found in times.items()}
    for name, found in times.items():
        print(f"{name:<20} {medians[name]:7.3f} s CPU ({min(found):.3f}-{max(found):.3f})")
    fixed = medians["nothing, under run"] - medians["nothing"]
    whole = medians["under run"] - medians["alone"]
    print(f"captures and starts: {fixed:.3f} s, whatever the command takes")
    print(f"while it runs: {100 * (whole - fixed) / medians['alone']:.2f} % of the command's own")


def cpu_seconds(command: list[str], variables: Mapping[str, str]) -> float:
    """User and system time of one run, all its children included."""
    pid = os.posix_spawn(command[0], command, dict(variables))
    _, status, usage = os.wait4(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, command
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
