"""`envprint recreate` from the command line, with packages from a directory."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from envprint.cli import main
from envprint.isolate.building import build
from envprint.isolate.wanted import Pin, Wanted
from tests.builders.commands import assert_one_line_and_exit_2, call
from tests.builders.wheels import only_index, wheel

PYTHON = "{}.{}.{}".format(*sys.version_info[:3])
FILES = {"requirements.txt", "pylock.toml", "variables.sh", "variables.env", "run.sh",
         "Dockerfile", "report.json"}  # fmt: skip


@pytest.fixture(name="record")
def _record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The fingerprint of an environment with two packages, and an index that has both."""
    index = tmp_path / "index"
    wheel(index, "one", "1.0", requires=["two>=9"])
    wheel(index, "two", "2.0")
    only_index(index, monkeypatch, tmp_path / "caches")
    monkeypatch.chdir(tmp_path)
    pins = tuple(Pin(*line.split("=="), line) for line in ("one==1.0", "two==2.0"))
    built = build(Wanted(PYTHON, pins), str(tmp_path / "original"), lambda _: None)
    monkeypatch.setenv("NCCL_DEBUG", "INFO")
    assert main(["capture", "--python", built.python, "-o", "record.json"]) == 0
    monkeypatch.delenv("NCCL_DEBUG")
    return tmp_path / "record.json"


def recreate(*arguments: object) -> Any:
    return call("recreate", *arguments, env=dict(os.environ), cwd=Path.cwd())


def changed(record: Path, change: Any) -> Path:
    document = json.loads(record.read_text())
    change(document)
    path = record.with_name("changed.json")
    path.write_text(json.dumps(document))
    return path


def test_an_environment_is_built_again_and_nothing_stays_different(record: Path) -> None:
    done = recreate(record, "-o", "made", "--venv", "made/venv", "--framework", "numpy")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in Path("made").iterdir()} == {*FILES, "venv"}
    assert stat.S_IMODE(Path("made/run.sh").stat().st_mode) & 0o111
    assert "each of the recorded build" in " ".join(done.stdout.split())
    report = json.loads(Path("made/report.json").read_text())
    assert report["verdict"]["impact"] == "none"
    changes = {change["path"] for change in report["changes"]}
    assert not [path for path in changes if ".version" in path or "build_id" in path]


def test_the_launcher_gives_the_environment_that_was_captured(record: Path) -> None:
    assert recreate(record, "-o", "made", "--venv", "made/venv").returncode in (0, 1)
    again = Path("again.json").absolute()
    command = ["made/run.sh", sys.executable, "-m", "envprint", "capture"]
    root = Path(__file__).parents[2]
    code = os.spawnve(
        os.P_WAIT, command[0], [*command, "--python", "made/venv", "-o", str(again)],
        {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "OMP_NUM_THREADS": "3",
         "PWD": str(root)},
    )  # fmt: skip
    assert code == 0
    before, after = (json.loads(path.read_text())["facts"] for path in (record, again))
    assert after["environ"]["variables"] == before["environ"]["variables"]
    assert after["environ"]["variables"]["NCCL_DEBUG"] == "INFO"
    assert after["cpu"]["usable_threads"] == before["cpu"]["usable_threads"]
    build_ids = [
        {n: e["build_id"] for n, e in facts["packages"]["distributions"].items()}
        for facts in (before, after)
    ]
    assert build_ids[0] == build_ids[1]


def test_what_no_index_has_is_named_and_left_out(record: Path) -> None:
    def change(document: Any) -> None:
        found = document["facts"]["packages"]["distributions"]
        found["gone"] = {**found["one"], "version": "3.0"}
        found["mine"] = {
            **found["one"],
            "origin": {"kind": "editable", "url": "file:///home/me/mine", "vcs": None,
                       "commit": None},
        }  # fmt: skip

    done = recreate(changed(record, change), "-o", "made", "--venv", "made/venv")
    assert done.returncode in (0, 1), done.stderr
    text = " ".join(done.stdout.split())
    assert "gone 3.0: " in text
    assert "mine 1.0: an editable installation of the directory file:///home/me/mine" in text
    assert "2 of 3 distributions" in text
    assert "gone" not in Path("made/pylock.toml").read_text()


def test_what_could_not_be_had_is_in_the_document_as_well(record: Path) -> None:
    def change(document: Any) -> None:
        found = document["facts"]["packages"]["distributions"]
        found["gone"] = {**found["one"], "version": "3.0"}
        origin = {"kind": "vcs", "url": "https://example.org/x", "vcs": "git", "commit": "0" * 40}
        found["mine"] = {**found["one"], "origin": origin}
        document["facts"]["environ"]["variables"]["LD_PRELOAD"] = "/opt/x.so"

    options = ("-o", "made", "--venv", "made/venv", "--format", "json")
    done = recreate(changed(record, change), *options)
    made = json.loads(done.stdout)["recreated"]
    assert json.loads(Path("made/report.json").read_text())["recreated"] == made
    reasons = {(one["name"], one["version"]): one["reason"] for one in made["lacking"]}
    assert set(reasons) == {("gone", "3.0"), ("mine", "1.0")}
    assert reasons["mine", "1.0"] == (
        f"installed from the repository https://example.org/x at {'0' * 40}"
    )
    assert [(one["name"], one["version"]) for one in made["not_set"]] == [("LD_PRELOAD", None)]
    assert (made["python"], made["built_python"]) == (PYTHON, PYTHON)
    assert made["place"] == str(Path("made/venv").absolute())
    assert set(made["files"]) == FILES - {"report.json"}
    assert call("validate", "made/report.json", cwd=Path.cwd()).returncode == 0


def test_without_a_venv_the_files_are_written_and_the_machine_is_judged(record: Path) -> None:
    def change(document: Any) -> None:
        document["facts"]["frameworks"]["numpy"] = {"version": "2.4.6", "blas": None}
        document["facts"]["math"]["libm"] = "glibc 2.2"
        document["facts"]["cpu"]["vendor"] = "Another"

    done = recreate(changed(record, change), "-o", "made", "--format", "json")
    assert done.returncode in (0, 1), done.stderr
    assert {path.name for path in Path("made").iterdir()} == FILES
    document = json.loads(done.stdout)
    paths = [path for finding in document["findings"] for path in finding["paths"]]
    paths += [change["path"] for change in document["changes"]]
    assert "facts.cpu.vendor" in paths
    assert not [path for path in paths if path.startswith(("facts.packages", "facts.environ"))]
    assert "record " in done.stderr


def test_exit_1_says_that_something_is_left(record: Path) -> None:
    def change(document: Any) -> None:
        document["facts"]["frameworks"]["numpy"] = {"version": "9.0.0", "blas": None}
        found = document["facts"]["packages"]["distributions"]
        found["numpy"] = {**found["one"], "version": "9.0.0"}

    done = recreate(changed(record, change), "-o", "made", "--venv", "made/venv", "-q")
    assert done.returncode == 1, done.stdout
    assert "numpy 9.0.0: " in " ".join(done.stdout.split())


def test_a_second_time_takes_the_environment_that_is_there(record: Path) -> None:
    first = recreate(record, "-o", "made", "--venv", "made/venv")
    assert "creating an environment" in first.stderr
    again = recreate(record, "-o", "made", "--venv", "made/venv")
    assert "creating an environment" not in again.stderr
    assert again.returncode == first.returncode


@pytest.mark.parametrize("name", ["requirements.txt", "run.sh", "report.json", "pylock.toml"])
def test_files_of_others_are_not_replaced(record: Path, name: str) -> None:
    Path("made").mkdir()
    Path("made", name).write_text("mine\n")
    done = recreate(record, "-o", "made", "--venv", "made/venv")
    assert_one_line_and_exit_2(done, name, "envprint did not write it")
    assert Path("made", name).read_text() == "mine\n"
    assert not Path("made/venv").exists()


def test_a_record_without_distributions_is_one_clear_line(record: Path) -> None:
    def change(document: Any) -> None:
        del document["facts"]["packages"]["distributions"]
        document["unknown"]["facts.packages.distributions"] = "not readable"

    done = recreate(changed(record, change), "-o", "made")
    assert_one_line_and_exit_2(done, "facts.packages.distributions", "not readable")


def test_a_record_of_packages_alone_gives_files_and_no_environment(record: Path) -> None:
    def change(document: Any) -> None:
        for path in ("python.version", "environ.variables"):
            section, _, name = path.partition(".")
            del document["facts"][section][name]
            document["unknown"][f"facts.{path}"] = "not in a list of packages"

    listed = changed(record, change)
    done = recreate(listed, "-o", "made")
    assert done.returncode in (0, 1), done.stderr
    assert "one==1.0\n" in Path("made/requirements.txt").read_text()
    assert "all variables: unknown: not in a list" in " ".join(done.stdout.split())
    done = recreate(listed, "-o", "made", "--venv", "made/venv")
    assert_one_line_and_exit_2(done, "version of python")


def test_a_conda_environment_has_a_file_for_conda(record: Path) -> None:
    def change(document: Any) -> None:
        channel = "https://conda.anaconda.org/conda-forge/linux-64"
        package = {"version": "1.0", "build": "py_0", "channel": channel}
        document["facts"]["packages"]["conda"] = {"one": package}

    assert recreate(changed(record, change), "-o", "made").returncode in (0, 1)
    assert "  - one=1.0=py_0\n" in Path("made/environment.yml").read_text()


def test_a_python_that_is_not_here_is_one_clear_line(record: Path) -> None:
    def change(document: Any) -> None:
        document["facts"]["python"]["version"] = "3.2.1"

    done = recreate(changed(record, change), "-o", "made", "--venv", "made/venv")
    assert_one_line_and_exit_2(done, "3.2")
    assert not Path("made/requirements.txt").exists()


def test_credentials_of_an_index_are_written_nowhere(
    record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = os.environ["PIP_FIND_LINKS"]
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "http://user:wordofmine@127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PIP_FIND_LINKS", links)
    done = recreate(record, "-o", "made")
    assert "wordofmine" not in done.stdout + done.stderr
    for path in Path("made").iterdir():
        assert "wordofmine" not in path.read_text()
    done = recreate(record, "-o", "made", "--venv", "made/venv")
    assert done.returncode == 2
    assert "wordofmine" not in done.stdout + done.stderr
