"""A fleet as a Parquet file: read by fleet diff as its documents, and by the recipe for DuckDB."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from envprint.documents.codec import dumps
from tests.builders.support import fingerprint
from tests.conftest import Build

pytestmark = [pytest.mark.slow, pytest.mark.long]
ROOT = Path(__file__).parents[2]
PACKAGES = ("pyarrow==25.0.1", "duckdb==2.0.1")
PAGE = (ROOT / "docs/gather.md").read_text()
(QUERY,) = re.findall(r'^```python title="query.py"\n(.*?)^```$', PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """Four machines of which one has another driver, and a file that is none."""
    folder = tmp_path / "fleet"
    folder.mkdir()
    for number in range(4):
        version = "550.54" if number < 3 else "535.104"
        found = fingerprint({"facts.gpu.driver_version": version, "facts.os.name": "Debian"})
        (folder / f"node{number}.json").write_text(dumps(found._replace(tags={"role": "worker"})))
    (folder / "broken.json").write_text("{")
    return folder


def run(python: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [python, *words], env={**environ, "LANG": "C.UTF-8"},
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_fleet_in_a_parquet_file_is_the_same_fleet(environment: Build, fleet: Path) -> None:
    python, bench = environment(*PACKAGES), fleet.parent
    envprint = ["-m", "envprint", "fleet"]
    done = run(python, bench, *envprint, "export", "--parquet", "fleet.parquet", "fleet")
    assert done.returncode == 0, done.stderr
    assert "left out: fleet/broken.json: " in done.stderr
    assert done.stderr.endswith("4 fingerprints in fleet.parquet\n")
    assert sorted(os.listdir(bench)) == ["fleet", "fleet.parquet"]
    (fleet / "broken.json").unlink()
    reports = [
        json.loads(run(python, bench, *envprint, "diff", "--format", "json", source).stdout)
        for source in ("fleet", "fleet.parquet")
    ]
    groups = [[(g["members"], g["digest"]) for g in one["groups"]] for one in reports]
    assert groups[0] == groups[1]
    assert [members for members, _ in groups[0]] == [["node0", "node1", "node2"], ["node3"]]

    (bench / "query.py").write_text(QUERY)
    asked = run(python, bench, "query.py")
    assert asked.returncode == 0, asked.stderr
    rows = [line.strip("│").split("│") for line in asked.stdout.splitlines() if "node" in line]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["3", "node0, node1, node2"],
        ["1", "node3"],
    ]


def test_a_fleet_without_a_document_is_no_file(environment: Build, fleet: Path) -> None:
    python, bench = environment(*PACKAGES), fleet.parent
    words = ["-m", "envprint", "fleet", "export", "--parquet", "out.parquet", "fleet/broken.json"]
    done = run(python, bench, *words)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "envprint: fleet export: no document could be read"
    assert os.listdir(bench) == ["fleet"]
