"""`envprint fleet diff` over documents of recorded machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import envprint
from envprint.cli import main
from envprint.core.impact import Impact
from envprint.outputs.fleet_words import folded
from tests.builders.fleets import (
    Change,
    Document,
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


def test_what_is_unknown_counts_as_undecided_and_stands_in_the_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = fleet(tmp_path, (4, unknown("facts.cpu.microcode")))
    options = [str(folder), "--ignore", "gpu-memory-*"]
    assert main(["fleet", "diff", *options]) == 0
    assert "of 1 machine not all is known" in " ".join(capsys.readouterr().out.split())
    assert main(["fleet", "diff", *options, "--on-unknown", "fail"]) == 3


def test_machines_that_are_alike_without_a_framework_are_not_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = recorded()
    machine["facts"]["packages"]["distributions"] = {}
    machine["facts"]["frameworks"] = {}
    for number in range(3):
        put(tmp_path, f"node{number}", member(machine, card(number)))
    options = [str(tmp_path), "--ignore", "gpu-memory-*"]
    assert main(["fleet", "diff", *options]) == 0
    assert capsys.readouterr().out.startswith("NOT CHECKED ")
    assert main(["fleet", "diff", *options, "--on-unknown", "fail"]) == 3


def test_where_nothing_is_compared_nothing_reads_as_harmless(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = fleet(tmp_path / "one", count=1)
    assert main(["fleet", "diff", str(folder), "--ignore", "gpu-memory-*"]) == 0
    assert capsys.readouterr().out == "NOT CHECKED Only one machine: nothing to compare.\n"
    (folder / "node001.json").write_text("{")
    assert main(["fleet", "diff", str(folder)]) == 2
    assert capsys.readouterr().err.startswith("envprint: fleet: no document can be read; ")


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
    # A long path leaves no room for the reason on its line.
    assert "newer.json: schema_version '7." in " ".join(capsys.readouterr().out.split())


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


def test_seven_odd_ones_of_a_thousand_are_found_and_no_other(tmp_path: Path) -> None:
    planted = {
        17: version("tensorflow", "2.16.1"),
        101: version("numpy", "2.1.0"),
        250: variable("TF_ENABLE_ONEDNN_OPTS", "0"),
        251: variable("OMP_NUM_THREADS", "3"),
        600: version("keras", "2.13.0"),
        777: lambda document: document["facts"]["os"].update(libc="glibc 2.17"),
        999: lambda document: document["facts"]["gpu"].update(driver_version="470.82.01"),
    }
    found = envprint.fleet.diff(fleet(tmp_path, *planted.items(), count=1000))
    odd = sorted(one.name for group in found.odd() for one in group.members)
    assert odd == sorted(f"node{number:03}" for number in planted)
    assert len(found.groups) == 8 and len(found.groups[0].members) == 993


def test_a_forged_digest_is_found_and_the_facts_count(tmp_path: Path) -> None:
    folder = fleet(tmp_path)
    odd = member(BASE, card(3), version("tensorflow", "2.16.1"))
    like = member(BASE, card(3))
    forged = {**odd, "section_digests": like["section_digests"], "digest": like["digest"]}
    put(folder, "node003", forged)
    found = envprint.fleet.diff(folder, verify=True)
    assert [Path(one.source).stem for one in found.forged] == ["node003"]
    assert [one.name for one in found.groups[1].members] == ["node003"]
    assert "the digests of" in found.forged[0].reason and "packages" in found.forged[0].reason


def test_what_stands_for_its_group_is_verified_always(tmp_path: Path) -> None:
    like, odd = member(BASE), member(BASE, version("tensorflow", "2.16.1"))
    digests = {**like["section_digests"], "packages": "sha256:" + "0" * 64}
    put(tmp_path, "a", like)
    put(tmp_path, "b", {**odd, "section_digests": digests})
    put(tmp_path, "c", like)
    found = envprint.fleet.diff(tmp_path)
    assert [Path(one.source).stem for one in found.forged] == ["b"]


def test_missing_digests_and_those_of_an_earlier_form_are_computed(tmp_path: Path) -> None:
    for number, lacking in enumerate(("", "section_digests", "digest_form")):
        document = member(BASE)
        document.pop(lacking, None)
        put(tmp_path, f"node{number}", document)
    assert names(envprint.fleet.diff(tmp_path)) == [["node0", "node1", "node2"]]


def test_the_newest_document_of_a_machine_counts_whatever_the_files_are_called(
    tmp_path: Path,
) -> None:
    old = {"machine_id": "1" * 32, "captured_at": "2026-11-01T00:00:00Z"}
    put(tmp_path, "zz", member(BASE, version("tensorflow", "2.16.1"), **old))
    put(tmp_path, "aa", member(BASE, **{**old, "captured_at": "2026-11-20T00:00:00Z"}))
    put(tmp_path, "other", member(BASE, machine_id="2" * 32))
    found = envprint.fleet.diff(tmp_path)
    assert names(found) == [["aa", "other"]]
    assert [(Path(one.source).stem, Path(one.newer).stem) for one in found.older] == [("zz", "aa")]


def started(uptime: float, captured: str, **tags: str) -> Document:
    live = {**BASE["live"], "host": {**BASE["live"]["host"], "uptime_s": uptime}}
    return member(BASE, live=live, captured_at=captured, tags=tags, machine_id="1" * 32)


def test_machines_that_share_a_home_directory_are_not_one(tmp_path: Path) -> None:
    put(tmp_path, "node1", started(90_000.0, "2026-11-20T00:00:01Z"))
    put(tmp_path, "node2", started(50_000.5, "2026-11-20T00:00:02Z"))
    assert envprint.fleet.diff(tmp_path).size == 2
    # The same machine a day later: it was started anew in between, or not.
    put(tmp_path, "node3", started(3_600.0, "2026-11-21T00:00:00Z"))
    assert envprint.fleet.diff(tmp_path).size == 1


def test_nodes_started_at_once_that_share_a_home_directory_are_not_one(tmp_path: Path) -> None:
    """A cluster that is switched on has nodes with one moment of start, and one captures all."""
    first = started(90_000.0, "2026-11-20T00:00:01Z")
    more = {**first["live"]["host"], "memory_total_bytes": 2**40}
    put(tmp_path, "small", first)
    put(tmp_path, "large", {**first, "live": {**first["live"], "host": more}})
    put(tmp_path, "cards", member(first, card(7)))
    for name in ("node1", "node2"):
        put(tmp_path, name, member(first, variable("SLURM_PROCID", "0"),
            variable("SLURM_JOB_ID", "4"), variable("SLURM_STEP_ID", name[-1]),
            variable("SLURMD_NODENAME", name)))  # fmt: skip
    found = envprint.fleet.diff(tmp_path)
    assert (found.size, len(found.older)) == (5, 0)


def test_captures_of_one_machine_that_runs_on_are_one(tmp_path: Path) -> None:
    put(tmp_path, "monday", member(started(3_600.0, "2026-11-20T01:00:00Z"), card(7)))
    put(tmp_path, "tuesday", member(started(90_000.0, "2026-11-21T01:00:00Z"), card(7)))
    # Repaired: it was started anew, with more memory and another card.
    later = started(60.0, "2026-11-22T00:00:00Z")
    more = {**later["live"]["host"], "memory_total_bytes": 2**40}
    later["live"] = {**later["live"], "host": more}
    put(tmp_path, "wednesday", member(later, card(8)))
    assert names(envprint.fleet.diff(tmp_path)) == [["wednesday"]]


def test_several_ranks_of_one_machine_are_members_of_their_own(tmp_path: Path) -> None:
    for rank in range(1, 5):
        put(tmp_path, f"r{rank}", started(9_000.0, "2026-11-20T00:00:00Z", rank=str(rank)))
    assert names(envprint.fleet.diff(tmp_path)) == [["r1", "r2", "r3", "r4"]]


def test_roles_are_compared_within_and_across_only_in_what_must_agree(tmp_path: Path) -> None:
    gone = variable("CUDA_VISIBLE_DEVICES", "-1")
    for number in range(4):
        put(tmp_path, f"w{number}", member(BASE, tags={"role": "worker"}))
    for number in range(2):
        put(tmp_path, f"p{number}", member(BASE, gone, tags={"role": "parameter server"}))
    put(tmp_path, "driver", member(BASE, gone, version("numpy", "2.1.0"), tags={"role": "driver"}))
    found = envprint.fleet.diff(tmp_path)
    by_role = {group.role: group for group in found.groups}
    servers, driver = by_role["parameter server"], by_role["driver"]
    assert servers.differs == () and servers.report is not None and not servers.report.findings
    assert driver.report is not None and "packages" in driver.differs
    assert "environ" not in driver.differs
    put(tmp_path, "p2", member(BASE, tags={"role": "parameter server"}))
    odd = next(g for g in envprint.fleet.diff(tmp_path).groups if g.members[0].name == "p2")
    assert odd.differs == ("environ",)


def test_by_says_what_keeps_machines_apart(tmp_path: Path) -> None:
    for name, label, queue in (("a", "x", "1"), ("b", "x", "2"), ("c", "y", "1")):
        put(tmp_path, name, member(BASE, label=label, tags={"queue": queue}))
    for by, expected in (
        ("label", {"x", "y"}),
        ("tag:queue", {"queue=1", "queue=2"}),
        ("label,tag", {"x, queue=1", "x, queue=2", "y, queue=1"}),
    ):
        found = envprint.fleet.diff(tmp_path, by=by)
        assert {group.role for group in found.groups} == expected
    assert main(["fleet", "diff", str(tmp_path), "--by", "colour"]) == 2


def test_a_baseline_may_be_a_member_or_none(tmp_path: Path) -> None:
    folder = fleet(tmp_path / "runs", (3, version("tensorflow", "2.16.1")))
    found = envprint.fleet.diff(folder, baseline=folder / "node003.json")
    assert found.baseline == 1 and found.groups[0].report is not None
    other = put(tmp_path, "other", member(BASE, version("numpy", "2.1.0")))
    found = envprint.fleet.diff(folder, baseline=other)
    assert found.baseline is None and all(group.report for group in found.groups)
    assert main(["fleet", "diff", str(folder), "--baseline", str(tmp_path / "none.json")]) == 2


def test_lines_patterns_and_files_named_twice_are_read(tmp_path: Path) -> None:
    folder = fleet(tmp_path / "runs", count=3)
    lines = tmp_path / "fleet.jsonl"
    documents = [member(BASE, card(n)) for n in range(2)]
    lines.write_text("\n".join(map(json.dumps, documents)) + "\n{]\n\n")
    found = envprint.fleet.diff(folder / "*.json", folder, lines)
    assert found.size == 5
    assert [one.source for one in found.unreadable] == [f"{lines}:3"]


def test_a_state_is_shown_for_the_machine_of_which_it_was_true(tmp_path: Path) -> None:
    quiet = json.loads(json.dumps(BASE["live"]))
    quiet["gpu"]["devices"]["0"]["processes"] = []
    silent = {"call": "init", "gpu": None, "hung_s": 30.0, "waited_s": 30.0}
    hung = {**quiet, "gpu": {**quiet["gpu"], "answer": "none", "silence": silent, "devices": {}}}
    lost = {**quiet, "gpu": {**quiet["gpu"], "lost": ["0"]}}

    def loaded(document: Document) -> None:
        document["facts"]["cuda"]["kernel_module_version"] = "535.129.03"

    for number, live in enumerate((quiet, quiet, BASE["live"], lost)):
        put(tmp_path, f"n{number}", member(BASE, loaded, live=live))
    nothing = [
        unknown(f"facts.gpu.{field}") for field in BASE["facts"]["gpu"] if field != "library_path"
    ]
    put(tmp_path, "n4", member(BASE, loaded, *nothing, live=hung))
    found = envprint.fleet.diff(tmp_path)
    states = {state.finding.rule: state.members for state in found.states}
    assert states["gpu-memory-held-by-others"] == ("n2",)
    assert states["gpu-lost"] == ("n3",)
    assert states["gpu-driver-silent"] == ("n4",)
    assert len(found.groups) == 1 and found.exit_code(Impact.NUMERIC) == 1


def test_a_policy_adds_to_what_is_meant_to_differ(tmp_path: Path) -> None:
    folder = fleet(tmp_path / "runs", (3, variable("HF_HOME", "/scratch/3")))
    assert len(envprint.fleet.diff(folder).groups) == 2
    policy = tmp_path / "envprint.toml"
    policy.write_text(
        '[[identity]]\npath = "facts.environ.variables[HF_HOME]"\nreason = "a cache of its own"\n'
    )
    assert len(envprint.fleet.diff(folder, policy=policy).groups) == 1
    policy.write_text('[[identity]]\npath = "HF_HOME"\nreason = "a cache"\n')
    assert main(["fleet", "diff", str(folder), "--policy", str(policy)]) == 2


def test_the_name_of_a_host_acts_nowhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "\x1b[31m<script>alert(1)</script>$(rm -rf .)\n::error::x"
    put(tmp_path, "a", member(BASE, identity={"host_name": name}))
    for other in "bc":
        put(tmp_path, other, member(BASE, version("numpy", "2.1.0")))
    main(["fleet", "diff", str(tmp_path)])
    text = capsys.readouterr().out
    assert "\x1b" not in text and "\n::error" not in text and "script" in text
    page = envprint.fleet.diff(tmp_path).to_html()
    assert "<script>alert" not in page and "\x1b" not in page


def test_no_document_at_all_is_an_error(tmp_path: Path) -> None:
    assert main(["fleet", "diff", str(tmp_path)]) == 2


def test_every_format_has_the_verdict(tmp_path: Path) -> None:
    found = envprint.fleet.diff(fleet(tmp_path, (3, version("tensorflow", "2.16.1"))))
    assert str(found).startswith("BREAKS    1 of 6 machines differs")
    assert "<title>envprint: BREAKS: 1 of 6 machines" in found.to_format("html")
    assert found.to_dict()["verdict"]["odd"] == 1
    with pytest.raises(envprint.EnvprintError, match="no format"):
        found.to_format("loud")


def test_a_value_of_another_type_costs_its_document_only(tmp_path: Path) -> None:
    live = {**BASE["live"], "host": {**BASE["live"]["host"], "memory_available_bytes": "much"}}
    folder = fleet(tmp_path)
    put(folder, "strange", member(BASE, live=live))
    found = envprint.fleet.diff(folder)
    assert found.size == 6
    assert [Path(one.source).stem for one in found.unreadable] == ["strange"]


def wide(capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    """The lines of a text on a terminal of 80 columns."""
    main(["fleet", "diff", *options])
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    return lines


def test_the_usual_verdict_fits_a_screen_of_24_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    odd = [
        *((number, version("tensorflow", "2.16.1")) for number in (3, 5, 6, 7, 12, 15, 20, 23)),
        (9, lambda document: document["facts"]["gpu"].update(driver_version="470.82.01")),
        *((number, version("numpy", "2.1.0")) for number in range(13, 15)),
    ]
    folder = fleet(tmp_path / "runs", *odd, count=40)
    (folder / "cut.json").write_text("{")
    lines = wide(capsys, str(folder), "--ignore", "cuda-cudnn-older-than-built")
    assert len(lines) <= 24
    assert sum(line.startswith("odd ") for line in lines) == 3
    assert sum(line.startswith(("state ", "unread ")) for line in lines) == 2
    assert "node003, node[005-007], node012, node015 and 2 more: breaks" in "\n".join(lines)
    assert lines[-1].startswith("-v shows all: ") and "the table of 4 groups" in lines[-1]
    main(["fleet", "diff", str(folder), "-v"])
    whole = capsys.readouterr().out
    assert "\nGROUPS\n" in whole and "-v shows" not in whole and "…" not in whole


def test_the_table_of_groups_is_there_if_the_screen_has_room(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = wide(capsys, str(fleet(tmp_path, (3, variable("TF_ENABLE_ONEDNN_OPTS", "0")))))
    assert "GROUPS" in lines and len(lines) <= 24
    assert lines[-1].split()[:2] == ["not", "judged"]


def test_groups_that_do_not_fit_the_screen_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    odd = [(number, version("tensorflow", f"2.{number}.0")) for number in range(2, 9)]
    lines = wide(capsys, str(fleet(tmp_path, *odd, count=20)))
    assert len(lines) <= 24
    assert "4 more groups of 4 machines" in lines[-1]


def test_a_name_without_a_number_stands_beside_names_with_one() -> None:
    assert folded(["login", "node1", "node2", "node3", "rack"]) == ["login", "node[1-3]", "rack"]
    assert folded(["node", "node9", "node10"]) == ["node", "node[9-10]"]
