"""`envprint fleet diff` over documents of recorded machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import envprint
from envprint.cli import main
from envprint.core.impact import Impact
from tests.builders.fleets import (
    Change,
    card,
    member,
    put,
    recorded,
    unknown,
    variable,
    version,
)

BASE = recorded()


def fleet(folder: Path, *odd: tuple[int, Change], count: int = 6) -> Path:
    """Machines with cards and ranks of their own, and differences by their number."""
    for number in range(1, count + 1):
        planted = [change for at, change in odd if at == number]
        changes = (card(number), variable("RANK", str(number)), *planted)
        put(folder, f"node{number:03}", member(BASE, *changes))
    return folder


def names(found: Any) -> list[list[str]]:
    return [[one.name for one in group.members] for group in found.groups]


def test_one_machine_with_another_version_is_found_and_judged(tmp_path: Path) -> None:
    found = envprint.fleet.diff(fleet(tmp_path, (3, version("tensorflow", "2.16.1"))))
    assert names(found)[1] == ["node003"] and len(found.groups) == 2
    odd = found.groups[1]
    assert "packages" in odd.differs and odd.report is not None
    assert odd.report.impact >= Impact.NUMERIC
    assert any("tensorflow" in finding.message.lower() for finding in odd.report.findings)


def test_what_names_a_card_or_a_process_sets_no_machine_apart(tmp_path: Path) -> None:
    found = envprint.fleet.diff(fleet(tmp_path))
    assert names(found) == [[f"node{number:03}" for number in range(1, 7)]]


def test_what_is_unknown_on_one_machine_makes_no_group_and_is_shown(tmp_path: Path) -> None:
    found = envprint.fleet.diff(fleet(tmp_path, (4, unknown("facts.cpu.microcode"))))
    assert len(found.groups) == 1
    there = {one.name: one.unknown for one in found.groups[0].members if one.unknown}
    assert there == {"node004": ("facts.cpu.microcode",)}


def test_a_machine_that_does_not_know_something_goes_with_the_group_that_it_resembles(
    tmp_path: Path,
) -> None:
    other = version("tensorflow", "2.16.1")
    odd = [(5, other), (6, other), (6, unknown("facts.cpu.microcode"))]
    assert names(envprint.fleet.diff(fleet(tmp_path, *odd)))[1] == ["node005", "node006"]


def test_what_cannot_be_read_is_named_and_costs_only_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = fleet(tmp_path / "runs")
    whole = (folder / "node001.json").read_bytes()
    for name, content in (
        ("cut", whole[: len(whole) // 2]),
        ("cut-at-the-end", whole[:-40]),
        ("empty", b""),
        ("foreign", b'{"a": 1}\n'),
        ("newer", whole.replace(b'"schema_version": "1.', b'"schema_version": "7.')),
    ):
        (folder / f"{name}.json").write_bytes(content)
    found = envprint.fleet.diff(folder)
    stems = [Path(one.source).stem for one in found.unreadable]
    assert sorted(stems) == ["cut", "cut-at-the-end", "empty", "foreign", "newer"]
    assert found.size == 6
    options = ["--ignore", "gpu-memory-*"]
    assert main(["fleet", "diff", str(folder), *options]) == 0
    assert main(["fleet", "diff", "-v", str(folder), *options, "--on-unknown", "fail"]) == 3
    assert "newer.json: schema_version '7." in capsys.readouterr().out


def test_the_document_follows_its_schema(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = fleet(tmp_path / "runs", (3, version("tensorflow", "2.16.1")))
    target = tmp_path / "fleet.json"
    assert main(["fleet", "diff", str(folder), "--format", "json", "-o", str(target)]) == 1
    assert main(["validate", str(target)]) == 0
    document = json.loads(target.read_text())
    assert document["baseline"] == 0
    assert document["groups"][0]["report"] is None
    assert document["groups"][1]["members"] == ["node003"]
    assert document["groups"][1]["report"]["verdict"]["impact"] == "breaks"
    assert main(["schema", "fleet"]) == 0
    assert '"urn:envprint:schema:fleet-1"' in capsys.readouterr().out
