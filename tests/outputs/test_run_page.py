"""The page of a run: memory of the GPUs over time, who came in, and when the driver was silent."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from envprint.documents.codec import to_document
from envprint.outputs.run_page import render
from tests.builders.commands import assert_one_line_and_exit_2, call
from tests.builders.reports import ACTING
from tests.builders.runs import a_record
from tests.builders.support import fingerprint

HOST = fingerprint({"facts.packages.distributions[numpy]": {"version": "2.4.6"}})


def test_memory_is_drawn_over_time_for_the_card_and_for_the_run() -> None:
    page = render(a_record(), HOST)
    curves = dict(re.findall(r'<polyline points="([^"]*)" class="curve (\w+)"', page))
    assert sorted(curves.values()) == ["own", "used"]
    for points in curves:
        places = [[float(one) for one in point.split(",")] for point in points.split()]
        assert len(places) == 4
        assert places == sorted(places)
        assert all(70 <= x <= 800 and 10 <= y <= 200 for x, y in places)
    assert 'aria-label="Memory of GPU-1 over time: at most 8,192 MiB in use, 2 other' in page


def test_each_process_has_a_lane_as_long_as_it_held_memory_and_a_row() -> None:
    page = render(a_record(), HOST)
    lanes = re.findall(r'<rect x="([\d.]+)" y="\d+" width="([\d.]+)" height="10"', page)
    assert [tuple(map(float, lane)) for lane in lanes] == [(70.0, 730.0), (435.0, 182.5)]
    assert "<td>no, it came later</td>" in page
    assert "<td>2026-11-29T01:15:00Z</td><td>3,072 MiB</td>" in page


def test_a_silence_of_the_driver_is_an_area_and_a_row() -> None:
    page = render(a_record(), HOST)
    assert re.search(r'<rect x="[\d.]+" y="10" width="[\d.]+" height="190" class="gap"/>', page)
    assert "<td>hung</td>" in page


def test_what_was_not_watched_is_said() -> None:
    page = render(a_record(gpus={"status": "no NVIDIA driver"}), HOST)
    assert "Nothing to show: no NVIDIA driver" in page


@pytest.mark.parametrize("acting", ACTING.values(), ids=ACTING)
def test_no_text_of_a_record_becomes_an_element(acting: str) -> None:
    def elements(text: str) -> list[str]:
        record = a_record(text, label=text, note=text)
        return re.findall(r"<([a-z0-9]+)", render(record, HOST))

    assert elements(acting or "x") == elements("tame")


@pytest.fixture(name="record")
def _record(tmp_path: Path) -> Path:
    path = tmp_path / "run.json"
    document: dict[str, Any] = {**a_record(), "before": to_document(HOST)}
    path.write_text(json.dumps(document))
    return path


def test_show_makes_a_page_of_a_record_of_a_run(record: Path) -> None:
    done = call("show", record, "--format", "html")
    assert (done.returncode, done.stderr) == (0, "")
    assert "<h1>Run of python: ended with exit code 0</h1>" in done.stdout
    assert "numpy" in done.stdout


def test_a_damaged_record_is_one_line(record: Path) -> None:
    document = json.loads(record.read_text())
    document["gpus"]["memory"] = {"x": 1}
    record.write_text(json.dumps(document))
    assert_one_line_and_exit_2(call("show", record, "--format", "html"), "gpus.memory")


def test_a_secret_of_a_record_is_not_shown(record: Path) -> None:
    document = json.loads(record.read_text())
    document["note"] = "https://user:SECRETsecret1@example.invalid/x"
    record.write_text(json.dumps(document))
    assert "SECRETsecret1" not in call("show", record, "--format", "html").stdout
