"""Which code each side runs, and what of it stays as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from envprint.collectors import code
from envprint.core.isolation import CODE, Fixed, Plan
from envprint.documents.inputs import NOW
from envprint.isolate.code_switch import Codes, with_code
from envprint.machine.live import LiveHost
from tests.builders.support import fingerprint

EDITABLE = {"kind": "editable", "url": None, "vcs": None, "commit": None}


def git(place: Path, *words: str) -> str:
    identity = ("-c", "user.name=n", "-c", "user.email=n@example.org")
    done = subprocess.run(
        ["git", *identity, *words], cwd=place, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the commits `first` and `second`; its `job` is the working directory."""
    place = tmp_path / "repository"
    (place / "job").mkdir(parents=True)
    git(place, "init", "--quiet", "--initial-branch", "main")
    for name in ("first", "second"):
        (place / "job" / "train.py").write_text(name)
        git(place, "add", "--all")
        git(place, "commit", "--quiet", "--message", name)
        git(place, "tag", name)
    monkeypatch.chdir(place / "job")
    return place


def planned(before: dict[str, Any], after: dict[str, Any] | None) -> tuple[Plan, Codes]:
    """Both sides with these facts of their code; without any, CURRENT is `now`."""
    sides = [fingerprint(_paths(side or {})) for side in (before, after)]
    if after is None:
        sides[1] = sides[1]._replace(reference=NOW)
    return with_code(Plan((), ()), (sides[0], sides[1]), str(Path.cwd()), sys.executable)


def _paths(facts: dict[str, Any]) -> dict[str, Any]:
    whole = {"commit": None, "diff_digest": None, "dirty": False, "submodules": {}, **facts}
    return {key if "." in key else f"facts.code.{key}": value for key, value in whole.items()}


def test_a_commit_against_what_is_here_is_a_switch(repository: Path) -> None:
    first, second = (git(repository, "rev-parse", name) for name in ("first", "second"))
    plan, codes = planned({"commit": first}, None)
    [switch] = plan.switches
    assert (switch.kind, switch.before, switch.after) == (CODE, first, second)
    assert codes[:2] == (first, None)
    assert plan.fixed == ()


def test_a_record_of_exactly_what_is_here_needs_no_commit(repository: Path) -> None:
    (repository / "job" / "train.py").write_text("changed")
    here = code.collect(LiveHost())
    first = git(repository, "rev-parse", "first")
    same = {name: here[name] for name in ("commit", "diff_digest", "dirty")}
    plan, codes = planned({"commit": first}, same)
    assert codes[:2] == (first, None)
    assert plan.switches[0].after.endswith(" with changes")


def test_other_changes_than_those_that_are_here_cannot_be_had(repository: Path) -> None:
    second = git(repository, "rev-parse", "second")
    changed = {"commit": second, "dirty": True, "diff_digest": f"sha256:{'0' * 64}"}
    plan, codes = planned(changed, None)
    assert (plan.switches, codes) == ((), Codes())
    assert "with changes that were not committed" in plan.fixed[0].reason


def test_what_is_unknown_of_a_side_cannot_be_had(repository: Path) -> None:
    second = git(repository, "rev-parse", "second")
    side = fingerprint(_paths({"commit": second}))
    side = side._replace(unknown={**side.unknown, "facts.code.dirty": "git refused"})
    now = fingerprint(_paths({}))._replace(reference=NOW)
    plan, _ = with_code(Plan((), ()), (side, now), str(Path.cwd()), sys.executable)
    assert plan.fixed == (Fixed("the code", "what a side ran is unknown: git refused"),)


def test_code_outside_of_the_working_directory_stays_and_is_named(repository: Path) -> None:
    (repository / "library.py").write_text("new")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "third")
    plan, _ = planned({"commit": git(repository, "rev-parse", "first")}, None)
    assert [one.what for one in plan.fixed] == ["the code outside of the working directory"]


def test_submodules_and_editable_installations_from_elsewhere_stay_and_are_named(
    repository: Path,
) -> None:
    first, second = (git(repository, "rev-parse", name) for name in ("first", "second"))
    mine = {"version": "1", "origin": EDITABLE, "build_id": None}
    packages = {"facts.packages.distributions": {"mine": mine}}
    git(repository, "checkout", "--quiet", "first")
    plan, codes = planned(
        {"commit": first, "submodules": {"data": "a"}, **packages},
        {"commit": second, "submodules": {"data": "b"}, **packages},
    )
    assert codes[:2] == (None, second)
    assert [one.what for one in plan.fixed] == ["the submodule data", "the code of mine"]
