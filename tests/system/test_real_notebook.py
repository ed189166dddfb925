"""A real kernel with `%load_ext envprint`, and the plugin for pytest under xdist."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.builders.environments import put_entry_points, put_framework
from tests.conftest import Build

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
NOTEBOOK = ("nbclient==0.11.0", "ipykernel==7.4.0", "numpy==2.4.6")
XDIST = ("pytest==9.2.0", "pytest-xdist==3.8.0")
CELLS = [
    "%load_ext envprint",
    "%envprint show",
    "%envprint check --fail-on breaks",
    "import envprint\nenvprint.dump(envprint.capture(), 'a.json')",
    "%envprint diff a.json now",
    "import os, numpy\nos.environ['OMP_NUM_THREADS'] = '1'",
    "os.environ['OPENBLAS_NUM_THREADS'] = '1'",
    "%envprint check nope.json",
    "%envprint",
    "os.environ['LD_PRELOD'] = '0'",
    "%envprint check --fail-on numeric",
    "%unload_ext envprint",
    "os.environ['MKL_NUM_THREADS'] = '1'",
]
SCRIPT = """
import json, sys
import nbformat
from nbclient import NotebookClient
cells = [nbformat.v4.new_code_cell(text) for text in json.load(sys.stdin)]
notebook = nbformat.v4.new_notebook(cells=cells)
NotebookClient(notebook, allow_errors=True, timeout=120, kernel_name="python3").execute()
print(json.dumps([cell["outputs"] for cell in notebook.cells]))
"""


def environ(folder: Path, *paths: Path) -> dict[str, str]:
    return {
        **{"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"},
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *paths))),
        "JUPYTER_PLATFORM_DIRS": "1",
    }


def said(outputs: list[dict[str, Any]], stream: str) -> str:
    return "".join(str(one.get("text", "")) for one in outputs if one.get("name") == stream)


def test_a_notebook_has_the_magic_and_warns_of_what_is_set_too_late(
    environment: Build, tmp_path: Path
) -> None:
    done = subprocess.run(
        [environment(*NOTEBOOK), "-c", SCRIPT],
        input=json.dumps(CELLS),
        cwd=tmp_path, env=environ(tmp_path), capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = dict(zip(CELLS, json.loads(done.stdout.splitlines()[-1]), strict=True))
    assert found["%load_ext envprint"] == []
    for cell in ("%envprint show", "%envprint diff a.json now"):
        (shown,) = [one for one in found[cell] if one["output_type"] == "execute_result"]
        assert {"text/plain", "text/html"} <= shown["data"].keys()
    # NumPy and the variable came in one cell, in the right order for all that is known.
    assert "too late" not in said(found[CELLS[5]], "stderr")
    assert "OPENBLAS_NUM_THREADS is set too late: numpy" in said(found[CELLS[6]], "stderr")
    for cell, text in ((CELLS[7], "nope.json"), (CELLS[8], "usage")):
        # IPython prints it in one line, without a traceback.
        assert found[cell] and text in said(found[cell], "stderr"), found[cell]
        assert "UsageError: %envprint: " in said(found[cell], "stderr")
    refused = found["%envprint check --fail-on numeric"]
    assert [one["ename"] for one in refused if one["output_type"] == "error"] == ["DriftError"]
    assert [one for one in refused if one["output_type"] == "display_data"]
    assert said(found[CELLS[-1]], "stderr") == ""


TESTS = """
import os, pytest

@pytest.mark.envprint
@pytest.mark.parametrize("number", range(6))
def test_numeric(number):
    assert False

def test_nobody_else_has_captured():
    import sys
    assert "envprint.api" not in sys.modules or "PYTEST_XDIST_WORKER" not in os.environ
"""


def test_workers_of_xdist_have_the_verdict_of_the_first_process(
    environment: Build, tmp_path: Path
) -> None:
    python = environment(*XDIST)
    old, new = (put_framework(tmp_path / v, "numpy", v) for v in ("1.26.4", "2.4.6"))
    plugin = put_entry_points(tmp_path / "installed")
    (tmp_path / "test_it.py").write_text(TESTS)
    capture = [python, "-m", "envprint", "capture", "-o", "base.json"]
    subprocess.run(capture, cwd=tmp_path, env=environ(tmp_path, old), check=True)
    command = [python, "-m", "pytest", "-n2", "-rs"]
    done = subprocess.run(
        [*command, "--envprint-baseline", "base.json"],
        cwd=tmp_path, env=environ(tmp_path, new, plugin), capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "1 passed, 6 skipped" in done.stdout
    assert " against base.json: " in done.stdout.partition("SKIPPED")[2]
