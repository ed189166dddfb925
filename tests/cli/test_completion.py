"""`envprint completion`: each shell reads its script, and completes verbs, options and values."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from envprint import cli
from envprint.cli.completion import SCRIPTS, SHELLS
from tests.builders.commands import assert_one_line_and_exit_2, call

ROOT = Path(__file__).parents[2]
LINES = {
    "": cli.verb_names(),
    "ch": ["check"],
    "diff --form": ["--format"],
    "diff --format m": ["markdown"],
    "completion ": list(SHELLS),
    "probe --repe": ["--repeat"],
}
"""What is typed behind `envprint`, and what has to be offered."""


def ran(*command: str) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def by_bash(script: Path, line: str) -> list[str]:
    program = """
    source "$1"; read -ra COMP_WORDS <<< "$2"
    [[ $2 == *' ' || $2 == envprint ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _shtab_envprint; echo "${COMPREPLY[@]}"
    """
    return ran("bash", "--norc", "-c", program, "bash", str(script), f"envprint {line}")


def by_fish(script: Path, line: str) -> list[str]:
    program = "source $argv[1]; complete -C $argv[2] | string replace -r '\\t.*' ''"
    return ran("fish", "--no-config", "-c", program, str(script), f"envprint {line}")


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize(("shell", "by"), [("bash", by_bash), ("fish", by_fish)])
def test_a_shell_offers_what_fits(
    shell: str, by: Callable[[Path, str], list[str]], line: str
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell}: apt-get install {shell}")
    offered = by(Path(SCRIPTS) / shell, line)
    assert set(LINES[line]) <= set(offered)
    assert not [word for word in offered if word.startswith("_")]


def test_zsh_reads_its_script() -> None:
    if shutil.which("zsh") is None:
        pytest.skip("no zsh: apt-get install zsh")
    assert ran("zsh", "-n", str(Path(SCRIPTS) / "zsh")) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_printed_as_it_lies_in_the_package(shell: str) -> None:
    done = call("completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (Path(SCRIPTS) / shell).read_text(encoding="utf-8")
    assert all(verb in done.stdout for verb in cli.verb_names())


def test_a_shell_that_has_no_script_is_one_line() -> None:
    assert_one_line_and_exit_2(call("completion", "ksh"), "unknown word 'ksh'; did you mean zsh?")


def test_the_manual_has_every_verb_and_no_line_that_a_formatter_takes_for_a_request() -> None:
    lines = (ROOT / "docs" / "envprint.1").read_text(encoding="utf-8").splitlines()
    requests = {line.split()[0] for line in lines if line.startswith((".", "'"))}
    assert requests == {".TH", ".SH", ".B", ".I", ".PP", ".nf", ".fi"}
    assert [f'.SH "envprint {verb}"' for verb in cli.verb_names()] == [
        line for line in lines if line.startswith('.SH "')
    ]
