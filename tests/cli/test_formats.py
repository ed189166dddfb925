"""`--format`: every verb that reports writes every format, and a service gets what it wants."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import envprint
from envprint.core.discovery import module_names
from envprint.outputs import fingerprints, formats
from tests.builders.commands import assert_one_line_and_exit_2, call

HOSTS = Path(__file__).parent.parent / "hosts"
HOST, OTHER = "debian12-cpu-vm/fingerprint.json", "dgx-a100/fingerprint.json"
BEGINS = {
    "csv": '"kind","impact"',
    "github": "::",
    "gitlab": "[\n",
    "html": "<!DOCTYPE html>\n",
    "json": "{\n",
    "junit": "<?xml ",
    "markdown": "**",
    "text": "NUMERIC",
}
each_format = pytest.mark.parametrize("name", BEGINS)


def test_every_format_is_tried() -> None:
    assert sorted(BEGINS) == module_names(formats)


@each_format
def test_diff_and_the_api_write_every_format(name: str) -> None:
    done = call("diff", HOST, OTHER, "--format", name, "-v", cwd=HOSTS)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(BEGINS[name])
    report = envprint.diff(HOSTS / HOST, HOSTS / OTHER)
    assert report.to_format(name).startswith(BEGINS[name])
    assert report.to_format(name) == getattr(report, f"to_{name}")()


def test_the_threshold_reaches_the_formats_that_know_failures() -> None:
    counts = {
        fail_on: call(
            *("diff", HOST, OTHER, "--format", "junit", "--fail-on", fail_on), cwd=HOSTS
        ).stdout.count("<failure ")
        for fail_on in ("none", "numeric", "breaks")
    }
    assert counts["none"] > counts["numeric"] > counts["breaks"] == 0
    report = envprint.diff(HOSTS / HOST, HOSTS / OTHER)
    assert report.to_junit(fail_on="breaks").count("<failure ") == 0
    assert report.to_junit(envprint.Impact.NONE).count("<failure ") == counts["none"]


def test_the_policy_decides_what_is_a_failure(tmp_path: Path) -> None:
    policy = tmp_path / "envprint.toml"
    policy.write_text('fail_on = "breaks"\n')
    arguments = ("--policy", policy, "--format", "github")
    done = call("diff", HOST, OTHER, *arguments, cwd=HOSTS)
    assert done.returncode == 0
    assert "::error" not in done.stdout
    assert "::warning" in done.stdout


LOADED = """
import sys
from envprint.cli import main
main(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
"""


def loaded_for(name: str) -> set[str]:
    """The formats, and what they write with, that a comparison loads."""
    command = [sys.executable, "-c", LOADED, "diff", HOST, OTHER, "--format", name]
    done = subprocess.run(command, cwd=HOSTS, capture_output=True, text=True, check=True)
    writing = {"envprint.outputs.html_page", "envprint.outputs.markdown_text", "csv", "html"}
    writing |= {f"{formats.__name__}.{one}" for one in BEGINS}
    return writing & set(done.stderr.split())


@pytest.mark.parametrize("name", ["text", "json"])
def test_a_format_that_is_not_named_is_not_loaded(name: str) -> None:
    assert loaded_for(name) == {f"{formats.__name__}.{name}"}


@each_format
def test_the_pre_flight_of_run_leaves_stdout_to_the_command(name: str, tmp_path: Path) -> None:
    done = call("run", "--format", name, "-v", "--", "echo", "trained", cwd=tmp_path)
    assert done.stdout == "trained\n"
    assert done.stderr.startswith(BEGINS[name].replace("NUMERIC", "NO"))


def test_a_job_of_github_gets_a_summary_behind_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_text("# tests\n\n")
    variables = {"GITHUB_STEP_SUMMARY": str(file)}
    done = call("diff", HOST, OTHER, "--format", "github", cwd=HOSTS, env=variables)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("::error title=")
    first, _, rest = file.read_text().partition("\n\n")
    assert first == "# tests"
    assert rest.startswith("**NUMERIC** ")
    call("diff", HOST, OTHER, "--format", "markdown", cwd=HOSTS, env=variables)
    assert file.read_text().count("**NUMERIC** ") == 1


def test_a_summary_that_cannot_be_written_costs_a_warning_alone(tmp_path: Path) -> None:
    variables = {"GITHUB_STEP_SUMMARY": str(tmp_path / "none" / "summary.md")}
    done = call("diff", HOST, OTHER, "--format", "github", cwd=HOSTS, env=variables)
    assert done.returncode == 1
    assert done.stderr.startswith("envprint: warning: GITHUB_STEP_SUMMARY: cannot write to ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["csv", "junit", "github", "gitlab"])
def test_a_format_without_a_place_for_the_way_back_refuses_it(name: str) -> None:
    assert_one_line_and_exit_2(
        call("diff", HOST, OTHER, "--remedy", "--format", name, cwd=HOSTS),
        f"--remedy: {name} has no place for it",
    )


def test_the_way_back_is_in_a_markdown() -> None:
    done = call("diff", HOST, OTHER, "--remedy", "--format", "markdown", cwd=HOSTS)
    assert "<summary>The way back to the baseline (" in done.stdout


@pytest.mark.parametrize("name", ["text", "json", *module_names(fingerprints)])
def test_show_writes_every_format_of_a_fingerprint(name: str) -> None:
    done = call("show", HOST, "--format", name, cwd=HOSTS)
    assert (done.returncode, done.stderr) == (0, "")
    part = call("show", HOST, "--format", name, "--section", "gpu", cwd=HOSTS).stdout
    assert "numpy" in done.stdout
    assert "numpy" not in part
    assert "driver_version" in part


def test_the_api_names_what_it_does_not_know() -> None:
    report = envprint.diff(HOSTS / HOST, HOSTS / HOST)
    with pytest.raises(envprint.EnvprintError, match="no format 'pdf'; known: csv, "):
        report.to_format("pdf")
    with pytest.raises(envprint.EnvprintError, match="no impact 'bad'; known: none, perf"):
        report.to_junit("bad")
    with pytest.raises(envprint.EnvprintError, match="no format 'csv'; known: "):
        envprint.load(HOSTS / HOST).to_format("csv")


def test_a_fingerprint_writes_itself_as_show_does() -> None:
    shown = call("show", HOST, "--format", "markdown", cwd=HOSTS).stdout
    assert envprint.load(HOSTS / HOST).to_markdown() == shown
    assert json.loads(envprint.load(HOSTS / HOST).to_json())
