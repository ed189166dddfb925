"""The story of docs/isolate.md, told by running it.

Its short form, with small wheels, is in tests/cli/test_isolate_packages.py.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.benchmarks.isolate_trials import table
from tests.builders.commands import call
from tests.builders.isolated import active
from tests.conftest import Build

PAGE = Path(__file__).parents[2] / "docs" / "isolate.md"
GUIDE = PAGE.read_text(encoding="utf-8")


def block(name: str) -> str:
    found = re.search(rf"```\w+ {re.escape(name)}\n(.*?)```", GUIDE, re.DOTALL)
    assert found, name
    return found[1]


def commands() -> list[list[str]]:
    """The words of each command in a console, in order."""
    consoles = re.findall(r"```console\n(.*?)```", GUIDE, re.DOTALL)
    return [shlex.split(line[2:]) for line in "".join(consoles).splitlines()]


def masked(text: str) -> str:
    """Without what depends on the processor: digests and distances."""
    text = re.sub(r"sha256 [0-9a-f]{12}", "sha256 …", text)
    return re.sub(r"(?m)^(apart +).*$", r"\1…", text)


def test_the_table_of_trials_is_what_the_searches_take() -> None:
    assert "\n".join(table()) in GUIDE


@pytest.mark.slow
@pytest.mark.long
def test_the_story_ends_as_the_guide_says(
    environment: Build, tmp_path: Path, update_golden: bool
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "train.py").write_text(block("train.py"))
    variables = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    days = iter(("monday.txt", "friday.txt"))
    answer = ""
    for program, *words in commands():
        if program == "export":
            variables |= dict(word.split("=", 1) for word in words)
            pins = block(next(days)).split()
            variables |= active(environment("--no-deps", *pins))
            continue
        done = call(*words, env=variables, cwd=project, timeout_s=1500)
        assert done.returncode == 0, done.stderr
        answer = done.stdout
    if update_golden:
        shown = GUIDE.replace(
            f"```text answer\n{block('answer')}```", f"```text answer\n{answer}```"
        )
        PAGE.write_text(shown, encoding="utf-8")
    assert masked(answer) == masked(block("answer"))
    cited = call("diff", "monday.json", "now", env=variables, cwd=project)
    assert "isolated" in cited.stdout
