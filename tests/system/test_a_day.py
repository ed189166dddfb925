"""A day of a user, with a real training: agree, save, run, change something, be told, decide."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.environments import build, install
from tests.conftest import Distributions

SECONDS = 60
TRAIN = f"""
import time
begun = time.monotonic()
import numpy as np, keras
keras.utils.set_random_seed(1)
values = (np.arange(4096 * 28 * 28, dtype=np.uint32) * np.uint32(2654435761) >> 8) / 2**24
images = values.reshape(4096, 28, 28, 1).astype("float32")
labels = (images.mean(axis=(1, 2, 3)) * 1e4).astype(int) % 10
model = keras.Sequential([
    keras.layers.Conv2D(32, 3, activation="relu"), keras.layers.MaxPooling2D(),
    keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy")
epochs = 0
while time.monotonic() - begun < {SECONDS}:
    model.fit(images, labels, batch_size=64, verbose=0)
    epochs += 1
print("trained", epochs, "epochs")
"""


class Day:
    """A project with its environment, and the shell of whoever works in it."""

    def __init__(self, python: str, folder: Path) -> None:
        self.python = python
        self.folder = folder

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        tool = str(Path(self.python).parent / "envprint")
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"}
        return subprocess.run(
            [tool, *arguments],
            cwd=self.folder,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def day(distributions: Distributions, tmp_path: Path) -> Day:
    """A new project, in an environment of its own that the day may change."""
    pins = ("tensorflow-cpu==2.21.0", "numpy==2.3.5", "setuptools==80.9.0")
    python = build(tmp_path / "env", sys.executable, [*pins, distributions.wheel], by="uv")
    (tmp_path / "train.py").write_text(TRAIN)
    return Day(python, tmp_path)


@pytest.mark.slow
@pytest.mark.long
def test_the_whole_day(day: Day) -> None:
    policy = day.folder / "envprint.toml"
    assert day("policy", "init").returncode == 0
    assert day("capture", "--save", "monday", "--label", "before anything").returncode == 0

    run = day("run", "--hash-seed", "0", "--label", "run 1", "--", day.python, "train.py")
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("trained ")

    assert day("check", "@last-good").returncode == 0

    install(day.python, "numpy==2.4.6")
    refused = day("check", "@last-good")
    assert refused.returncode == 1
    text = " ".join(refused.stdout.split())
    assert "2.3.5" in text and "2.4.6" in text
    assert "numpy-version-changed" in text
    came = " ".join(day("bisect", "@monday", "now").stdout.split())
    assert "numpy-version-changed" in came
    assert "appeared between run 1," in came
    again = day("run", "--baseline", "@last-good", "--", day.python, "-c", "print('trained')")
    assert (again.returncode, again.stdout) == (125, "")

    rules = {
        f["rule"]
        for f in json.loads(day("check", "@last-good", "--format", "json").stdout)["findings"]
    }
    tomorrow = datetime.date.today() + datetime.timedelta(days=1)
    entries = [
        f'[[ignore]]\nrule = "{rule}"\nreason = "the new NumPy is wanted"\nexpires = {tomorrow}\n'
        for rule in sorted(rules)
    ]
    policy.write_text(policy.read_text() + "\n".join(entries))
    passed = day("check", "@last-good", "-v")
    assert passed.returncode == 0, passed.stdout
    assert "the new NumPy is wanted, until" in passed.stdout

    assert day("capture", "--save", "tuesday").returncode == 0
    listed = json.loads(day("log", "--format", "json").stdout)
    told = [(row["kind"], row["exit_code"], row["label"], row["verdict"]) for row in listed]
    assert told == [
        ("capture", None, None, "none"),
        ("run", 0, "run 1", "none"),
        ("capture", None, "before anything", "first"),
    ]
    # What the team has agreed on holds for the log as well; without it:
    listed = json.loads(day("log", "--format", "json", "--policy", "/dev/null").stdout)
    assert [row["verdict"] for row in listed] == ["numeric", "none", "first"]
    table = day("log").stdout
    assert "monday" in table and "tuesday" in table and "run, exit 0" in table
