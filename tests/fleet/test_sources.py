"""Where the documents of a fleet are looked for, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import envprint
from envprint.cli import main
from envprint.fleet.sources import documents
from tests.builders.fleets import card, member, put, recorded, version

BASE = recorded()


def some(folder: Path, count: int = 3, **parts: object) -> Path:
    for number in range(1, count + 1):
        put(folder, f"node{number}", member(BASE, card(number), machine_id=None, **parts))
    return folder


def test_documents_in_a_linked_directory_are_read(tmp_path: Path) -> None:
    folder = some(tmp_path / "fleet")
    odd = member(BASE, version("tensorflow", "2.16.1"), machine_id=None)
    put(tmp_path / "elsewhere", "odd", odd)
    (folder / "more").symlink_to(tmp_path / "elsewhere")
    found = envprint.fleet.diff(folder)
    assert [one.name for group in found.odd() for one in group.members] == ["odd"]


@pytest.mark.parametrize("pattern", ["", "/*", "/**"])
def test_links_that_lead_in_circles_end_and_no_file_counts_twice(
    tmp_path: Path, pattern: str
) -> None:
    folder = some(tmp_path / "fleet")
    (folder / "self").symlink_to(folder)
    (folder / "below").mkdir()
    (folder / "below" / "up").symlink_to(folder / "below")
    (folder / "latest.json").symlink_to("node1.json")
    found = envprint.fleet.diff(f"{folder}{pattern}")
    assert [one.name for one in found.groups[0].members] == ["node1", "node2", "node3"]


def test_a_directory_that_cannot_be_listed_counts_as_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    folder = some(tmp_path / "fleet")
    (folder / "closed").mkdir()
    scan = os.scandir

    def refusing(path: str) -> object:  # root may read everything
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = envprint.fleet.diff(folder)
    assert [Path(one.source).name for one in found.unreadable] == ["closed"]
    assert main(["fleet", "diff", str(folder), "--ignore", "gpu-*", "--on-unknown", "fail"]) == 3


def test_one_document_over_several_lines_is_one_whatever_its_file_is_called(tmp_path: Path) -> None:
    folder = some(tmp_path)
    (folder / "node3.json").rename(folder / "node3.jsonl")
    found = envprint.fleet.diff(folder)
    assert (found.size, found.unreadable) == (3, ())


def test_a_line_is_as_strictly_read_as_a_file(tmp_path: Path) -> None:
    text = json.dumps(member(BASE, machine_id=None)).encode()
    (tmp_path / "a.jsonl").write_bytes(
        b"\n \r\n" + text + b"\r\ngarbage\n" + text + b"\n\xef\xbb\xbf" + text + b"\n\xff\n"
    )
    found = envprint.fleet.diff(tmp_path)
    assert found.size == 2
    assert [one.source.rpartition(":")[2] for one in found.unreadable] == ["4", "6", "7"]


def test_what_is_cut_within_a_text_is_named_in_plain_words(tmp_path: Path) -> None:
    folder = some(tmp_path)
    (folder / "node3.json").write_text('{"schema_version": "1.')
    (reason,) = (one.reason for one in envprint.fleet.diff(folder).unreadable)
    assert reason == "not valid JSON: Unterminated string starting at line 1 column 20"


def test_a_name_that_is_no_unicode_is_shown_by_its_bytes(tmp_path: Path) -> None:
    some(tmp_path, 1)
    name = b"\xff\xfe.json"
    try:
        (tmp_path / "node1.json").rename(tmp_path / name.decode("utf-8", "surrogateescape"))
    except OSError:
        pytest.skip("this file system takes names in Unicode only")
    (found,) = documents([str(tmp_path)])
    assert found.source.endswith(r"\xff\xfe.json")


def test_a_number_of_any_length_in_the_name_of_a_host_is_sorted(tmp_path: Path) -> None:
    numbers = ("9", "10", "1" * 5000, "01", "²", "١")
    for number, text in enumerate(numbers):
        identity = {"host_name": f"n{text}"}
        put(tmp_path, f"f{number}", member(BASE, machine_id=None, identity=identity))
    (group,) = envprint.fleet.diff(tmp_path).groups
    found = [one.name for one in group.members]
    wanted = ["n01", "n9", "n10", "n" + "1" * 5000]
    assert [name for name in found if name in wanted] == wanted


@pytest.mark.parametrize("keys", ["", ",", " , "])
def test_no_key_to_keep_apart_by_is_wrong_usage(
    tmp_path: Path, keys: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fleet", "diff", str(some(tmp_path)), "--by", keys]) == 2
    assert "expected role, label, tag or tag:NAME" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[""], ["--baseline", ""]])
def test_an_empty_name_is_called_one(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = [str(some(tmp_path))] if len(words) > 1 else []
    assert main(["fleet", "diff", *folder, *words]) == 2
    assert "an empty name: no such file or directory" in capsys.readouterr().err
    assert main(["diff", str(tmp_path / "node1.json"), ""]) == 2


def test_the_newest_document_is_that_of_the_latest_moment_in_any_time_zone(tmp_path: Path) -> None:
    times = ("2026-01-01T10:00:00+05:00", "2026-01-01T09:00:00Z", "2026-01-01T07:00:00Z", "soon")
    one = "00000000-0000-4000-8000-000000000001"
    for number, time in enumerate(times):
        put(tmp_path, f"t{number}", member(BASE, captured_at=time, machine_id=one, live={}))
    found = envprint.fleet.diff(tmp_path)
    assert [each.name for each in found.groups[0].members] == ["t1"]
    assert len(found.older) == 3
