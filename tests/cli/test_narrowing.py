"""`--only`, `--ignore`, `--expect` and the names of frameworks: what one call leaves out."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

import envprint
from envprint.cli import main
from envprint.cli._console import Console
from envprint.cli._judge_options import add_judging_options, request_of
from envprint.documents.codec import dumps, fingerprint_shape
from envprint.judging.context import agreed
from tests.builders.edits import edited

ONEDNN = "facts.environ.variables[TF_ENABLE_ONEDNN_OPTS]"
THREADS = "facts.environ.variables[OMP_NUM_THREADS]"
HOST = "debian12-cpu-vm"
BEFORE = edited({"host": HOST})
AFTER = edited({"host": HOST, "set": {ONEDNN: "0", THREADS: "1", "live.host.load_1_minute": 3.0}})


@pytest.fixture
def sides(tmp_path: Path) -> tuple[str, str]:
    paths = tmp_path / "a.json", tmp_path / "b.json"
    for path, side in zip(paths, (BEFORE, AFTER), strict=True):
        path.write_text(dumps(side))
    return str(paths[0]), str(paths[1])


def call(*arguments: str) -> tuple[int, str, str]:
    """The exit code, stdout and stderr of a command line."""
    out, err = StringIO(), StringIO()
    code = main(arguments, Console(out, err))
    return code, out.getvalue(), err.getvalue()


def diff(sides: tuple[str, str], *options: str) -> tuple[int, Any]:
    """The exit code and the report of a diff for TensorFlow."""
    code, out, err = call("diff", *sides, "--framework", "tf", "--format", "json", *options)
    assert "a fault of" not in err
    return code, json.loads(out)


def rules(report: Any) -> list[str]:
    return [finding["rule"] for finding in report["findings"]]


def test_only_a_section_is_judged_counted_and_said_to_be_all(sides: tuple[str, str]) -> None:
    code, whole = diff(sides)
    assert (code, rules(whole)) == (1, ["tensorflow-onednn-switched"])
    assert whole["context"]["only"] == []
    code, part = diff(sides, "--only", "gpu")
    assert (code, part["verdict"]["impact"], part["findings"]) == (0, "none", [])
    assert (part["changes"], part["context"]["only"]) == ([], ["gpu"])
    assert part["verdict"]["summary"].startswith("only gpu was looked at: ")
    assert part["verdict"]["look_next"] == ["the other sections: only gpu was looked at"]
    code, part = diff(sides, "--only", "environ", "--only", "live.host", "--only", "environ")
    assert (code, rules(part)) == (1, ["tensorflow-onednn-switched"])
    assert part["context"]["only"] == ["environ", "live.host"]
    assert {change["path"] for change in part["changes"]} <= {THREADS, "live.host.load_1_minute"}


def test_no_line_of_a_part_looks_like_a_verdict_on_the_whole(sides: tuple[str, str]) -> None:
    code, out, _ = call("diff", *sides, "--only", "packages", "--only", "gpu")
    assert code == 0
    first, *others = out.splitlines()
    assert "nly packages and gpu were looked at" in first
    assert "the other sections: only packages and gpu were looked at" in "\n".join(others)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("gpu", "facts.gpu"),
        ("facts.gpu", "facts.gpu"),
        ("live.gpu", "live.gpu"),
        ("host", "live.host"),
    ],
)
def test_a_section_has_a_short_name_and_a_long_one(name: str, path: str) -> None:
    parser = argparse.ArgumentParser()
    add_judging_options(parser)
    request = request_of(parser.parse_args(["--only", name]))
    assert agreed(request, fingerprint_shape).only == (path,)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--only", "gpuu"), "no section 'gpuu'; did you mean gpu?"),
        (("--only", "live.gpus"), "no section 'live.gpus'; did you mean live.gpu?"),
        (("--only", "facts"), "no section 'facts'"),
        (("--ignore", "os-local-changed"), "no rule is called os-local-changed; did you mean os-"),
        (("--ignore", "oss-*=r"), "no rule is called oss-*"),
        (("--ignore", "=r"), "argument --ignore: expected NAME or NAME=REASON, found '=r'"),
        (("--expect", ""), "argument --expect: expected NAME or NAME=REASON, found ''"),
        (("--expect", "gpu.driver_version"), "did you mean facts.gpu.driver_version?"),
        (("--expect", "facts.pakages.*"), "did you mean facts.packages?"),
        (("--expect", "numpy=r"), "no path matches 'numpy'"),
        (
            ("--framework", "tensrflow"),
            "library 'tensrflow'; did you mean tensorflow?",
        ),
        (("--framework", "PyTorch"), "no framework or library 'PyTorch'; did you mean pytorch?"),
        (("--framework", "caffe"), "name what trains: jax, numpy, scikit-learn, tensorflow, torch"),
    ],
)
def test_a_name_that_there_is_not_is_refused_with_the_nearest(
    sides: tuple[str, str], options: tuple[str, str], text: str
) -> None:
    for verb in (("diff", *sides), ("check", sides[0])):
        code, out, err = call(*verb, *options)
        assert (code, out) == (2, "")
        assert text in err
        assert err.count("\n") == 1
    code, out, err = call("run", *options, "--", "true")
    assert (code, out) == (125, "")
    assert text in err


def test_a_run_whose_check_passes_says_that_it_looked_at_a_part_only(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "envprint", "run", "--only", "gpu", "--", "true"]
    store = {**os.environ, "ENVPRINT_HOME": str(tmp_path / "store")}
    done = subprocess.run(
        command, cwd=tmp_path, env=store, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert "envprint: only gpu was looked at: " in done.stderr


def test_what_is_ignored_or_expected_in_one_call_is_listed_with_its_reason(
    sides: tuple[str, str],
) -> None:
    code, report = diff(sides, "--ignore", "tensorflow-*", "--expect", f"{THREADS}=a=b [c]")
    assert (code, report["findings"]) == (0, [])
    (ignored,) = report["ignored"]
    assert ignored["rule"] == "tensorflow-onednn-switched"
    assert ignored["reason"] == "given on the command line"
    assert [(e["path"], e["reason"]) for e in report["expected"]] == [(THREADS, "a=b [c]")]
    code, report = diff(sides, "--expect", f"{ONEDNN}", "--ignore", "jax-*= ")
    assert code == 0
    assert [e["rule"] for e in report["expected"]] == ["tensorflow-onednn-switched"]


def test_what_one_call_leaves_out_comes_beside_the_policy(
    sides: tuple[str, str], tmp_path: Path
) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text("[[ignore]]\nrule = 'os-locale-changed'\nreason = 'agreed'")
    code, report = diff(sides, "--ignore", "tensorflow-*=mine", "--policy", str(policy))
    assert code == 0
    assert sorted(entry["reason"] for entry in report["ignored"])[-1] == "mine"
    assert report["context"]["policy"] == str(policy)


def test_a_one_off_that_matches_nothing_here_is_a_note_whatever_was_judged(
    sides: tuple[str, str],
) -> None:
    _, report = diff(
        sides,
        *("--ignore", "jax-*", "--expect", "facts.cuda.cudnn*=why"),
        *("--ignore", "tensorflow-*"),
    )
    assert report["policy_notes"] == [
        "ignore (jax-*) matches nothing here: given on the command line",
        "expect (facts.cuda.cudnn*) matches nothing here: why",
    ]


def test_a_secret_in_a_reason_is_not_written(sides: tuple[str, str]) -> None:
    token = "ghp_" + "a1B2" * 9
    _, report = diff(sides, "--ignore", f"tensorflow-*={token}")
    assert token not in json.dumps(report)


def test_the_free_memory_that_is_needed_cannot_be_left_out_silently() -> None:
    for only in (["--only", "gpu"], ["--only", "live.gpu"], ["--only", "packages"]):
        for option in (("--min-free-gpu", "2GiB"), ("--wait-free-gpu", "1m")):
            code, out, err = call("check", *option, *only)
            assert (code, out) == (2, "")
            assert f"{option[0]} needs gpu and live.gpu" in err


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("sklearn", "scikit-learn"),
        ("pytorch", "torch"),
        ("keras", "tensorflow"),
        ("tf", "tensorflow"),
        ("jax", "jax"),
    ],
)
def test_an_alias_names_its_framework_in_every_way(
    sides: tuple[str, str], alias: str, name: str, tmp_path: Path
) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text(f"frameworks = ['{alias}']")
    for options in (("--framework", alias), ("--policy", str(policy))):
        _, out, _ = call("diff", *sides, "--format", "json", *options)
        assert json.loads(out)["context"]["frameworks"] == [name]
    assert envprint.diff(*sides, frameworks=[alias]).workload.frameworks == (name,)
    assert call("bisect", *sides, "--framework", alias)[0] == 0


def test_a_framework_that_a_policy_misspells_is_refused_with_its_line_and_the_nearest(
    sides: tuple[str, str], tmp_path: Path
) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text("\nframeworks = ['keras', 'scikit']")
    code, _, err = call("diff", *sides, "--policy", str(policy))
    assert code == 2
    assert "line 2: frameworks: no framework or library 'scikit'; did you mean scikit-learn?" in err


def test_the_functions_take_the_same_with_and_without_reasons(sides: tuple[str, str]) -> None:
    report = envprint.diff(
        *sides, frameworks="tf", ignore={"tensorflow-*": "mine"}, expect=[THREADS]
    )
    assert [entry.reason for entry in report.ignored] == ["mine"]
    assert [entry.reason for entry in report.expected] == ["given in the call"]
    part = envprint.diff(*sides, frameworks="tf", only="gpu")
    assert (part.only, part.findings) == (("gpu",), ())
    checked = envprint.check(BEFORE, current=AFTER, frameworks="numpy", ignore="math-threads-*")
    assert [entry.rule for entry in checked.ignored] == ["math-threads-changed"]
    with pytest.raises(envprint.DriftError, match="tensorflow is named and is not installed"):
        envprint.check(BEFORE, current=AFTER, frameworks="tf", ignore="tensorflow-*")
    for mistake in ({"ignore": "tf"}, {"expect": ["numpy"]}, {"only": ["x"]}):
        with pytest.raises(envprint.EnvprintError):
            envprint.diff(*sides, **mistake)
        with pytest.raises(envprint.EnvprintError):
            envprint.check(current=AFTER, **mistake)
