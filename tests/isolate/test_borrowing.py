"""What no index has is taken over from the active environment."""

from __future__ import annotations

import subprocess
from pathlib import Path

from envprint.isolate.borrowing import borrow
from tests.builders.environments import made_by_hand, packages_of

EDITABLE = "mine-0.1.dist-info"


def environment_with_an_editable_project(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    (source / "mine.py").write_text("answer = 42\n")
    place = made_by_hand(tmp_path / "here")
    library = packages_of(place)
    (library / "__editable__.mine.pth").write_text(f"{source}\n")
    info = library / EDITABLE
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 0.1\n")
    (info / "RECORD").write_text(
        f"__editable__.mine.pth,,\n{EDITABLE}/METADATA,,\n{EDITABLE}/RECORD,,\n../../../bin/mine,,\n"
    )
    return place


def test_an_editable_installation_works_in_the_trial(tmp_path: Path) -> None:
    here = environment_with_an_editable_project(tmp_path) / "bin" / "python"
    there = made_by_hand(tmp_path / "trial") / "bin" / "python"
    assert borrow({"mine": "0.1", "absent": "1"}, str(here), str(there)) == {"mine"}
    done = subprocess.run(
        [there, "-c", "import mine; print(mine.answer)"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "42\n"
    assert not (tmp_path / "trial" / "bin" / "mine").exists()


def test_nothing_is_looked_for_without_names(tmp_path: Path) -> None:
    assert borrow({}, str(tmp_path / "no-python"), str(tmp_path / "none")) == set()


def test_another_version_is_not_taken(tmp_path: Path) -> None:
    here = environment_with_an_editable_project(tmp_path) / "bin" / "python"
    there = made_by_hand(tmp_path / "trial") / "bin" / "python"
    assert borrow({"mine": "0.2"}, str(here), str(there)) == set()
