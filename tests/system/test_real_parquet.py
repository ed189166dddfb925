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


WRONG = """
import pyarrow, sys
from pyarrow import parquet

columns = {
    "numbers": {"document": [1, 2]}, "lists": {"document": [["a"]]}, "none": {"document": [None]},
    "records": {"document": [{"a": 1}]}, "octets": {"document": [b"\\xff"]}, "other": {"x": [1]},
    "times": {"document": [1], "member": pyarrow.array([2**62], pyarrow.timestamp("ms"))},
    "members": {"document": ["x"], "member": [["a"]]},
}
for name, column in columns.items():
    parquet.write_table(pyarrow.table(column), f"{sys.argv[1]}/{name}.parquet")
"""


def test_a_table_that_is_no_export_costs_itself_only(environment: Build, fleet: Path) -> None:
    python, bench = environment(*PACKAGES, by="uv"), fleet.parent
    (fleet / "broken.json").unlink()
    (fleet / "text.parquet").write_text("no table")
    assert run(python, bench, "-c", WRONG, "fleet").returncode == 0
    done = run(python, bench, "-m", "envprint", "fleet", "diff", "--format", "json", "fleet")
    assert "Traceback" not in done.stderr and done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    assert found["verdict"]["machines"] == 4
    reasons = {one["source"].split("/")[1]: one["reason"] for one in found["unreadable"]}
    assert reasons["other.parquet"] == "not a Parquet export: no column 'document'"
    assert reasons["numbers.parquet:1"] == "expected a document as text, found int"
    assert {name.partition(".")[0] for name in reasons} == {
        *("numbers", "lists", "none", "records", "octets", "other", "times", "members", "text")
    }


def test_an_export_holds_every_name_and_replaces_nothing_but_files(
    environment: Build, fleet: Path
) -> None:
    python, bench = environment(*PACKAGES, by="uv"), fleet.parent
    name = b"\xff.json".decode("utf-8", "surrogateescape")
    (fleet / "node0.json").rename(fleet / name)
    envprint = ["-m", "envprint", "fleet"]
    (bench / "real.parquet").write_text("")
    (bench / "link.parquet").symlink_to("real.parquet")
    done = run(python, bench, *envprint, "export", "--parquet", "link.parquet", "fleet")
    assert done.returncode == 0 and "4 fingerprints" in done.stderr, done.stderr
    assert "left out: fleet/broken.json: not valid JSON" in done.stderr
    assert (bench / "link.parquet").is_symlink()
    assert run(python, bench, *envprint, "diff", "-q", "link.parquet").returncode in (0, 1)
    (bench / "folder").mkdir()
    os.mkfifo(bench / "pipe")
    for place in ("folder", "pipe", "-", ""):
        done = run(python, bench, *envprint, "export", "--parquet", place, "fleet")
        assert done.returncode == 2 and done.stderr.count("\n") == 1, (place, done.stderr)
    assert (bench / "pipe").is_fifo()
