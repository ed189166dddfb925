"""The live host where the machine refuses: a refusal is an error, never an absence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from envprint.machine.live import LiveHost
from envprint.machine.recorded import RecordedHost, RecordingHost


def test_nothing_is_there_in_three_ways(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("nope", "file/below", "dangling", "a\0b"):
        assert LiveHost().file_type(f"{tmp_path}/{name}") is None


def test_a_refused_look_is_an_error_and_not_an_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    recording = RecordingHost(LiveHost())
    with monkeypatch.context() as patch:
        patch.setattr("envprint.machine.live.os.stat", refuse)
        with pytest.raises(PermissionError, match=r"/closed/\.git"):
            recording.file_type("/closed/.git")
    with pytest.raises(PermissionError, match=r"/closed/\.git"):
        RecordedHost(recording.answers).file_type("/closed/.git")


@pytest.mark.parametrize(
    "path",
    [
        *("/", "//", "/.", "/..", "", ".", "a/file", "TOP", "TOP/", "TOP//a", "//TOP/a"),
        *("TOP/a/file", "TOP/a/missing/x", "TOP/a/../b", "TOP/a/./file", "TOP/b/../a/file"),
        *("TOP/b", "TOP/b/file", "TOP/relative/file", "TOP/chain/file", "TOP/dangling/x"),
        *("TOP/loop", "TOP/loop/x", "TOP/a/file/x", "TOP/up/a"),
    ],
)
def test_a_real_path_is_that_of_the_library(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/file").touch()
    links = {"b": tmp_path / "a", "relative": "a", "chain": "b", "dangling": "none", "loop": "loop"}
    for name, target in {**links, "up": ".."}.items():
        (tmp_path / name).symlink_to(target)
    monkeypatch.chdir(tmp_path)
    path, host = path.replace("TOP", str(tmp_path)), LiveHost()
    assert host.real_path(path) == os.path.realpath(path)
    assert host.real_path(path) == os.path.realpath(path), "the second time"
