"""How much of a report a verb prints, and how wide: `-q`, `-v`, `--details` and the terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.builders.commands import assert_one_line_and_exit_2, call

HOSTS = Path(__file__).parent.parent / "hosts"
HOST, OTHER = "debian12-cpu-vm/fingerprint.json", "dgx-a100/fingerprint.json"
FIRST = "NUMERIC   Results differ by rounding: equal at first, further apart with every"


def diff(*arguments: str, **variables: str) -> str:
    done = call("diff", HOST, OTHER, *arguments, env=variables, cwd=HOSTS)
    assert (done.returncode, done.stderr) == (1, "")
    return done.stdout


def test_a_report_has_the_likely_causes_in_full_by_default() -> None:
    text = diff()
    assert text.startswith(FIRST)
    assert "\nLIKELY CAUSES\n" in text
    assert "-v shows all" in text
    assert text == diff("--details", "likely")
    assert not {"\nALSO CHANGED", "\nMACHINES"} & set(text)


def test_without_details_it_is_one_screen() -> None:
    text = diff("--details", "none")
    assert text.startswith(FIRST)
    assert text.count("\n") <= 24
    assert diff().startswith(text)


@pytest.mark.parametrize("options", [["-v"], ["--verbose"], ["--details", "all"], ["-q", "-v"]])
def test_verbose_means_all_details(options: list[str]) -> None:
    text = diff(*options)
    assert "\nFINDINGS\n" in text
    assert "\nMACHINES\n" in text
    assert "-v shows all" not in text


@pytest.mark.parametrize("option", ["-q", "--quiet"])
def test_quiet_means_the_verdict_in_one_line(option: str) -> None:
    text = diff(option)
    assert text.startswith(FIRST.removesuffix("."))
    assert text.count("\n") == 1


def test_a_file_gets_all_details_unless_others_are_wanted(tmp_path: Path) -> None:
    for options, section in (([], "FINDINGS"), (["--details", "likely"], "LIKELY CAUSES")):
        assert diff("-o", str(tmp_path / "r.txt"), *options, COLUMNS="120") == ""
        text = (tmp_path / "r.txt").read_text()
        assert f"\n{section}\n" in text
        assert widest(text) <= 80


def test_programs_get_the_whole_document_in_any_case() -> None:
    texts = {diff("--format", "json", *options) for options in ([], ["-q"], ["-v"])}
    assert len(texts) == 1


def test_other_details_are_refused() -> None:
    assert_one_line_and_exit_2(call("diff", HOST, OTHER, "--details", "some", cwd=HOSTS), "some")


@pytest.mark.parametrize("verb", ["check", "diff", "run"])
def test_every_verb_that_judges_has_the_options(verb: str) -> None:
    told = call(verb, "--help").stdout
    assert all(option in told for option in ("--details", "--quiet", "--verbose"))


def test_run_tells_its_pre_flight_in_short_lines_and_with_options_as_they_say(
    tmp_path: Path,
) -> None:
    variables = {"LD_PRELOD": "x.so", "ENVPRINT_HOME": str(tmp_path / "store")}
    short = call("run", "--fail-on", "breaks", "--", "true", env=variables)
    assert "\nenvprint: numeric: LD_PRELOD is set" in f"\n{short.stderr}"
    quiet = call("run", "-q", "--fail-on", "breaks", "--", "true", env=variables)
    assert "NUMERIC: results can differ by rounding" in quiet.stderr.splitlines()[0]
    whole = call("run", "-v", "--fail-on", "breaks", "--", "true", env=variables)
    assert "\nFINDINGS\n" in whole.stderr
    assert (short.stdout, quiet.stdout) == ("", "")


def widest(text: str) -> int:
    """The longest line that a line break could have shortened."""
    lines = text.replace("\r", "").splitlines()
    return max(len(line) for line in lines if " " in line.strip() and "export " not in line)


@pytest.mark.parametrize(
    ("columns", "width"),
    [("100", 100), ("20", 60), ("500", 120), ("", 80), ("wide", 80), ("0", 80), ("9" * 99, 80)],
)
def test_columns_is_respected_between_60_and_120(columns: str, width: int) -> None:
    assert width - 8 <= widest(diff(COLUMNS=columns)) <= width


@pytest.mark.parametrize(("columns", "width"), [(70, 70), (30, 60), (200, 120)])
def test_the_width_follows_the_terminal(columns: int, width: int) -> None:
    """A pseudo-terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environ = {"PATH": os.environ["PATH"], "NO_COLOR": "1", "LANG": "C.UTF-8"}
    command = [sys.executable, "-m", "envprint", "diff", HOST, OTHER, "--details", "none"]
    with subprocess.Popen(command, stdout=theirs, env=environ, cwd=HOSTS) as process:
        os.close(theirs)
        with os.fdopen(ours, encoding="utf-8") as terminal:
            text = ""
            try:
                while line := terminal.readline():
                    text += line
            except OSError:  # the other end was closed
                pass
        process.wait()
    assert width - 8 <= widest(text) <= width
