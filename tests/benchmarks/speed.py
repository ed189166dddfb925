"""What envprint costs, as ratios to a bare start of the same interpreter.

    python -m tests.benchmarks.speed [--runs 15]

Makes an environment of 300 distributions (envprint and its dependencies are real, the rest are
made here with RECORD files of a realistic size), runs the commands in turn so that a drift of the
machine's speed hits all alike, and prints medians of whole-process CPU time. Nothing fails here:
these machines are noisy, and import hygiene is held by a test instead.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

from tests.builders.environments import activate

ROOT = Path(__file__).parent.parent.parent
DISTRIBUTIONS = 300
RECORD_LINES = 180
"""Mean lines of a RECORD: 45,528 lines in 250 real distributions."""


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = max(9, parser.parse_args().runs)
    with tempfile.TemporaryDirectory() as folder:
        python = make_environment(Path(folder))
        activate(python.parent.parent)
        commands = prepare(python, Path(folder))
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(runs + 1):
            for name, command in commands.items():
                times[name].append(cpu_seconds(command, Path(folder)))
        inside = [in_process_ms(python, Path(folder)) for _ in range(runs)]
    bare = statistics.median(times["python -c pass"][1:])
    print(f"{sys.version.split()[0]}, {DISTRIBUTIONS} distributions, {runs} alternating runs")
    print(f"{'command':<28} {'CPU ms, median':>14} {'ratio':>6}")
    for name, found in times.items():
        median = statistics.median(found[1:])  # the first run warms the page cache
        print(f"{name:<28} {median * 1000:>14.1f} {median / bare:>6.2f}")
    print(f"{'capture() in a process':<28} {statistics.median(inside):>14.1f}")


def make_environment(folder: Path) -> Path:
    """A virtual environment with envprint and made distributions; returns its interpreter."""
    venv.create(folder / "env", with_pip=True)
    python = folder / "env/bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", ROOT], check=True)
    site = next((folder / "env/lib").glob("python*/site-packages"))
    choose = random.Random(1)
    for number in range(DISTRIBUTIONS - len(list(site.glob("*.dist-info")))):
        make_distribution(site, f"made_{number:03}", choose)
    return python


def make_distribution(site: Path, name: str, choose: random.Random) -> None:
    """The dist-info directory that pip leaves; its files need not exist to be listed."""
    info = site / f"{name}-1.{choose.randrange(20)}.{choose.randrange(9)}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n" + "x\n" * 200
    )
    (info / "WHEEL").write_text("Wheel-Version: 1.0\nGenerator: made\nTag: py3-none-any\n")
    (info / "INSTALLER").write_text("pip\n")
    (info / "RECORD").write_text("".join(sorted(record_lines(name, info.name, choose))))


def record_lines(name: str, info: str, choose: random.Random) -> Iterator[str]:
    """As pip writes them: sorted, half of them compiled files without a hash."""
    for number in range(max(3, round(choose.expovariate(1 / (RECORD_LINES / 2))))):
        digest = hashlib.sha256(f"{name}{number}".encode()).digest()
        code = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        yield f"{name}/__pycache__/module_{number:04}.cpython-311.pyc,,\r\n"
        yield f"{name}/module_{number:04}.py,sha256={code},{choose.randrange(20000)}\r\n"
    yield f"{info}/INSTALLER,sha256=zuuue4knoyJ-UwPPXg8fezS7VCrXJQrAP7zeNuwvFQg,4\r\n"
    yield f"{info}/RECORD,,\r\n"


def prepare(python: Path, folder: Path) -> dict[str, list[str]]:
    """The commands to time; two fingerprints for the diff are made first."""
    tool = str(python.parent / "envprint")
    subprocess.run([tool, "capture", "-o", "a.json"], check=True, cwd=folder)
    document = json.loads((folder / "a.json").read_text())
    changed = document["facts"]["packages"]["distributions"]
    for name in sorted(changed)[:40]:
        changed[name]["version"] = "99.0"
    (folder / "b.json").write_text(json.dumps(document))
    return {
        "python -c pass": [str(python), "-c", "pass"],
        "python -c 'import envprint'": [str(python), "-c", "import envprint"],
        "envprint capture": [tool, "capture", "-o", "c.json"],
        "envprint diff": [tool, "diff", "a.json", "b.json", "-o", "report.txt"],
        "envprint check": [tool, "check", "a.json", "-o", "report.txt"],
    }


def cpu_seconds(command: list[str], folder: Path) -> float:
    """User and system time of one run, its children included."""
    os.chdir(folder)
    pid = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    assert os.waitstatus_to_exitcode(status) in (0, 1), command
    return usage.ru_utime + usage.ru_stime


def in_process_ms(python: Path, folder: Path) -> float:
    """CPU time of the second `capture()` in a process: the first pays for imports."""
    code = (
        "import time, envprint; envprint.capture(); start = time.process_time();"
        "envprint.capture(); print((time.process_time() - start) * 1000)"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, check=True, cwd=folder)
    return float(done.stdout)


if __name__ == "__main__":
    main()
