"""What the README promises, held to the project."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_ci_runs_the_very_test_command_of_the_readme() -> None:
    command = next(block.strip() for block in blocks("console") if block.strip().endswith("pytest"))
    assert command in (ROOT / ".ci/run").read_text().splitlines()


def test_there_are_exactly_two_set_up_commands_and_they_need_only_python_and_pip() -> None:
    commands = [block.strip() for block in blocks("console") if "pip install" in block]
    assert len(commands) == 2
    for command in commands:
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install -q ")


def test_the_impacts_are_explained_in_their_order() -> None:
    from envprint.model import Impact

    assert re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE) == [impact.word for impact in Impact]


def test_the_python_example_names_what_exists() -> None:
    import envprint

    for name in re.findall(r"envprint\.(\w+)\(", "".join(blocks("python"))):
        assert name in envprint.__all__
