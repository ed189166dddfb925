"""`--remedy`: the way back to the baseline, from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from envprint.documents.codec import fingerprint_shape
from tests.builders.commands import assert_one_line_and_exit_2, call
from tests.builders.machines import HOSTS

HOST = HOSTS / "debian12-cpu-vm" / "fingerprint.json"
SCHEMA = Path(__file__).parents[2] / "schemas" / "report-1.json"


@pytest.fixture(name="sides")
def _sides(tmp_path: Path) -> tuple[Path, Path]:
    """A recorded machine, and the same with another NumPy and one variable more."""
    assert fingerprint_shape()
    document: dict[str, Any] = json.loads(HOST.read_text("utf-8"))
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    before.write_text(json.dumps(document))
    facts = document["facts"]
    facts["packages"]["distributions"]["numpy"]["version"] = "1.26.4"
    facts["frameworks"]["numpy"]["version"] = "1.26.4"
    facts["environ"]["variables"]["OPENBLAS_CORETYPE"] = "Nehalem"
    after.write_text(json.dumps(document))
    return before, after


def test_diff_prints_a_block_to_paste_and_keeps_its_exit_code(sides: tuple[Path, Path]) -> None:
    done = call("diff", *sides, "--remedy", "--framework", "numpy")
    assert done.returncode == 1
    version = json.loads(sides[0].read_text())["facts"]["frameworks"]["numpy"]["version"]
    commands = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    assert commands == [
        f"pip install --no-deps numpy=={version}  # numpy-version-changed",
        "unset OPENBLAS_CORETYPE  # openblas-core-changed",
    ]


def test_the_document_holds_to_the_published_schema(sides: tuple[Path, Path]) -> None:
    done = call("diff", *sides, "--remedy", "--framework", "numpy", "--format", "json")
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text("utf-8")))
    assert [step["removes"] for step in document["way_back"]["steps"]] == [
        ["numpy-version-changed"],
        ["openblas-core-changed"],
    ]


def test_check_with_a_baseline_says_the_way_back_to_it(sides: tuple[Path, Path]) -> None:
    done = call("check", sides[0], "--remedy", "--only", "environ")
    assert done.returncode in (0, 1), done.stderr
    assert done.stdout.splitlines()[1].startswith(f"# The way back to {sides[0]}")


def test_without_a_baseline_there_is_no_way_back() -> None:
    assert_one_line_and_exit_2(call("check", "--remedy"), "--remedy", "baseline")
