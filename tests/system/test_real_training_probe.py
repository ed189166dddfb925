"""The probe `training` with real frameworks: what it takes for this machine to repeat itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from envprint.cli._probe_training import FILES
from tests.conftest import Build

pytestmark = [pytest.mark.slow, pytest.mark.long]

REQUIREMENTS = {"tensorflow": "tensorflow-cpu==2.21.0", "torch": "torch==2.13.0"}
NEEDED = {
    "tensorflow": {
        "Python's seed": "without Python's seed: weights differ before the first step, so it is",
        "TensorFlow's seed": "without TensorFlow's seed: parted after step 1, so it is needed",
    },
    "torch": {
        "PyTorch's seed": "without PyTorch's seed: weights differ before the first step, so it is"
    },
}


def probe(python: str, *arguments: object) -> tuple[int, str]:
    """Exit code and stdout of the command, with nothing of the test run's own variables."""
    done = subprocess.run(
        [sys.executable, *"-m envprint probe training --python".split(), python]
        + [str(argument) for argument in arguments],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout


def raw(python: str, *arguments: object) -> tuple[int, dict[str, Any]]:
    code, told = probe(python, "--format", "json", *arguments)
    (entry,) = json.loads(told)["training"].values()
    return code, entry


@pytest.mark.parametrize("framework", FILES)
def test_the_search_ends_with_the_seeds_that_matter(environment: Build, framework: str) -> None:
    python = environment(REQUIREMENTS[framework])
    code, told = probe(python, "--epochs", 1, "--repeat", 3, "--explain")
    text = " ".join(told.split())
    assert code == 0
    assert "nothing set: weights differ before the first step" in text
    assert "all seeds and deterministic operations: equal in 2 runs" in text
    for outcome in NEEDED[framework].values():
        assert outcome in text
    names = " and ".join(NEEDED[framework])
    assert f"what is left, {names}: equal in 3 runs" in text
    assert f"result {names}: the smallest set" in text


def test_switches_are_in_force_and_the_result_is_kept(environment: Build, tmp_path: Path) -> None:
    python, file = environment(REQUIREMENTS["torch"]), tmp_path / "f.json"
    switches = ["--threads", 1, "--op-determinism", "on", "--seed", 3, "--without", "hash"]
    probe(python, "--epochs", 1, "--repeat", 1, *switches, "-o", file)
    facts = json.loads(file.read_text())["facts"]["probes"]["training"]["torch"]
    assert facts["in_force"] == {"device": "cpu", "op_determinism": "on", "threads": "1"}
    assert facts["settings"].items() >= {
        ("hash_seed", "off"),
        ("python_seed", "3"),
        ("op_determinism", "on"),
        ("threads", "1"),
        ("device", "cpu"),
        ("epochs", "1"),
    }


def test_without_the_seed_that_matters_runs_part(environment: Build) -> None:
    python = environment(REQUIREMENTS["torch"])
    code, told = raw(python, "--repeat", 2, "--without", "framework")
    assert (code, told["repeats"], told["parted_at_step"]) == (1, False, 0)
    for run in told["runs"]:
        assert run["first_epoch_loss"] > 1.5 > 0.5 > run["loss"]
        assert run["val_accuracy"] > 0.6
