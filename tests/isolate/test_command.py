"""Commands that would not run the Python of a trial."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from envprint.core.errors import UsageError
from envprint.isolate.command import check
from tests.builders.environments import made_by_hand


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text("pass\n")
    return made_by_hand(tmp_path / "venv")


def checked(place: Path, *command: str) -> list[str]:
    """The warnings. Raises `UsageError`."""
    warnings: list[str] = []
    variables = {"PATH": f"{place / 'bin'}{os.pathsep}/usr/bin:/bin", "HOME": "/"}
    check(command, variables, str(place.parent), str(place), warnings.append)
    return warnings


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    "command",
    [
        ("python", "train.py"),
        ("python3", "-m", "train"),
        ("env", "X=1", "python", "train.py"),
        ("nice", "-n", "5", "python", "train.py"),
    ],
    ids=" ".join,
)
def test_the_python_of_the_trial_is_accepted(place: Path, command: tuple[str, ...]) -> None:
    assert checked(place, *command) == []


def test_a_script_of_the_environment_is_accepted(place: Path) -> None:
    script(place / "bin" / "torchrun", f"#!{place / 'bin' / 'python'}\n")
    assert checked(place, "torchrun", "train.py") == []


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("uv run --no-sync train.py", "`python train.py`"),
        ("uv run python -u train.py", "`python -u train.py`"),
        ("conda run -n x python train.py --epochs 3", "`python train.py --epochs 3`"),
        ("poetry run train", "such as `python train.py`"),
        ("/usr/bin/python3 train.py", "`python train.py`"),
        ("env X=1 /usr/bin/python3 train.py", "`python train.py`"),
    ],
)
def test_any_other_python_is_refused_with_what_to_write(
    place: Path, text: str, advice: str
) -> None:
    with pytest.raises(UsageError) as caught:
        checked(place, *text.split())
    assert advice in str(caught.value)


def test_an_absolute_first_line_of_a_script_is_refused(place: Path) -> None:
    script(place.parent / "job", "#!/usr/bin/python3\n")
    with pytest.raises(UsageError, match="/usr/bin/python3"):
        checked(place, "./job")


@pytest.mark.parametrize(
    "line",
    [
        "uv run train.py",
        "conda activate train",
        "exec ../other/bin/python train.py",
        "source ./venv/bin/activate",
    ],
)
def test_a_script_of_the_shell_that_names_an_environment_is_refused(place: Path, line: str) -> None:
    script(place.parent / "job.sh", f"#!/bin/sh\nset -e\n{line}\n")
    with pytest.raises(UsageError, match="let it call `python`"):
        checked(place, "sh", "job.sh")


def test_a_script_of_the_shell_may_call_python_by_name_and_say_anything_in_comments(
    place: Path,
) -> None:
    script(place.parent / "job.sh", "#!/bin/sh\n# not with uv run\npython train.py\n")
    warnings = checked(place, "sh", "job.sh")
    assert len(warnings) == 1
    assert "trials only count if it is the first `python` on PATH" in warnings[0]
