"""Imports of real libraries: one that works, and a pair that does not start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.environments import build, install, interpreter

pytestmark = pytest.mark.slow


def imports(python: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "envprint", "probe", "imports", "--python", python]
    return subprocess.run(
        [*command, *arguments, "--format", "json"], capture_output=True, text=True, check=False
    )


def test_a_real_numpy_is_imported_and_nothing_is_written(tmp_path: Path) -> None:
    python = build(tmp_path / "env", sys.executable, ["numpy==2.4.6"], by="uv")
    folder = next(Path(python).parents[1].glob("lib/python3*/site-packages"))
    before = sorted(folder.rglob("*"))
    done = imports(python)
    assert json.loads(done.stdout)["imports"]["numpy"]["ok"]
    assert (done.returncode, sorted(folder.rglob("*"))) == (0, before)


@pytest.mark.long
def test_pandas_built_for_numpy_1_does_not_start_beside_numpy_2(tmp_path: Path) -> None:
    python = build(tmp_path / "env", interpreter("3.11"), ["pandas==2.1.4"], by="uv")
    install(python, "numpy==2.2.6")  # against what pandas requires
    found = json.loads(imports(python).stdout)["imports"]
    assert found["numpy"]["ok"]
    assert found["pandas"]["ok"] is False
    assert "numpy.dtype size changed" in found["pandas"]["error"]
