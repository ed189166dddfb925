"""Which environment the verbs observe, in real environments with a framework of a few files."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

import envprint
from tests.builders.environments import in_shell, made_by_hand, with_envprint

FRAMEWORKS = ("numpy==2.4.6", "scikit-learn==1.9.1")
Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`tool` has envprint and no framework, `train` and `my project` frameworks, `lint` neither."""
    root = tmp_path_factory.mktemp("places")
    with_envprint(root / "tool")
    made_by_hand(root / "train", *FRAMEWORKS, "tqdm==4.0")
    made_by_hand(root / "my project", *FRAMEWORKS)
    made_by_hand(root / "lint", "ruff==0.9.0", "black==25.1.0")
    return root


def run(places: Path, *arguments: object, active: str = "", **variables: object) -> Done:
    """envprint of `tool`, as pipx would put it on PATH, in a shell where `active` is active."""
    if active:
        variables = {"VIRTUAL_ENV": places / active, **variables}
    path = [places / "apps", *([places / active / "bin"] if active else [])]
    command = places / "tool/bin/envprint"
    return in_shell(command, *arguments, path=path, cwd=places, **variables)


def report(done: Done) -> Any:
    return json.loads(done.stdout)


@pytest.mark.parametrize("active", ["train", "my project", "lint"])
def test_the_active_environment_is_checked_and_the_header_says_which_and_why(
    places: Path, active: str
) -> None:
    done = run(places, "check", "-v", active=active)
    words = " ".join(done.stdout.split())
    assert f"{places.name}" not in words  # the home directory is shown as ~
    assert f"~/{active}, the active environment (VIRTUAL_ENV)" in words
    assert ("numpy 2.4.6" in words) is (active != "lint")
    document = report(run(places, "check", "--format", "json", active=active))
    assert document["context"]["prefix"] == document["current"]["prefix"] == f"~/{active}"
    assert document["current"]["chosen"] == "the active environment (VIRTUAL_ENV)"


def test_without_another_environment_it_is_envprints_own(places: Path) -> None:
    document = report(run(places, "check", "--format", "json"))
    assert document["current"]["prefix"] == "~/tool"
    assert document["current"]["chosen"] == "envprint's own"
    assert document["context"]["frameworks"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("capture", "-o", "{file}"),
        ("capture", "--python", "{places}/train", "-o", "{file}"),
        ("probe", "python", "-o", "{file}"),
    ],
    ids=["capture", "--python", "probe"],
)
def test_verbs_that_write_a_fingerprint_observe_the_same_one(
    places: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    file = tmp_path / "f.json"
    done = run(places, *(a.format(file=file, places=places) for a in arguments), active="train")
    assert done.returncode == 0, done.stderr
    facts = json.loads(file.read_text())["facts"]
    assert facts["python"]["prefix"] == "~/train"
    assert facts["frameworks"]["numpy"]["version"] == "2.4.6"
    says = f"envprint: observing {places}/train: the active environment (VIRTUAL_ENV)\n"
    assert (says in done.stderr) is ("--python" not in arguments)


def test_show_policy_and_diff_with_now_observe_it_too(places: Path, tmp_path: Path) -> None:
    assert "prefix: ~/train" in run(places, "show", active="train").stdout
    assert '"numpy"' in run(places, "policy", "init", "-o", "-", active="train").stdout
    run(places, "capture", "-o", tmp_path / "f.json", active="train")
    done = run(places, "diff", tmp_path / "f.json", "now", "--format", "json", active="train")
    assert report(done)["current"]["prefix"] == "~/train"


def test_an_option_takes_a_directory_a_name_and_an_interpreter(places: Path) -> None:
    for named in ("my project", "./my project/", "my project/bin/python", "~/my project"):
        done = run(places, "check", "--python", named, "--format", "json", active="train")
        assert report(done)["current"]["prefix"] == "~/my project"
        assert report(done)["current"]["chosen"] == "--python"
    done = run(places, "check", "--python", "python3", "--format", "json", active="train")
    assert report(done)["current"]["prefix"] == "~/train"


def test_the_function_takes_the_same_as_the_option(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = f"{places}/train"
    monkeypatch.chdir(places)
    for named in (places / "train", "train", "train/bin/python"):
        assert envprint.capture(python=named).value("facts.python.prefix") == prefix
    with pytest.raises(envprint.EnvprintError, match="has no bin/python"):
        envprint.capture(python=places)


def test_a_process_looks_at_itself_whatever_is_active(places: Path) -> None:
    """As a kernel of a notebook does that runs in an environment which is not the active one."""
    code = "import envprint; print(envprint.capture().value('facts.python.prefix'))"
    python = places / "tool/bin/python"
    path = [places / "train/bin"]
    done = in_shell(
        python, "-c", code, path=path, cwd=places, VIRTUAL_ENV=places / "train", HOME="/nowhere"
    )
    assert done.stdout.strip() == f"{places}/tool"


def test_an_environment_that_is_merely_there_is_named_and_never_run(
    places: Path, tmp_path: Path
) -> None:
    made_by_hand(tmp_path / ".venv", "numpy==2.4.6")
    interpreter = tmp_path / ".venv/bin/python"
    interpreter.unlink()
    interpreter.write_text(f"#!/bin/sh\ntouch {tmp_path}/it-ran\n")
    interpreter.chmod(0o755)
    command = places / "tool/bin/envprint"
    done = in_shell(command, "check", path=[places / "apps"], cwd=tmp_path)
    words = " ".join(done.stdout.split())
    assert f"a .venv is here, not active: {command} check --python .venv" in words
    assert f"{places}/tool, envprint's own" in words
    assert not (tmp_path / "it-ran").exists()


def test_an_active_environment_that_does_not_answer_is_one_line_and_exit_2(
    places: Path, tmp_path: Path
) -> None:
    made_by_hand(tmp_path / "sick")
    (tmp_path / "sick/bin/python").unlink()
    (tmp_path / "sick/bin/python").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "sick/bin/python").chmod(0o755)
    done = in_shell(
        *(places / "tool/bin/envprint", "check"),
        path=[tmp_path / "sick/bin"],
        cwd=tmp_path,
        VIRTUAL_ENV=tmp_path / "sick",
    )
    assert (done.returncode, done.stdout) == (2, "")
    says = f"the active environment (VIRTUAL_ENV) {tmp_path}/sick/bin/python: expected Python 3.6"
    assert done.stderr.startswith(f"envprint: {says}")
    assert done.stderr.endswith("; --python names a different one\n")
    assert done.stderr.count("\n") == 1


def baseline_of(places: Path, active: str, file: Path) -> Path:
    done = run(places, "capture", "-o", file, active=active)
    assert done.returncode == 0, done.stderr
    return file


def test_another_environment_than_the_baselines_is_said_first_with_a_command_that_works(
    places: Path, tmp_path: Path
) -> None:
    file = baseline_of(places, "train", tmp_path / "last monday.json")
    for verb in (("check", file), ("diff", file, "now")):
        done = run(places, *verb, active="lint")
        assert done.returncode == 1
        first, reason, *_ = done.stdout.split("\n\n")
        says = f"BREAKS Another environment is looked at: ~/train ({file}) → ~/lint."
        assert " ".join(first.split()) == says
        found = report(run(places, *verb, "--format", "json", active="lint"))
        findings = {finding["rule"]: finding for finding in found["findings"]}
        ours = findings["python-environment-differs"]
        assert ours["message"] == ("~/train → ~/lint: numpy, scikit-learn, tqdm are not in ~/lint")
        what, command = reason.strip().rsplit("\n", maxsplit=1)
        assert " ".join(what.split()) == "numpy, scikit-learn, tqdm are not in ~/lint."
        assert command.strip() == f"envprint check '{file}' --python ~/train"
        assert ours["remedy"] == f"envprint check '{file}' --python ~/train"
    _, *words = shlex.split(ours["remedy"])
    again = report(run(places, *words, "--format", "json", active="lint"))
    assert again["current"]["prefix"] == "~/train"
    assert again["verdict"]["impact"] == "none"


def test_a_baseline_of_another_machine_gives_no_command(places: Path, tmp_path: Path) -> None:
    file = baseline_of(places, "train", tmp_path / "f.json")
    file.write_text(file.read_text().replace('"~/train"', '"/elsewhere/train"'))
    found = report(run(places, "check", file, "--format", "json", active="lint"))
    ours = {finding["rule"]: finding for finding in found["findings"]}["python-environment-differs"]
    assert "activate it, or name it with --python" in ours["remedy"]


def test_equal_environments_in_two_places_are_one_environment(places: Path, tmp_path: Path) -> None:
    made_by_hand(tmp_path / "moved", *FRAMEWORKS, "tqdm==4.0")
    file = baseline_of(places, "train", tmp_path / "f.json")
    done = run(places, "check", file, "--python", tmp_path / "moved", "--format", "json")
    assert report(done)["findings"] == []
    assert report(done)["current"]["prefix"] == f"{tmp_path}/moved"


def test_a_run_that_starts_another_interpreter_than_the_recorded_one_is_no_good_one(
    places: Path, tmp_path: Path
) -> None:
    command = ("python", "-c", "1")
    options = ("--python", "my project")
    for name, extra in (("mixed", options), ("plain", ())):
        store = tmp_path / name
        done = run(places, "run", *extra, "--", *command, active="train", ENVPRINT_HOME=store)
        assert done.returncode == 0, done.stderr
        news = done.stderr.splitlines()[-1]
        other = f"the command starts {places}/train/bin/python, which was not recorded"
        is_good = not extra
        assert news.startswith("envprint: @last-good is now this run of python") is is_good
        assert news.endswith(f"@last-good is not set: {other}") is not is_good
