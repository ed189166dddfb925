"""`envprint isolate --with-code`: the commit as a switch, in real repositories."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders.commands import assert_one_line_and_exit_2, call
from tests.builders.environments import bare, packages_of
from tests.builders.isolated import answer_of, document_of

Envprint = Callable[..., "subprocess.CompletedProcess[str]"]

TRAIN = """\
import os
import model

print("loss", model.scale + (os.environ.get("TF_ACTS") == "1"))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    place = tmp_path / "project"
    place.mkdir()
    git(place, "init", "--quiet", "--initial-branch", "main")
    (place / "train.py").write_text(TRAIN)
    return place


def git(place: Path, *words: str) -> str:
    identity = ("-c", "user.name=n", "-c", "user.email=n@example.org")
    done = subprocess.run(
        ["git", *identity, *words], cwd=place, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(place: Path, scale: int) -> str:
    (place / "model.py").write_text(f"scale = {scale}\n")
    git(place, "add", "train.py", "model.py")
    git(place, "commit", "--quiet", "--message", f"scale {scale}")
    return git(place, "rev-parse", "HEAD")


@pytest.fixture
def envprint(tmp_path: Path) -> Envprint:
    """The program, run in a directory with variables."""

    def run(place: Path, *words: object, **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_CONFIG_HOME": str(tmp_path)}
        return call(*words, cwd=place, env={**kept, **variables})

    return run


ISOLATE = ("--with-code", "--result", "stdout:loss (.*)", "--format", "json", "--repeat", 2)
JOB = ("--", "python", "train.py")


@pytest.fixture
def baseline(envprint: Envprint, tmp_path: Path) -> Callable[[Path], Path]:
    def captured(place: Path) -> Path:
        done = envprint(place, "capture", "-o", tmp_path / "old.json")
        assert done.returncode == 0, done.stderr
        return tmp_path / "old.json"

    return captured


def test_a_commit_is_a_cause_and_checking_it_out_the_fix(
    project: Path, envprint: Envprint, baseline: Callable[[Path], Path]
) -> None:
    first = commit(project, 1)
    old = baseline(project)
    second = commit(project, 2)
    done = envprint(project, "isolate", old, *ISOLATE, *JOB, TF_A="1", TF_B="2")
    found = document_of(done)
    assert done.returncode == 0, done.stderr
    code = {"switch": "code", "name": "the code"}
    assert found["needed"] == [{**code, "before": first, "after": second}]
    assert found["fix"] == [{**code, "commands": [f"git checkout {first}"]}]
    assert found["rest"] == "baseline"
    listed = envprint(project, "log")
    assert f"found: the code {first[:12]} → {second[:12]}" in listed.stdout


def test_a_cause_in_the_code_makes_no_measured_pair(
    project: Path, envprint: Envprint, baseline: Callable[[Path], Path], tmp_path: Path
) -> None:
    commit(project, 1)
    old = baseline(project)
    commit(project, 2)
    pairs = tmp_path / "pairs"
    done = envprint(project, "isolate", old, *ISOLATE, "--pair", pairs, *JOB)
    assert answer_of(done).needed == ["the code"]
    assert "no measured pair: the cause is in the code" in done.stderr
    assert not pairs.exists()


def test_changes_that_were_not_committed_are_a_cause_to_be_stashed(
    project: Path, envprint: Envprint, baseline: Callable[[Path], Path]
) -> None:
    first = commit(project, 1)
    old = baseline(project)
    (project / "model.py").write_text("scale = 5\n")
    done = envprint(project, "isolate", old, *ISOLATE, *JOB, TF_A="1")
    assert answer_of(done).commands == ["git stash"]
    [needed] = document_of(done)["needed"]
    assert (needed["before"], needed["after"]) == (first, f"{first} with changes")
    assert (project / "model.py").read_text() == "scale = 5\n"


def test_the_code_and_a_variable_are_two_causes(
    project: Path, envprint: Envprint, baseline: Callable[[Path], Path]
) -> None:
    commit(project, 1)
    old = baseline(project)
    commit(project, 4)
    done = envprint(project, "isolate", old, *ISOLATE, *JOB, TF_ACTS="1", TF_A="1")
    answer = answer_of(done)
    assert set(answer.needed) == set(answer.fix) == {"the code", "TF_ACTS"}


def test_code_that_changes_nothing_is_not_needed_and_remembered_by_what_it_is(
    project: Path, envprint: Envprint, baseline: Callable[[Path], Path]
) -> None:
    commit(project, 1)
    old = baseline(project)
    (project / "train.py").write_text(f"# a comment\n{TRAIN}")
    commit(project, 1)
    words = ("isolate", old, *ISOLATE, *JOB)
    done = envprint(project, *words, TF_ACTS="1", TF_A="1")
    assert answer_of(done).needed == ["TF_ACTS"]
    assert "the code" in [one["name"] for one in document_of(done)["not_needed"]]
    again = envprint(project, *words, TF_ACTS="1", TF_A="1")
    assert "(remembered)" in again.stderr
    (project / "train.py").write_text(f"# another comment\n{TRAIN}")
    commit(project, 1)
    changed = envprint(project, *words, TF_ACTS="1", TF_A="1")
    assert answer_of(changed).needed == ["TF_ACTS"]


def test_two_records_of_one_commit_run_that_commit_and_not_what_is_here(
    project: Path, envprint: Envprint, tmp_path: Path
) -> None:
    commit(project, 1)
    assert envprint(project, "capture", "-o", tmp_path / "a.json").returncode == 0
    assert envprint(project, "capture", "-o", tmp_path / "b.json", TF_ACTS="1").returncode == 0
    commit(project, 7)
    both = (tmp_path / "a.json", tmp_path / "b.json")
    done = envprint(project, "isolate", *both, *ISOLATE, *JOB)
    assert answer_of(done).needed == ["TF_ACTS"]
    assert document_of(done)["result"]["before"] == "1"


def test_without_the_option_the_code_stays_and_the_plan_says_so(
    project: Path, envprint: Envprint, baseline: Callable[[Path], Path]
) -> None:
    commit(project, 1)
    old = baseline(project)
    commit(project, 2)
    done = envprint(project, "isolate", old, *ISOLATE[1:], *JOB, TF_ACTS="1")
    assert answer_of(done).needed == ["TF_ACTS"]
    reasons = {one["name"]: one["reason"] for one in document_of(done)["not_switchable"]}
    assert "--with-code switches the commit" in reasons["the code"]


def reason_for_the_code(done: subprocess.CompletedProcess[str]) -> str:
    """Why the code is no switch, in a search that has found the variable."""
    assert answer_of(done).needed == ["TF_ACTS"]
    [reason] = [
        one["reason"] for one in document_of(done)["not_switchable"] if one["name"] == "the code"
    ]
    return str(reason)


def test_a_commit_that_the_repository_lacks_cannot_be_switched(
    project: Path, envprint: Envprint, baseline: Callable[[Path], Path]
) -> None:
    commit(project, 1)
    old = baseline(project)
    document = json.loads(old.read_text())
    document["facts"]["code"]["commit"] = "0" * 40
    old.write_text(json.dumps(document))
    commit(project, 2)
    done = envprint(project, "isolate", old, *ISOLATE, *JOB, TF_ACTS="1")
    assert "commit 000000000000 is not in the repository here" in reason_for_the_code(done)


def test_changes_of_a_record_that_were_never_committed_cannot_be_switched(
    project: Path, envprint: Envprint, baseline: Callable[[Path], Path]
) -> None:
    commit(project, 1)
    (project / "model.py").write_text("scale = 5\n")
    old = baseline(project)
    commit(project, 2)
    done = envprint(project, "isolate", old, *ISOLATE, *JOB, TF_ACTS="1")
    assert "with changes that were not committed" in reason_for_the_code(done)


def test_a_record_from_outside_a_repository_names_no_commit(
    project: Path, envprint: Envprint, baseline: Callable[[Path], Path], tmp_path: Path
) -> None:
    commit(project, 1)
    outside = tmp_path / "outside"
    outside.mkdir()
    old = baseline(outside)
    done = envprint(project, "isolate", old, *ISOLATE, *JOB, TF_ACTS="1")
    assert "did not run in a Git work tree" in reason_for_the_code(done)


def test_outside_of_a_repository_no_commit_can_be_had(
    project: Path, envprint: Envprint, baseline: Callable[[Path], Path], tmp_path: Path
) -> None:
    commit(project, 1)
    old = baseline(project)
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("train.py", "model.py"):
        (outside / name).write_text((project / name).read_text())
    done = envprint(outside, "isolate", old, *ISOLATE, *JOB, TF_ACTS="1")
    assert "is in no Git repository" in reason_for_the_code(done)


def test_a_record_that_names_something_else_than_a_commit_reaches_no_git(
    project: Path, envprint: Envprint, baseline: Callable[[Path], Path], tmp_path: Path
) -> None:
    commit(project, 1)
    old = baseline(project)
    document = json.loads(old.read_text())
    document["facts"]["code"]["commit"] = f"--output={tmp_path / 'written'}"
    old.write_text(json.dumps(document))
    commit(project, 2)
    done = envprint(project, "isolate", old, *ISOLATE, *JOB, TF_ACTS="1")
    assert "names no commit" in reason_for_the_code(done)
    assert not (tmp_path / "written").exists()


def test_in_place_there_is_nothing_to_switch_the_code_in(project: Path, envprint: Envprint) -> None:
    done = envprint(project, "isolate", "now", *ISOLATE, "--in-place", *JOB)
    assert_one_line_and_exit_2(done, "--with-code", "leave out --in-place")


def test_an_editable_installation_of_the_project_is_that_of_the_trial(
    project: Path, envprint: Envprint, tmp_path: Path
) -> None:
    (project / "src").mkdir()
    (project / "train.py").write_text("import mine\nprint('loss', mine.scale)\n")
    place = tmp_path / "environment"
    bare(place)
    (packages_of(place) / "mine.pth").write_text(f"{project / 'src'}\n")
    path = f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"
    active = {"VIRTUAL_ENV": str(place), "PATH": path}
    for number in (1, 2):
        (project / "src" / "mine.py").write_text(f"scale = {number}\n")
        git(project, "add", "src")
        commit(project, number)
        done = envprint(project, "capture", "-o", tmp_path / f"{number}.json", **active)
        assert done.returncode == 0, done.stderr
    old = tmp_path / "1.json"
    done = envprint(project, "isolate", old, *ISOLATE, *JOB, **active, TF_A="1")
    assert answer_of(done).needed == ["the code"]
