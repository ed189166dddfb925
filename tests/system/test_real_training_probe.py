"""The probe `training` with real frameworks: what it takes for this machine to repeat itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Build

pytestmark = [pytest.mark.slow, pytest.mark.long]

REQUIREMENTS = {"tensorflow": "tensorflow-cpu==2.21.0", "torch": "torch==2.13.0"}
PAGE = (Path(__file__).parents[2] / "docs" / "training-probe.md").read_text("utf-8")
REPEAT, WITHOUT, EXPLAIN, KEPT = re.findall(r"(?m)^envprint probe training .*$", PAGE)
OF_TENSORFLOW, OF_TORCH, _, PARTED, SEARCHED = re.findall(r"(?ms)^```text\n(.*?)^```$", PAGE)
OF_THE_PAGE = [
    ("tensorflow", REPEAT, OF_TENSORFLOW),
    ("torch", KEPT, OF_TORCH),
    ("torch", WITHOUT, PARTED),
    ("tensorflow", EXPLAIN, SEARCHED),
]


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


@pytest.mark.parametrize(
    ("framework", "command", "shown"), OF_THE_PAGE, ids=["repeat", "kept", "without", "explain"]
)
def test_a_command_of_the_page_prints_what_the_page_shows(
    framework: str, command: str, shown: str, environment: Build, tmp_path: Path
) -> None:
    """As it stands there; digits that depend on the processor aside."""
    words = command.partition("#")[0].split()[3:]
    words = [str(tmp_path / word) if word.endswith(".json") else word for word in words]
    _, told = probe(environment(REQUIREMENTS[framework]), *words)
    assert masked(told) == masked(shown)


def masked(text: str) -> str:
    """Without losses, digests, builds and the number of threads."""
    text = re.sub(r"\d+\.\d{5,}%?|\b[0-9a-f]{12}\b", "#", text)
    return " ".join(re.sub(r"(?<=\d)\+\w+|\d+ threads?|(?<=KERAS )[\d.]+", "", text).split())


def test_the_search_ends_with_the_seed_that_matters_to_pytorch(environment: Build) -> None:
    code, told = probe(
        environment(REQUIREMENTS["torch"]), "--epochs", 1, "--repeat", 3, "--explain"
    )
    text = " ".join(told.split())
    assert code == 0
    for outcome in (
        "nothing set: weights differ before the first step",
        "all seeds and deterministic operations: equal in 2 runs",
        "without PyTorch's seed: weights differ before the first step, so it is needed",
        "what is left, PyTorch's seed: equal in 3 runs",
        "result PyTorch's seed: the smallest set",
    ):
        assert outcome in text


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
