"""`envprint policy`, and a policy that is found and not named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import envprint
from tests.builders.edits import edited


def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "envprint", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_init_writes_a_file_that_show_then_tells_of(tmp_path: Path) -> None:
    before = call(tmp_path, "policy", "show")
    assert before.returncode == 0
    assert "none found upwards from here" in before.stdout
    begun = call(tmp_path, "policy", "init")
    assert (begun.returncode, begun.stdout) == (0, "")
    assert begun.stderr.startswith("envprint: envprint.toml: written")
    after = call(tmp_path, "policy", "show")
    assert "fail_on = numeric   (line 5)" in after.stdout
    assert "device = gpu when one is visible   (default)" in after.stdout


def test_init_writes_over_nothing_and_prints_on_request(tmp_path: Path) -> None:
    (tmp_path / "envprint.toml").write_text("# ours\n")
    again = call(tmp_path, "policy", "init")
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr.startswith("envprint: envprint.toml: already exists")
    assert (tmp_path / "envprint.toml").read_text() == "# ours\n"
    printed = call(tmp_path, "policy", "init", "-o", "-")
    assert printed.stdout.startswith("# What this team has agreed on")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("policy",), "policy: the following arguments are required: init|show"),
        (
            ("policy", "shout"),
            "policy: argument init|show: unknown word 'shout'; did you mean show?",
        ),
        (("policy", "show", "--policy", "/nope.toml"), "/nope.toml: no such file or directory"),
        (("policy", "show", "--policy", "/"), "/: is a directory, expected a policy file"),
        (("check", "--policy", "/"), "/: is a directory, expected a policy file"),
        (("policy", "init", "-o", "/nope/x.toml"), "/nope/x.toml"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(
    arguments: tuple[str, ...], text: str, tmp_path: Path
) -> None:
    done = call(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert text in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_policy_that_is_found_holds_for_check_diff_and_the_api(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "envprint.toml").write_text('[require]\npackages = { psutil = "<1" }\n')
    done = call(tmp_path, "check", "--format", "json")
    rules = [finding["rule"] for finding in json.loads(done.stdout)["findings"]]
    assert (done.returncode, rules[0]) == (1, "required-package-differs")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(envprint.DriftError) as caught:
        envprint.check()
    assert caught.value.report.findings[0].rule == "required-package-differs"
    # In a diff only what is new is said: the second machine has lost the package.
    before, after = edited({"host": "debian12-cpu-vm"}), edited({"host": "macos-arm64"})
    (tmp_path / "envprint.toml").write_text('[require]\npackages = { numpy = "==2.4.6" }\n')
    found = {finding.rule for finding in envprint.diff(before, after).findings}
    assert "required-package-differs" in found
    assert envprint.diff(before, before).findings == ()


def test_a_mistake_in_a_policy_that_was_found_is_exit_2(tmp_path: Path) -> None:
    (tmp_path / "envprint.toml").write_text("\nfail_onn = 1\n")
    done = call(tmp_path, "check")
    assert done.returncode == 2
    place = tmp_path / "envprint.toml"
    assert (
        done.stderr == f"envprint: {place}, line 2: fail_onn: unknown key; did you mean fail_on?\n"
    )
