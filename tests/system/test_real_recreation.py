"""Real environments there and back: recorded, recreated, and nothing stays different."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.builders.environments import install
from tests.conftest import Build

pytestmark = pytest.mark.slow

REQUIREMENTS = Path(__file__).parents[1] / "benchmarks" / "accuracy" / "requirements"
ENVIRONMENTS = {
    "scikit-learn": "sk191.txt",
    "tensorflow": "tf221.txt",
    "torch": "pt213.txt",
    "jax": "jax_0_10_2.txt",
}
SHORT = ("scikit-learn", "tensorflow")
JOB = """
import hashlib, sys, numpy
draws = numpy.random.default_rng(7).standard_normal((300, 300))
print(sys.prefix, hashlib.sha256((draws @ numpy.exp(draws)).tobytes()).hexdigest())
"""


def envprint(*arguments: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "envprint", *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return done


def built(environment: Build, file: str, *more: str) -> str:
    return environment("--no-deps", "-r", str(REQUIREMENTS / file), *more)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in SHORT else pytest.mark.long) for name in ENVIRONMENTS],
)
def test_a_recorded_environment_is_recreated_and_the_verdict_is_none(
    name: str, environment: Build, tmp_path: Path
) -> None:
    python = built(environment, ENVIRONMENTS[name])
    record, made = tmp_path / "record.json", tmp_path / "made"
    probe = ["--probe"] if name == "scikit-learn" else []
    envprint("capture", "--python", python, "-o", record, *probe)
    done = envprint("recreate", record, "-o", made, "--venv", made / "venv")
    report: dict[str, Any] = json.loads((made / "report.json").read_text())
    assert done.returncode == 0, done.stdout
    assert report["verdict"]["impact"] == "none"
    assert name in report["context"]["frameworks"]
    assert (report["findings"], report["unjudged"], report["undecided"]) == ([], [], [])
    assert "each of the recorded build" in " ".join(done.stdout.split())
    there = subprocess.run([python, "-c", JOB], capture_output=True, text=True, check=True)
    here = subprocess.run(
        [made / "run.sh", "python", "-c", JOB], capture_output=True, text=True, check=True
    )
    assert here.stdout.split()[0] == str(made / "venv")
    assert here.stdout.split()[1] == there.stdout.split()[1]


@pytest.mark.long
def test_the_way_back_from_another_release_leaves_no_difference(
    environment: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    envprint("capture", "--python", built(environment, "sk_1_6_1.txt", "pip==25.0"), "-o", before)
    place = tmp_path / "other"
    envprint("recreate", before, "-o", tmp_path / "made", "--venv", place)
    install(str(place / "bin/python"), "--no-deps", "numpy==2.2.6", "scikit-learn==1.5.2")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Nehalem")
    envprint("capture", "--python", place, "-o", after)
    monkeypatch.delenv("OPENBLAS_CORETYPE")
    done = envprint("diff", before, after, "--remedy")
    assert done.returncode == 1
    script = f'. "{place}/bin/activate"\nset -e\n{done.stdout}'
    script += f'"{sys.executable}" -m envprint diff "{before}" now --python "{place}" -q\n'
    ended = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False,
        env={**os.environ, "OPENBLAS_CORETYPE": "Nehalem"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1].startswith("NONE ")
