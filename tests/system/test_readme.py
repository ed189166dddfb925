"""What the README promises, held to the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_ci_runs_the_very_test_command_of_the_readme_and_then_what_takes_long() -> None:
    command = next(block.strip() for block in blocks("console") if "-m pytest" in block)
    lines = (ROOT / ".ci/run").read_text().splitlines()
    runs = [line for line in lines if "-m pytest" in line]
    assert runs == [
        command,
        ".venv/bin/python -m pytest -n 2 --dist worksteal -m long || status=$?",
    ]


@pytest.mark.parametrize(
    ("fails", "code"), [("", 0), ("default", 1), ("long", 1), ("default long", 1), ("install", 1)]
)
def test_ci_runs_both_and_fails_where_either_fails(fails: str, code: int, tmp_path: Path) -> None:
    """With a Python that only says what it would run."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/run", tmp_path / ".ci/run")
    tool = tmp_path / "python3"
    tool.write_text(PRETENDED)
    tool.chmod(0o755)
    for other in ("chromium", "fish", "zsh", "slurmctld"):  # else they would be installed
        (tmp_path / other).symlink_to(tool)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "FAILS": fails}
    done = subprocess.run(
        [tmp_path / ".ci/run"], env=environ, capture_output=True, text=True, check=False
    )
    said = ["1 long"] if fails == "install" else ["1 default", "1 long"]
    assert (done.returncode, done.stdout.splitlines()) == (code, said), done.stderr


PRETENDED = """#!/bin/sh
if [ "$2" = venv ]; then
    mkdir -p .venv/bin
    cp "$0" .venv/bin/python
    printf '#!/bin/sh\ncase "$FAILS" in *install*) exit 1;; esac\n' > .venv/bin/pip
    chmod 755 .venv/bin/pip
else
    case "$*" in *long) what=long;; *) what=default;; esac
    echo "1 $what"
    case "$FAILS" in *$what*) exit 1;; esac
fi
"""
"""Stands for `python3`, pip and pytest, whose closing line it prints."""


def test_there_are_exactly_two_set_up_commands_and_they_need_only_python_and_pip() -> None:
    commands = [block.strip() for block in blocks("console") if "pip install" in block]
    assert len(commands) == 2
    for command in commands:
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install -q ")


def test_it_says_in_how_many_situations_the_simulated_driver_was_read() -> None:
    scenarios = list((ROOT / "tests/nvml/scenarios").glob("*/driver.txt"))
    assert re.findall(r"in (\d+) situations", README) == [str(len(scenarios))]


def test_the_impacts_are_explained_in_their_order() -> None:
    from envprint.core.impact import Impact

    assert re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE) == [impact.word for impact in Impact]


def test_the_python_example_names_what_exists() -> None:
    import envprint

    for name in re.findall(r"envprint\.(\w+)\(", "".join(blocks("python"))):
        assert name in envprint.__all__
