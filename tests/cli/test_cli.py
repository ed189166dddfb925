"""The command line from outside: exit codes, streams, and one line for everything that is wrong."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from envprint.cli import verb_named
from envprint.cli._parser import parser_of
from envprint.knowledge import AS_OF
from tests.builders.commands import assert_one_line_and_exit_2, call, call_here
from tests.builders.documents import BAD

VERBS = (
    *("bisect", "capture", "check", "completion", "diff", "explain", "export", "fleet", "import"),
    *(
        "isolate",
        "log",
        "policy",
        "probe",
        "promote",
        "recreate",
        "run",
        "schema",
        "show",
        "validate",
    ),
)


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fingerprint of this machine."""
    path = tmp_path_factory.mktemp("captured") / "f.json"
    assert call("capture", "-o", path).returncode == 0
    return path


def test_every_verb_of_the_contract_is_there() -> None:
    from envprint import cli

    assert cli.verb_names() == sorted(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_an_example_and_the_exit_codes(verb: str) -> None:
    done = call(verb, "--help")
    assert done.returncode == 0
    assert f"example:\n  envprint {verb}" in done.stdout
    assert "exit codes:\n  0" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("verb", VERBS)
def test_help_says_something_of_each_argument_in_groups_that_fit_one_look(verb: str) -> None:
    parser = parser_of(verb, verb_named(verb))
    assert all(action.help for action in parser._actions)
    groups = {group.title: len(group._group_actions) for group in parser._action_groups}
    assert max(groups.values()) <= 9, groups


@pytest.mark.parametrize("verb", VERBS)
def test_each_example_of_the_help_is_a_command_line_that_is_taken(verb: str) -> None:
    text = verb_named(verb).EPILOG.partition("exit codes:")[0]
    lines = [line.split("  #")[0] for line in text.splitlines() if f"envprint {verb}" in line]
    assert lines
    for line in lines:
        words = shlex.split(line, comments=True)
        ends = [n for n, word in enumerate(words) if word in ("&&", "||", ">", "|")]
        begin = words.index("envprint")
        assert words[begin + 1] == verb
        end = next((n for n in ends if n > begin), len(words))
        arguments = words[begin + 2 : end]
        if getattr(verb_named(verb), "COMMAND_AFTER_DASHES", False) and "--" in arguments:
            arguments = arguments[: arguments.index("--")]
        parser_of(verb, verb_named(verb)).parse_args(arguments)


def test_the_version_is_printed() -> None:
    from envprint import __version__

    text = f"envprint {__version__} (knowledge as of {AS_OF})\n"
    assert call("--version").stdout == text


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "expected a verb"),
        (["no-such-verb"], "no-such-verb"),
        (["diff", "only-one"], "CURRENT"),
        (["check", "--min-free-gpu", "lots"], "expected a size"),
        (["check", "--min-free-gpu", "20"], "20 needs a unit, such as 20GiB"),
        (["check", "--min-free-gpu", " 1.5 "], "1.5 needs a unit, such as 20GiB"),
        (["check", "--batch-size", "0"], "above 0"),
        (["check", "--batch-size", "9" * 5000], "above 0"),
        (["check", "--min-free-gpu", "9" * 5000], "expected a number and a unit"),
        (["capture", "--tag", "x"], "KEY=VALUE"),
        (["capture", "--timeout", "nan"], "seconds"),
        (["capture", "--timeout", "-1"], "seconds"),
        (["capture", "--pyth", "x"], "--pyth"),
        (["explain", "no-such-rule"], "no-such-rule"),
        (["capture", "--python", "/nope/python"], "/nope/python"),
        (["capture", "--python", "/bin/false"], "/bin/false"),
        (["check", "--policy", "/nope.toml"], "/nope.toml"),
        (["diff", "/nope.json", "now"], "/nope.json"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(arguments: list[str], word: str) -> None:
    assert_one_line_and_exit_2(call(*arguments), word)


@pytest.mark.parametrize("name", [name for name in BAD if name != "padding"])
def test_bad_documents_are_one_line_and_exit_2_for_every_verb(
    name: str, captured: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_bytes(BAD[name][0])
    for arguments in (
        ["diff", captured, bad],
        ["diff", bad, captured],
        ["check", bad],
        ["validate", bad],
    ):
        assert_one_line_and_exit_2(call_here(*arguments), "bad.json")
    assert_one_line_and_exit_2(call("show", bad), "bad.json")


def test_a_gigabyte_of_padding_is_refused_after_64_mib(captured: Path, tmp_path: Path) -> None:
    big = tmp_path / "big.json"
    with big.open("wb") as file:  # a sparse file: a gigabyte to read, nothing on the disk
        file.write(captured.read_bytes())
        file.truncate(1 << 30)
    assert_one_line_and_exit_2(call("show", big), "larger than 64 MiB")


@pytest.mark.parametrize("target", ["/proc/nope/x.json", "/dev/full", "directory"])
def test_an_unwritable_target_is_one_line_and_exit_2(target: str, tmp_path: Path) -> None:
    path = tmp_path if target == "directory" else Path(target)
    assert_one_line_and_exit_2(call("capture", "-o", path), str(path))


def test_a_full_stdout_is_one_line_and_exit_2(captured: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "envprint", "show", captured],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "envprint: cannot write to stdout: No space left on device\n"


def test_a_reader_that_leaves_early_changes_nothing(captured: Path) -> None:
    line = f"{sys.executable} -m envprint show {captured} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_is_gone_changes_no_exit_code(tmp_path: Path) -> None:
    """The pipe's other end is closed before the start, so that nothing depends on timing."""
    for arguments, code in ((["explain"], 0), (["check"], 1), (["show", "--help"], 0)):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [sys.executable, "-m", "envprint", *arguments],
            env={"PATH": os.environ["PATH"], "LD_PRELOD": "0"},
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(writer)
        assert (done.returncode, done.stderr) == (code, b"")


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("capture >&-", 2, "envprint: cannot write to stdout: it is closed\n"),
        ("capture -o FILE >&-", 0, ""),
        ("capture -o FILE <&- >&-", 0, ""),
        ("show - <&-", 2, "envprint: <stdin>: it is closed\n"),
        ("show no-such-file 2>&-", 2, ""),
        ("show no-such-file 2>/dev/full", 2, ""),
        ("capture -o FILE <&- >&- 2>&-", 0, ""),
    ],
)
def test_closed_streams_end_in_an_exit_code(
    line: str, code: int, message: str, tmp_path: Path
) -> None:
    command = f"{sys.executable} -m envprint {line}".replace("FILE", str(tmp_path / "f.json"))
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, message)
    assert (tmp_path / "f.json").exists() == (code == 0)


def test_an_interruption_is_one_line_and_130(tmp_path: Path) -> None:
    """While Git hangs: the file it makes says that the capture is under way."""
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    git.write_text(f"#!/bin/sh\n: > {tmp_path}/started\nexec sleep 60\n")
    git.chmod(0o755)
    (tmp_path / "work" / ".git").mkdir(parents=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "envprint", "capture", "-o", "f.json"],
        env={"PATH": f"{git.parent}:{os.environ['PATH']}"},
        cwd=tmp_path / "work",
        stderr=subprocess.PIPE,
        # A shell makes what it starts in the background ignore the signal, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  no threads
    )
    while not (tmp_path / "started").exists():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.communicate() == (None, b"envprint: interrupted\n")
    assert process.returncode == 130
    assert os.listdir(tmp_path / "work") == [".git"]


def test_an_empty_name_is_not_taken_for_a_missing_one() -> None:
    """As `envprint check "$BASELINE"` gives it when the variable is unset."""
    for arguments in (
        ["check", ""],
        ["show", ""],
        ["diff", "", "now"],
        ["check", "--policy", ""],
        ["capture", "--python", ""],
        ["capture", "-o", ""],
        ["explain", ""],
    ):
        assert_one_line_and_exit_2(call(*arguments))


def test_a_rule_that_a_policy_only_imagines_is_named(captured: Path, tmp_path: Path) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text(
        '[impact]\n"numpy-verson-changed" = "none"\n"numpy-version-changed" = "none"\n'
    )
    done = call("diff", captured, captured, "--policy", policy)
    assert done.returncode == 0
    what = "impact.numpy-verson-changed: no rule is called numpy-verson-changed; did you mean "
    assert done.stderr == f"envprint: warning: {policy}, line 2: {what}numpy-version-changed?\n"


def test_a_report_can_be_written_to_a_pipe(captured: Path) -> None:
    line = f"{sys.executable} -m envprint diff {captured} {captured}"
    line += " --framework numpy -o /dev/stdout | cat"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("NONE")


def test_documents_come_by_stdin_and_by_pipe(captured: Path) -> None:
    assert call("diff", "-", captured, stdin=captured.read_bytes()).returncode == 0
    line = f"{sys.executable} -m envprint diff {captured} <(cat {captured})"
    assert subprocess.run(["bash", "-c", line], capture_output=True, check=False).returncode == 0


def test_keys_of_a_newer_minor_are_kept_and_named_in_a_warning(
    captured: Path, tmp_path: Path
) -> None:
    newer = json.loads(captured.read_text())
    newer["schema_version"] = "1.99"
    newer["facts"]["os"]["mood"] = "good"
    path = tmp_path / "newer.json"
    path.write_text(json.dumps(newer))
    done = call("diff", path, captured)
    assert done.returncode == 0
    assert done.stderr == f"envprint: warning: {path}: 1 unknown keys: facts.os.mood\n"


def test_two_captures_in_a_row_elsewhere_have_one_digest(captured: Path, tmp_path: Path) -> None:
    again = json.loads(call("capture", cwd=tmp_path).stdout)
    first = json.loads(captured.read_text())
    assert again["digest"] == first["digest"]
    assert again["facts"].keys() == first["facts"].keys()


def test_label_note_and_tags_are_written(tmp_path: Path) -> None:
    done = call("capture", "--label", "a", "--note", "b c", "--tag", "k=v=w", "--tag", "x=")
    document = json.loads(done.stdout)
    assert (document["label"], document["note"]) == ("a", "b c")
    assert document["tags"] == {"k": "v=w", "x": ""}
    assert document["captured_via"] == "cli"


def test_identity_is_written_only_when_asked_for() -> None:
    plain, named = call("capture").stdout, call("capture", "--identify").stdout
    assert json.loads(plain)["identity"] is None
    assert json.loads(named)["identity"].keys() == {"user", "host_name", "home"}
    assert json.loads(plain)["digest"] == json.loads(named)["digest"]


def test_secrets_of_the_environment_stay_out() -> None:
    secrets = {
        "HF_TOKEN": "hf_SECRETsecret1",
        "TORCH_API_KEY": "SECRETsecret2",
        "CUDA_PASSWORD": "SECRETsecret3",
        "TORCH_HOME": "https://u:SECRETsecret4@h/x",
        "XLA_SECRET_TOKEN": "SECRETsecret5",
    }
    assert "SECRETsecret" not in call("capture", env=secrets).stdout


def test_the_exit_code_follows_the_threshold(captured: Path) -> None:
    switched = {"TF_ENABLE_ONEDNN_OPTS": "0"}
    common = ("diff", captured, "now", "--framework", "tensorflow", "--device", "cpu")
    assert call(*common, env=switched).returncode == 1
    assert call(*common, "--fail-on", "diverges", env=switched).returncode == 0
    assert call(*common).returncode == 0


def test_a_policy_file_is_applied(captured: Path, tmp_path: Path) -> None:
    policy = tmp_path / "envprint.toml"
    policy.write_text('[[ignore]]\nrule = "tensorflow-onednn-*"\nreason = "we vary it"\n')
    done = call(
        *("diff", captured, "now", "--framework", "tensorflow", "--device", "cpu"),
        *("--policy", policy, "--format", "json"),
        env={"TF_ENABLE_ONEDNN_OPTS": "0"},
    )
    report = json.loads(done.stdout)
    assert (done.returncode, report["verdict"]["impact"]) == (0, "none")
    assert report["ignored"][0]["reason"] == "we vary it"


def test_a_report_can_be_written_to_a_file(captured: Path, tmp_path: Path) -> None:
    done = call("diff", captured, captured, "--format", "json", "-o", tmp_path / "r.json")
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads((tmp_path / "r.json").read_text())["verdict"]["impact"] == "none"
    assert call("validate", tmp_path / "r.json").returncode == 0
    assert call("check", "--format", "json", "-o", tmp_path / "r.json").returncode == 0
    assert call("validate", tmp_path / "r.json").returncode == 0


def test_a_misspelt_variable_fails_the_pre_flight() -> None:
    done = call("check", "--format", "json", env={"LD_PRELOD": "0"})
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert [f["rule"] for f in report["findings"]] == ["environ-name-misspelt"]


def test_validate_names_every_fault_and_its_place(captured: Path, tmp_path: Path) -> None:
    bad = json.loads(captured.read_text())
    bad["facts"]["python"] = 5
    bad["label"] = []
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(bad))
    done = call("validate", captured, path)
    assert done.returncode == 2
    assert done.stdout == f"{captured}: valid\n"
    assert [line.split(": ")[2] for line in done.stderr.splitlines()] == ["facts.python", "label"]


def test_validate_sees_an_edited_fact_by_its_digest(captured: Path, tmp_path: Path) -> None:
    bad = json.loads(captured.read_text())
    bad["facts"]["os"]["kernel_release"] = "0.1"
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(bad))
    done = call("validate", path)
    assert done.returncode == 2
    assert "digest: does not match the facts" in done.stderr


def test_explain_prints_a_page_and_the_catalogue() -> None:
    page = call("explain", "tensorflow-onednn-switched").stdout
    for heading in ("## Why", "## When it does not apply", "## What to do", "## Evidence"):
        assert heading in page
    assert "tensorflow-onednn-switched" in call("explain").stdout
    listed = json.loads(call("explain", "--format", "json").stdout)
    assert {"rule", "impact", "confidence", "why", "evidence"} <= listed[0].keys()


def on_a_terminal(*arguments: str, env: Mapping[str, str]) -> str:
    """What the command prints when stdout is a terminal."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        subprocess.run(
            [sys.executable, "-m", "envprint", *arguments],
            stdout=terminal,
            env={"PATH": os.environ["PATH"], "TERM": "xterm", **env},
            check=False,
        )
    shown = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # Linux ends a terminal's other side with EIO
            break
        if not chunk:
            break
        shown += chunk
    os.close(master)
    return shown.decode()


def test_colour_is_for_terminals_and_no_color_is_honoured(captured: Path) -> None:
    arguments = ("diff", str(captured), str(captured))
    assert "\x1b[" in on_a_terminal(*arguments, env={})
    assert "\x1b[" not in on_a_terminal(*arguments, env={"NO_COLOR": "1"})
    assert "\x1b[" not in on_a_terminal(*arguments, env={"TERM": "dumb"})
    assert "\x1b[" not in call(*arguments).stdout


def test_a_terminal_without_unicode_still_gets_the_answer(captured: Path) -> None:
    done = call(
        *("diff", captured, "now", "--framework", "tensorflow", "--device", "cpu"),
        env={"TF_ENABLE_ONEDNN_OPTS": "0", "PYTHONIOENCODING": "ascii", "LANG": "C"},
    )
    assert done.returncode == 1
    assert done.stdout.isascii()
