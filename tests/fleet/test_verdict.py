"""What the verdict about a fleet says where machines are alike, unknown, or wrong together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import envprint
from envprint.cli import main
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
QUIET = ["--ignore", "gpu-memory-*", "--ignore", "cuda-cudnn-older-than-built"]


def fleet(folder: Path, *odd: tuple[int, Change], count: int = 4, first: int = 1) -> Path:
    """Machines with cards and ranks of their own; a change of each number that is named."""
    for number in range(first, first + count):
        planted = [change for at, change in odd if at == number]
        changes = (card(number), variable("RANK", str(number)), *planted)
        put(folder, f"node{number}", member(BASE, *changes, machine_id=None))
    return folder


def said(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    code = main(["fleet", "diff", *options])
    return code, " ".join(capsys.readouterr().out.split())


def test_the_first_rank_of_a_job_is_not_odd_for_being_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = said(capsys, str(fleet(tmp_path, first=0)), *QUIET)
    assert code == 0 and text.startswith("NONE All 4 machines are the same")
    assert "odd" not in text and "alike 1 rank 0 node0" in text
    found = envprint.fleet.diff(tmp_path)
    assert len(found.groups) == 2 and found.odd() == ()
    assert json.loads(found.to_format("json"))["verdict"]["odd"] == 0
    assert "<strong>differs" not in found.to_format("html")


def test_a_rank_that_leads_and_differs_is_odd(tmp_path: Path) -> None:
    folder = fleet(tmp_path, (0, version("tensorflow", "2.16.1")), first=0)
    assert [one.name for group in envprint.fleet.diff(folder).odd() for one in group.members] == [
        "node0"
    ]


@pytest.mark.parametrize(
    ("only", "is_found"), [("cpu", False), ("environ", False), ("packages", True)]
)
def test_of_roles_nothing_is_compared_beyond_what_has_to_agree_and_what_is_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], only: str, is_found: bool
) -> None:
    for number in range(3):
        put(tmp_path, f"w{number}", member(BASE, tags={"role": "worker"}, machine_id=None))
    changes = (variable("OMP_NUM_THREADS", "3"), version("tensorflow", "2.16.1"))
    put(tmp_path, "ps", member(BASE, *changes, tags={"role": "server"}, machine_id=None))
    code, text = said(capsys, str(tmp_path), "--only", only, *QUIET)
    assert (code == 1) is is_found and f"only {only} was looked at" in text
    odd = envprint.fleet.diff(tmp_path, only=[only]).odd()
    assert [group.differs for group in odd] == ([(only,)] if is_found else [])


def test_of_groups_of_one_size_none_is_called_the_largest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = version("tensorflow", "2.16.1")
    code, text = said(capsys, str(fleet(tmp_path, (3, new), (4, new))), *QUIET)
    assert code == 1 and "the first of 2 groups of 2, of which none is the majority" in text
    put(tmp_path, "node5", member(BASE, card(5), machine_id=None))
    _, text = said(capsys, str(tmp_path), *QUIET)
    assert "from the largest group of 3" in text


def broken(document: Document) -> None:
    version("tensorflow", "2.15.1")(document)
    version("numpy", "2.1.0")(document)


@pytest.mark.parametrize("right", [(), (4,)])
def test_where_most_machines_are_broken_the_verdict_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], right: tuple[int, ...]
) -> None:
    odd = [(number, broken) for number in range(1, 5) if number not in right]
    odd += [(number, version("tensorflow", "2.15.1")) for number in right]
    _, text = said(capsys, str(fleet(tmp_path, *odd)), *QUIET)
    itself = "the largest group itself" if right else "each by itself"
    assert f"{itself} probably does not run (tensorflow 2.15.1 does not run with numpy" in text
    baseline = str(tmp_path / "node1.json")
    _, text = said(capsys, str(tmp_path), "--baseline", baseline, *QUIET)
    assert "itself" not in text


@pytest.mark.parametrize("section", ["packages", "environ", "cpu", "python"])
def test_what_no_machine_knows_is_not_the_same_on_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], section: str
) -> None:
    gone = unknown(f"facts.{section}")
    folder = str(fleet(tmp_path, *((number, gone) for number in range(1, 5))))
    code, text = said(capsys, folder, *QUIET)
    assert code == 0 and "of 4 machines not all is known" in text and section in text
    assert said(capsys, folder, *QUIET, "--on-unknown", "fail", "-q")[0] == 3
    found = envprint.fleet.diff(folder)
    listed = json.loads(found.to_format("json"))["groups"][0]["undecided"]
    assert {one["path"].split(".")[1] for one in listed} >= {section}
    for form in ("csv", "markdown", "html"):
        assert section in found.to_format(form), form


def test_a_state_that_could_not_be_seen_is_unknown_of_that_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = fleet(tmp_path)
    silent = json.loads((folder / "node3.json").read_text())
    del silent["live"]["gpu"]
    silent["unknown"]["live.gpu"] = "NVML did not answer within 10 s"
    put(folder, "node3", silent)
    code, text = said(capsys, str(folder), *QUIET)
    assert code == 0 and "of 1 machine not all is known" in text
    assert "unknown node3: live.gpu" in text
    assert said(capsys, str(folder), *QUIET, "--on-unknown", "fail", "-q")[0] == 3
