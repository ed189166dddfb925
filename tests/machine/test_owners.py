"""A policy or a store of somebody else is not used because it lies above the working directory."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import envprint
from envprint.cli import main
from envprint.core.errors import StoreError
from envprint.documents.codec import dumps
from envprint.documents.store import Store, find_place
from envprint.judging.policy.find import agreed_policy, find_policy
from envprint.machine import owners
from envprint.machine.owners import distrusted
from tests.builders.support import fingerprint

STRANGER = 54321
"""A user that no machine knows."""
ONE = dumps(fingerprint({"facts.os.system": "Linux"}))


@pytest.fixture
def give(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Gives a file to another user; where that takes root, `stat` says so instead."""
    given: dict[str, tuple[int, int | None]] = {}
    real = {"stat": os.stat, "lstat": os.lstat}

    def looks(name: str) -> Callable[..., os.stat_result]:
        def look(path: str) -> os.stat_result:
            status = real[name](path)
            owner, mode = given.get(os.fspath(path), (status.st_uid, None))
            parts = list(status)
            parts[4] = owner
            parts[0] = status.st_mode if mode is None else mode | (status.st_mode & ~0o777)
            return os.stat_result(parts)

        return look

    class Os:
        geteuid = staticmethod(os.geteuid)
        environ = os.environ
        stat = staticmethod(looks("stat"))
        lstat = staticmethod(looks("lstat"))

    def give(path: Path, owner: int, mode: int | None = None) -> None:
        if os.geteuid() == 0:
            os.chown(path, owner, -1, follow_symlinks=False)
            if mode is not None:
                path.chmod(mode)
        else:
            given[str(path)] = owner, mode
            monkeypatch.setattr(owners, "os", Os)

    return give


@pytest.fixture
def inner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of this user, inside another directory."""
    place = tmp_path / "inner"
    place.mkdir()
    (place / "one.json").write_text(ONE)
    monkeypatch.chdir(place)
    monkeypatch.delenv("SUDO_UID", raising=False)
    return place


@pytest.mark.parametrize("name", ["envprint.toml", "pyproject.toml"])
def test_a_policy_of_another_user_above_the_working_directory_is_not_used_and_that_is_said(
    name: str,
    inner: Path,
    give: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    policy = inner.parent / name
    policy.write_text("[tool.envprint]\nfail_on = 'breaks'" if name[0] == "p" else "fail_on = 'x'")
    give(policy, STRANGER)
    code = main(["diff", "one.json", "one.json", "--format", "json"])
    output = capsys.readouterr()
    assert code == 0
    why = f"{policy}: not used, because it belongs to user {STRANGER}"
    assert why in output.err
    assert "--policy" in output.err
    report = json.loads(output.out)
    assert report["context"]["policy"] is None
    assert any(note.startswith(why) for note in report["policy_notes"])


def test_a_policy_of_another_user_is_used_when_it_is_named(
    inner: Path, give: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    policy = inner.parent / "envprint.toml"
    policy.write_text("fail_on = 'breaks'")
    give(policy, STRANGER)
    command = ["diff", "one.json", "one.json", "--policy", str(policy), "--format", "json"]
    assert main(command) == 0
    output = capsys.readouterr()
    assert "not used" not in output.err
    assert json.loads(output.out)["context"]["policy"] == str(policy)


def test_behind_a_policy_of_another_user_the_own_one_further_up_holds(
    inner: Path, give: Callable[..., None]
) -> None:
    own = inner.parent / "envprint.toml"
    own.write_text("fail_on = 'breaks'")
    (inner / "envprint.toml").write_text("fail_on = 'none'")
    give(inner / "envprint.toml", STRANGER)
    policy, name, _ = agreed_policy(None)
    assert (name, policy.file) == (str(own), str(own))
    assert len(policy.notes) == 1


def test_an_odd_or_unreadable_policy_of_another_user_stops_nobody(
    inner: Path, give: Callable[..., None]
) -> None:
    os.mkfifo(inner.parent / "envprint.toml")
    give(inner.parent / "envprint.toml", STRANGER)
    (inner.parent / "pyproject.toml").write_text("[tool.envprint\n")
    give(inner.parent / "pyproject.toml", STRANGER)
    with pytest.warns(UserWarning, match="not used"):
        assert find_policy() is None


def test_a_link_of_another_user_to_a_policy_of_ones_own_is_not_followed(
    inner: Path, give: Callable[..., None]
) -> None:
    (inner / "mine.toml").write_text("fail_on = 'breaks'")
    link = inner.parent / "envprint.toml"
    link.symlink_to(inner / "mine.toml")
    give(link, STRANGER)
    with pytest.warns(UserWarning, match="not used"):
        assert find_policy() is None


@pytest.mark.parametrize(
    ("mode", "is_used"), [(0o644, True), (0o664, False), (0o646, False), (0o600, True)]
)
def test_what_belongs_to_root_is_used_where_nobody_else_can_write_it(
    mode: int, is_used: bool, inner: Path, give: Callable[..., None], monkeypatch: Any
) -> None:
    policy = inner.parent / "envprint.toml"
    policy.write_text("")
    give(policy, 0, mode)
    monkeypatch.setattr(owners, "own_ids", lambda: {STRANGER})
    assert distrusted(str(policy)) == (
        None if is_used else "belongs to root, and others can write to it"
    )


def test_whoever_became_root_by_sudo_keeps_the_own_policy(
    inner: Path, give: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = inner.parent / "envprint.toml"
    policy.write_text("")
    give(policy, STRANGER)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", str(STRANGER))
    assert distrusted(str(policy)) is None
    monkeypatch.setenv("SUDO_UID", "no number")
    assert distrusted(str(policy)) == f"belongs to user {STRANGER}"


def test_a_store_of_another_user_is_passed_over_and_that_is_said(
    inner: Path, give: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = inner.parent / ".envprint"
    Store(str(theirs)).save(fingerprint({}), "monday")
    give(theirs, STRANGER)
    why = f"{theirs}: not used, because it belongs to user {STRANGER}; ENVPRINT_HOME names a store"
    with pytest.warns(UserWarning, match="not used"):
        assert find_place() == str(inner / ".envprint")
    assert main(["log"]) == 0
    assert why in capsys.readouterr().err
    assert main(["show", "@monday"]) == 2
    output = capsys.readouterr().err
    assert output.count("\n") == 1
    assert why in output
    with pytest.raises(StoreError, match="not used"):
        envprint.load("@monday")


def test_a_store_of_another_user_is_used_when_the_variable_names_it(
    inner: Path, give: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    theirs = inner.parent / ".envprint"
    Store(str(theirs)).save(fingerprint({}), "monday")
    give(theirs, STRANGER)
    monkeypatch.setenv("ENVPRINT_HOME", str(theirs))
    assert main(["show", "@monday"]) == 0
    assert capsys.readouterr().err == ""


def test_where_another_users_store_stands_in_the_way_there_is_one_line_and_nothing_is_written(
    inner: Path, give: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    (inner / ".envprint").mkdir()
    give(inner / ".envprint", STRANGER)
    assert main(["log"]) == 2
    output = capsys.readouterr().err
    assert output.count("\n") == 1
    assert "ENVPRINT_HOME" in output
    assert list((inner / ".envprint").iterdir()) == []


def test_every_form_of_a_report_names_the_policy_in_force(
    inner: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (inner / "envprint.toml").write_text("fail_on = 'breaks'")
    assert main(["diff", "one.json", "one.json"]) == 0
    assert "envprint.toml" in capsys.readouterr().out
    assert main(["diff", "one.json", "one.json", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["context"]["policy"] == str(inner / "envprint.toml")
    one = envprint.load("one.json")
    assert envprint.diff(one, one).policy == str(inner / "envprint.toml")
