"""What several workers need is made by one of them, whole, and read by the others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import shared

ROOT = Path(__file__).parents[2]
MAKES = """
import os, pathlib, sys, time
from tests.builders.shared import once
folder = pathlib.Path(sys.argv[1])

def make():
    time.sleep(0.2)
    (folder / f"made-{os.getpid()}").touch()
    return os.getpid()

print(once(folder / "value.json", make))
"""


def test_of_workers_that_come_at_once_one_makes_it_and_all_have_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKES, tmp_path]
    workers = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = {worker.communicate(timeout=60)[0] for worker in workers}
    (made,) = tmp_path.glob("made-*")
    assert said == {f"{made.name.partition('-')[2]}\n"}


def test_what_could_not_be_made_is_made_by_the_next(tmp_path: Path) -> None:
    def fail() -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        shared.once(tmp_path / "value.json", fail)
    assert shared.once(tmp_path / "value.json", lambda: 5) == 5
