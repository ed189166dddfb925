"""The id of a machine: made once, derived from nothing, and of this user alone."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import envprint
from envprint.collectors._runner import capture
from envprint.documents.codec import dumps, loads
from envprint.machine.live import LiveHost
from envprint.machine.recorded import RecordedHost, RecordingHost
from envprint.machine.user_files import MACHINE_ID, machine_id
from tests.builders.commands import call
from tests.builders.labelled import labelled
from tests.builders.secrets import machine

pytestmark = pytest.mark.skipif(os.name != "posix", reason="NO POSIX HERE: no permissions")


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's configuration directory, which is not there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "envprint"


def test_a_capture_makes_the_id_once_and_every_document_has_it(config: Path) -> None:
    first, second = envprint.capture(), envprint.capture()
    assert re.fullmatch("[0-9a-f]{32}", first.machine_id or "")
    assert first.machine_id == second.machine_id == machine_id()
    assert stat.S_IMODE((config / MACHINE_ID).stat().st_mode) == 0o600
    assert loads(dumps(first).encode(), "x").machine_id == first.machine_id


def test_two_configuration_directories_have_two_ids_and_one_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = []
    for name in ("one", "two"):
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / name))
        documents.append(envprint.capture())
    one, two = documents
    assert one.machine_id != two.machine_id
    assert one.section_digests == two.section_digests
    assert not any("machine_id" in change.path for change in envprint.diff(one, two).changes)


def test_reading_and_comparing_documents_makes_no_id(config: Path, tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(dumps(labelled("a")))
    variables = {"XDG_CONFIG_HOME": str(config.parent)}
    for arguments in (("diff", "f.json", "f.json"), ("show", "f.json"), ("log",)):
        assert call(*arguments, cwd=tmp_path, env=variables).returncode == 0
    assert not config.exists()


def test_a_document_without_one_has_none() -> None:
    text = dumps(labelled("a")).replace('"machine_id": null,\n', "").encode()
    assert b"machine_id" not in text
    assert loads(text, "x").machine_id is None


def test_a_home_that_cannot_be_written_has_none_and_the_capture_succeeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for place in ("/proc/nope", "/dev/null/x"):
        monkeypatch.setenv("XDG_CONFIG_HOME", place)
        assert envprint.capture().machine_id is None


def test_what_is_no_id_or_others_could_have_written_is_not_used(config: Path) -> None:
    config.mkdir(parents=True)
    file = config / MACHINE_ID
    id_ = "0123456789abcdef" * 2
    for content, mode, found in (
        (f"{id_}\n", 0o600, id_),
        (f"{id_}\n", 0o644, id_),  # it is no secret
        (f"{id_}\n", 0o622, None),
        (id_, 0o600, None),
        ("", 0o600, None),
        ("vm-host-name-of-somebody-01234567\n", 0o600, None),
    ):
        file.write_text(content)
        file.chmod(mode)
        assert machine_id() == found
        assert file.read_text() == content
    file.unlink()
    file.symlink_to("/etc/hostname")
    assert machine_id() is None
    file.unlink()
    os.mkfifo(file, 0o600)
    assert machine_id() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT ROOT: sudo cannot be simulated")
def test_sudo_uses_the_id_of_the_user_and_makes_none_in_that_home(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_UID", "1000")
    config.parent.mkdir()
    os.chown(config.parent, 1000, 1000)
    assert machine_id() is None
    assert not config.exists()
    os.chown(config.parent, 0, 0)
    made = machine_id()
    assert made
    os.chown(config / MACHINE_ID, 1000, 1000)
    assert machine_id() == made
    os.chown(config / MACHINE_ID, 1001, 1001)
    assert machine_id() is None


def test_of_several_that_make_it_at_once_all_have_the_same(config: Path) -> None:
    code = "from envprint.machine.user_files import machine_id; print(machine_id())"
    runs = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=os.environ)
        for _ in range(6)
    ]
    assert len({run.communicate()[0] for run in runs}) == 1
    assert [path.name for path in config.iterdir()] == [MACHINE_ID]


def test_a_recording_has_no_id(config: Path) -> None:
    assert capture(RecordedHost(machine())).machine_id is None
    assert RecordingHost(LiveHost()).machine_id() is None  # type: ignore[func-returns-value]
    assert not config.exists()


def test_an_id_that_cannot_be_had_does_not_prevent_a_capture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(host: RecordedHost) -> None:
        raise RuntimeError("none here")

    monkeypatch.setattr(RecordedHost, "machine_id", fail)
    assert capture(RecordedHost(machine())).machine_id is None
