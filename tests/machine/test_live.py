"""The live host where the machine refuses: a refusal is an error, never an absence."""

from __future__ import annotations

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
