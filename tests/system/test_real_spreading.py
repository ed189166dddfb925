"""A fleet that workers of Dask or Ray read has the verdict of one that is read here."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.benchmarks.fleet import environments, make
from tests.builders.frameworks import DASK, RAY
from tests.conftest import Build

ROOT = Path(__file__).parents[2]
ENDED_S = 240
pytestmark = [pytest.mark.slow, pytest.mark.long]
PAGE = (ROOT / "docs/fleet.md").read_text()
OF_DASK, OF_RAY = re.findall(r"envprint (fleet diff fleet/ --engine \w+)$", PAGE, re.MULTILINE)
DIFF = """
import json, os, subprocess, sys

def diff(words="fleet diff fleet/", **variables):
    words = ["-m", "envprint", *words.split(), "--format", "json"]
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, env={**os.environ, **variables}
    )
    return [done.returncode, done.stdout, done.stderr]
"""
IN_DASK = """
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        said = [diff(), diff(OF_DASK, DASK_SCHEDULER_ADDRESS=address)]
    print(json.dumps([*said, diff(OF_DASK), diff(OF_RAY)]))
"""
IN_RAY = """
import ray

address = ray.init(num_cpus=2, include_dashboard=False).address_info["gcs_address"]
print(json.dumps([diff(), diff(OF_RAY, RAY_ADDRESS=address)]))
"""


def said_in(python: str, folder: Path, program: str) -> list[tuple[int, str, str]]:
    (folder / "fleet").mkdir()
    make(folder / "fleet", 600, environments())
    (folder / "fleet" / "torn.json").write_text("{")
    words = f"OF_DASK, OF_RAY = {OF_DASK!r}, {OF_RAY!r}\n"
    (folder / "program.py").write_text(words + DIFF + program)
    variables = {
        **{"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"},
        **{"PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"},
    }
    done = subprocess.run(
        [python, "program.py"], cwd=folder, env=variables,
        capture_output=True, text=True, timeout=ENDED_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said: list[tuple[int, str, str]] = json.loads(done.stdout.splitlines()[-1])
    found = json.loads(said[0][1])
    assert (len(found["groups"]) > 40, len(found["unreadable"])) == (True, 1)
    return said


def test_workers_of_dask_find_the_same(environment: Build, tmp_path: Path) -> None:
    here, spread, nowhere, without = said_in(environment(*DASK), tmp_path, IN_DASK)
    assert here == spread
    assert (nowhere[0], without[0]) == (2, 2)
    assert nowhere[2].startswith("envprint: fleet diff: set DASK_SCHEDULER_ADDRESS to the ")
    assert without[2].startswith("envprint: ray is not installed here; run envprint in ")
    assert nowhere[2].count("\n") == without[2].count("\n") == 1


def test_workers_of_ray_find_the_same(environment: Build, tmp_path: Path) -> None:
    here, spread = said_in(environment(*RAY), tmp_path, IN_RAY)
    assert here == spread
