"""Judging recorded machines from outside: the command, the form of its input, and the oracle."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

from envprint.machine.host import Host
from envprint.machine.recorded import RecordedHost
from tests.hosts import judge, oracle

HERE = Path(__file__).parent
DGX = str(HERE / "dgx-a100" / "host.json")
DESKTOP = str(HERE / "ubuntu-rtx2080ti" / "host.json")
ARGUMENTS = {"path": "/x", "pid": 1, "argv": ["x"], "word": "x"}
ARGUMENTS |= {
    "paths": ["/x"],
    "files": ["x"],
    "form": "x",
    "texts": ["x"],
    "top": "/x",
    "limit_s": 1.0,
    "compute": lambda path: ({}, True),
}


class Noting(dict[str, Any]):
    """No answers; it notes which queries were looked up."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: set[str] = set()

    def get(self, query: Any, default: Any = None) -> Any:
        self.queries.add(query)
        return default


def ask(host: RecordedHost, name: str) -> None:
    """Call a method of a host that has no answer, in every way."""
    method = getattr(host, name)
    needed = [ARGUMENTS[p] for p in inspect.signature(method).parameters if p in ARGUMENTS]
    refreshes = any(p.annotation == "bool" for p in inspect.signature(method).parameters.values())
    for more in ((), (True,)) if refreshes else ((),):
        try:
            method(*needed, *more)
        except OSError:
            continue


def test_every_query_of_a_recording_is_documented_under_the_name_it_has_in_the_file() -> None:
    answers = Noting()
    host = RecordedHost(answers)
    for name in vars(Host):
        if not name.startswith("_"):
            ask(host, name)
    table = (HERE / "README.md").read_text("utf-8").partition("## The form of `answers`")[2]
    documented = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(answers.queries) == sorted(documented)


def test_one_machine_is_judged_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert judge.main([DGX, "--framework", "torch", "--device", "gpu"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["baseline"] is None
    assert report["context"]["frameworks"] == ["torch"]
    assert report["context"]["device"] == "gpu"


def test_two_machines_are_judged_by_what_changed(capsys: pytest.CaptureFixture[str]) -> None:
    assert judge.main([DGX, "--before", DESKTOP]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["verdict"]["impact"] != "none"
    assert "gpu-architecture-changed" in {finding["rule"] for finding in report["findings"]}


@pytest.mark.parametrize("content", ["", "[]", "{}"])
def test_a_file_that_is_no_recorded_machine_is_named(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(content)
    with pytest.raises(SystemExit) as ended:
        judge.main([str(path)])
    assert ended.value.code == 2
    assert f"{path} is no recorded machine" in capsys.readouterr().err


def machines(folder: Path, name: str) -> Path:
    """A folder with one recorded machine in it."""
    (folder / name).mkdir(parents=True)
    (folder / name / "host.json").write_text(Path(DESKTOP).read_text("utf-8"))
    return folder


def test_the_oracle_finds_no_difference_between_equal_states_and_names_the_first_place_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    given = machines(tmp_path / "machines", "desktop")
    assert oracle.main(["write", str(old), "--machines", str(given)]) == 0
    judged = json.loads(old.read_text("utf-8"))
    assert set(judged) > {"desktop", "desktop: any on cpu", "desktop to desktop: torch on gpu"}
    new.write_text(json.dumps(judged))
    assert oracle.main(["compare", str(old), str(new)]) == 0
    judged["desktop: any on cpu"]["verdict"]["impact"] = "wrong"
    new.write_text(json.dumps(judged))
    assert oracle.main(["compare", str(old), str(new)]) == 1
    assert "desktop: any on cpu: .verdict.impact: " in capsys.readouterr().out


def test_the_oracle_leaves_out_texts_and_keeps_values_of_the_same_name() -> None:
    finding = {"message": "text", "not_seen": "text", "before": {"machine": "x86_64"}}
    kept = {"not_seen": True, "before": {"machine": "x86_64"}}
    assert oracle.without_texts({"findings": [finding]}) == {"findings": [kept]}
