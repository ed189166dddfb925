"""Copies of the working directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from envprint.core.errors import EnvprintError
from envprint.isolate import workspace


@pytest.fixture
def project(tmp_path: Path) -> Path:
    place = tmp_path / "project"
    (place / "src").mkdir(parents=True)
    (place / "src" / "train.py").write_text("pass\n")
    return place


def copied(project: Path, result: str | None = None) -> workspace.Copy:
    return workspace.copy(str(project), str(project.parent / "copy"), result)


def names(place: Path) -> set[str]:
    return {str(path.relative_to(place)) for path in place.rglob("*")}


def test_environments_stores_and_bytecode_are_left_out(project: Path) -> None:
    for folder in (".venv", ".envprint", "src/__pycache__"):
        (project / folder).mkdir()
        (project / folder / "pyvenv.cfg").touch()
    copied(project)
    assert names(project.parent / "copy") == {"src", "src/train.py"}


def test_a_large_file_is_linked_and_a_job_that_changes_it_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "LARGE_BYTES", 10)
    data = project / "data.bin"
    data.write_bytes(bytes(10))
    made = copied(project)
    assert (project.parent / "copy" / "data.bin").is_symlink()
    made.check()
    (project.parent / "copy" / "data.bin").write_bytes(b"changed")
    with pytest.raises(EnvprintError, match=r"has changed data\.bin"):
        made.check()


def test_a_large_result_is_never_linked(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "LARGE_BYTES", 10)
    (project / "w.npy").write_bytes(bytes(10))
    copied(project, "w.npy")
    assert not (project.parent / "copy" / "w.npy").is_symlink()


def test_links_inside_lead_into_the_copy_and_links_outside_stay(project: Path) -> None:
    (project / "inside").symlink_to("src/train.py")
    (project.parent / "data").mkdir()
    (project / "outside").symlink_to("../data")
    copied(project)
    copy = project.parent / "copy"
    assert os.readlink(copy / "inside") == "src/train.py"
    assert os.path.realpath(copy / "outside") == str(project.parent / "data")


def test_a_copy_replaces_what_an_earlier_trial_left(project: Path) -> None:
    copied(project)
    (project.parent / "copy" / "checkpoint").touch()
    copied(project)
    assert "checkpoint" not in names(project.parent / "copy")


def test_too_much_to_copy_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "MOST_BYTES", 3)
    with pytest.raises(EnvprintError, match="too much to copy"):
        copied(project)


def test_places_that_all_trials_share_are_known(project: Path) -> None:
    outside = project.parent / "runs"
    outside.mkdir()
    (project / "runs").symlink_to(outside)
    words = ["python", "src/train.py", f"--out={outside}/x", str(project / "y")]
    places = workspace.shared_places(str(project), words)
    assert places == [f"{outside}/x", str(outside)]
    (outside / "last").touch()
    assert list(workspace.written_since(places, 0)) == [f"{outside}/last"]
