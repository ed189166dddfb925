"""What envprint costs, beside its peers, as ratios to a bare start of the same interpreter.

    python -m tests.benchmarks.speed [--runs 9] [--write]

Makes an environment of 300 distributions with envprint and four neighbouring tools, runs all
commands in turn so that a drift of the machine's speed hits all alike, and takes medians of
whole-process CPU time; first with compiled files, then without those of the tools. Prints the
measured part of docs/performance.md, or writes it there. Nothing fails here: clocks are noisy, and
import hygiene is held by tests instead. It needs a package index, and Python before 3.13.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.speed import page
from tests.benchmarks.speed.curve import curve
from tests.benchmarks.speed.environment import compile_again, make_environment, remove_bytecode
from tests.benchmarks.speed.profile import profile, with_compiling
from tests.benchmarks.speed.tools import OURS, TOOLS, cpu_s, make_records
from tests.builders.environments import activate

NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
INSIDE = """
import time, envprint
envprint.capture()
start = time.process_time()
envprint.capture()
print(time.process_time() - start)
"""


def main() -> None:
    """Build, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
        os.environ.pop(NO_BYTECODE, None)
        found = measure(Path(folder).resolve(), max(5, options.runs))
        os.chdir(page.ROOT)
    text = page.section(found)
    if options.write:
        page.write(text)
    else:
        print(text)


def measure(folder: Path, runs: int) -> page.Measured:
    """Everything, in an environment below `folder`."""
    load, date = os.getloadavg()[0], time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    python = make_environment(folder / "env")
    activate(python.parent.parent)
    for tool in TOOLS:
        make_records(tool, python.parent, folder)
    cached = series(python, folder, runs)
    inside = statistics.median(inside_s(python, folder) for _ in range(runs))
    stages = profile(OURS.commands(python.parent), python, folder)
    remove_bytecode(python)
    compiled = series(python, folder, runs, {NO_BYTECODE: "1"})
    stages = with_compiling(stages, OURS.commands(python.parent), python, folder)
    compile_again(python)
    growth = curve(python, folder)
    return page.Measured(
        date, load, os.getloadavg()[0], runs, cached, compiled, inside, stages, growth
    )


def series(
    python: Path, folder: Path, runs: int, variables: Mapping[str, str] | None = None
) -> Mapping[tuple[str, str], float]:
    """Medians by tool and kind, all commands in turn; the first turn warms the page cache."""
    commands = {page.BARE: [str(python), "-c", "pass"]}
    for tool in TOOLS:
        for kind, command in tool.commands(python.parent).items():
            commands[tool.label, kind] = command
    times: dict[tuple[str, str], list[float]] = {name: [] for name in commands}
    for _ in range(runs + 1):
        for name, command in commands.items():
            times[name].append(cpu_s(command, folder, os.environ | (variables or {})))
    return {name: statistics.median(found[1:]) for name, found in times.items()}


def inside_s(python: Path, folder: Path) -> float:
    """CPU time of the second `capture()` in a process: the first pays for imports."""
    done = subprocess.run([python, "-c", INSIDE], capture_output=True, check=True, cwd=folder)
    return float(done.stdout)


if __name__ == "__main__":
    main()
