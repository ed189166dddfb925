"""`envprint run` records the environment of its command, and says where it may be another."""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from envprint.machine.live import LiveHost
from envprint.run.mapped_libraries import Loaded
from tests.builders.bench import PYTHON, Bench
from tests.builders.programs import executable, venv

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="NOT LINUX: runs nothing here")
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
PURE = f"lib/python{VERSION}/site-packages"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with a distribution, a framework by its name, and a compiled module."""
    place = venv(tmp_path_factory.mktemp("venvs") / "other")
    info = place / PURE / "torch-2.9.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.9.0\n")
    shutil.copy(compiled(), place / PURE)
    return place


def compiled() -> Path:
    """A small compiled module of the standard library."""
    folder = Path(sysconfig.get_config_var("DESTSHARED"))
    return min(folder.glob("*.so"), key=lambda path: path.stat().st_size)


def job(site: Path) -> str:
    """Code that loads the compiled module below `site`, and stays a little."""
    path = site / compiled().name
    name = path.name.partition(".")[0]
    return (
        "import importlib.util, time\n"
        f"spec = importlib.util.spec_from_file_location({name!r}, {str(path)!r})\n"
        "importlib.util.module_from_spec(spec)\n"
        "time.sleep(1.2)\n"
    )


def recorded(bench: Bench) -> tuple[str, dict[str, Any]]:
    """The prefix in the record, and what it says of the command's interpreter."""
    record = bench.record()
    python = record["before"]["facts"]["python"]
    return python["prefix"], record["interpreter"]


def test_the_environment_of_the_command_is_recorded(bench: Bench, other: Path) -> None:
    python = str(other / "bin" / "python")
    done = bench.run(python, "-c", "import sys; print(sys.prefix)")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{other}\n", "")
    prefix, interpreter = recorded(bench)
    assert (prefix, interpreter["path"], interpreter["reason"]) == (str(other), python, None)
    assert interpreter["other_prefixes"] == []
    record = bench.record()
    assert record["before"]["facts"]["packages"]["distributions"]["torch"]["version"] == "2.9.0"
    assert (record["changed_meanwhile"], record["unknown"]) == (
        [],
        {"memory_peak_bytes": record["unknown"]["memory_peak_bytes"]},
    )


@pytest.mark.parametrize(
    "command",
    [
        ("python", "-c", ""),
        ("env", "A=B", "python", "-c", ""),
        ("nice", "-n", "1", "python3", "-c", ""),
        ("tool",),
    ],
)
def test_path_wrappers_and_scripts_lead_to_it(
    command: tuple[str, ...], bench: Bench, other: Path
) -> None:
    executable(other / "bin" / "tool", f"#!{other}/bin/python\n")
    path = f"{other}/bin:{os.environ['PATH']}"
    done = bench.run(*command, environ={"PATH": path})
    assert (done.returncode, done.stderr) == (0, "")
    assert recorded(bench)[0] == str(other)


def test_the_pre_flight_judges_it(bench: Bench, other: Path) -> None:
    report = bench.folder / "report.json"
    options = ("--format", "json", "-o", str(report))
    bench.run(str(other / "bin" / "python"), "-c", "", options=options)
    judged = json.loads(report.read_text())["current"]["digest"]
    assert (judged, recorded(bench)[0]) == (bench.record()["before"]["digest"], str(other))


def test_variables_that_env_sets_are_those_of_the_record(bench: Bench, other: Path) -> None:
    command = ("env", "-u", "OMP_NUM_THREADS", "TF_ENABLE_ONEDNN_OPTS=0", f"PYTHONPATH={other}")
    bench.run(*command, PYTHON, "-c", "", environ={"OMP_NUM_THREADS": "3"})
    record = bench.record()
    variables = record["before"]["facts"]["environ"]["variables"]
    assert variables["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert "OMP_NUM_THREADS" not in variables
    assert str(other) in record["before"]["facts"]["python"]["search_path"]
    assert record["changed_meanwhile"] == []


def test_the_hash_seed_is_that_of_the_command(bench: Bench, other: Path) -> None:
    code = "import os; print(os.environ['PYTHONHASHSEED'])"
    options = ("--no-check", "--hash-seed", "7")
    done = bench.run(str(other / "bin" / "python"), "-c", code, options=options)
    assert done.stdout == "7\n"
    python = bench.record()["before"]["facts"]["python"]
    assert (python["hash_seed"], python["prefix"]) == ("7", str(other))


def test_a_command_that_is_not_known_is_told_before_it_runs_and_runs(bench: Bench) -> None:
    (bench.folder / "train.sh").write_text("echo begun >&2\n")
    done = bench.run("bash", "train.sh")
    assert done.returncode == 0
    assert done.stderr == (
        "envprint: which interpreter `bash train.sh` starts is unknown (a shell script may "
        f"start any); recorded {sys.prefix}; --python names it\nbegun\n"
    )
    prefix, interpreter = recorded(bench)
    assert (prefix, interpreter["path"]) == (sys.prefix, None)
    assert interpreter["reason"] == "a shell script may start any"


def test_arguments_of_a_command_are_not_told(bench: Bench) -> None:
    done = bench.run("bash", "-c", "true # hunter2")
    assert "`bash …`" in done.stderr and "hunter2" not in done.stderr
    assert "hunter2" not in json.dumps(bench.record())


def test_another_program_is_recorded_as_no_python_and_nothing_else_is_claimed(
    bench: Bench,
) -> None:
    done = bench.run("ls", str(bench.folder))
    assert (done.returncode, done.stderr) == (0, "")
    prefix, interpreter = recorded(bench)
    assert (prefix, interpreter["path"]) == (sys.prefix, None)
    assert interpreter["reason"] == "ls is no Python"


def test_an_interpreter_that_does_not_respond_is_not_known(bench: Bench) -> None:
    broken = bench.folder / "python3.12"
    shutil.copy("/bin/true", broken)
    done = bench.run(str(broken))
    assert done.returncode == 0
    assert "starts is unknown" in done.stderr and "expected Python 3.6 or later" in done.stderr
    assert recorded(bench)[0] == sys.prefix


def test_the_option_wins_and_another_interpreter_of_the_command_is_told(
    bench: Bench, other: Path
) -> None:
    python = str(other / "bin" / "python")
    done = bench.run(python, "-c", "", options=("--no-check", "--python", PYTHON))
    assert done.stderr == (
        f"envprint: `python …` starts {python}, but --python {PYTHON} is recorded\n"
    )
    prefix, interpreter = recorded(bench)
    assert (prefix, interpreter["path"]) == (sys.prefix, python)


@pytest.mark.parametrize("name", ["python", "python3"])
def test_the_option_that_names_the_commands_interpreter_is_no_mismatch(
    name: str, bench: Bench, other: Path
) -> None:
    options = ("--no-check", "--python", str(other / "bin" / name))
    assert bench.run(str(other / "bin" / "python"), "-c", "", options=options).stderr == ""
    assert bench.run("sh", "-c", "", options=options).stderr == ""


def test_the_home_directory_is_not_recorded(bench: Bench) -> None:
    mine = venv(bench.folder / "mine")
    shutil.copy(compiled(), mine / PURE)
    (bench.folder / "train.py").write_text(job(mine / PURE))
    bench.run("sh", "-c", "exec mine/bin/python train.py")
    assert recorded(bench)[1]["other_prefixes"] == ["~/mine"]


def test_a_report_for_programs_stays_the_only_text_on_stderr(bench: Bench) -> None:
    done = bench.run("sh", "-c", "", options=("--format", "json"))
    assert json.loads(done.stderr)["schema_version"]


def test_libraries_from_another_environment_than_the_recorded_are_told(
    bench: Bench, other: Path
) -> None:
    (bench.folder / "train.py").write_text(job(other / PURE))
    done = bench.run("sh", "-c", f"exec {other}/bin/python train.py")
    last = done.stderr.splitlines()[-1]
    assert last == (
        f"envprint: warning: the command loaded libraries from {other}, "
        f"but {sys.prefix} was recorded"
    )
    assert recorded(bench)[1]["other_prefixes"] == [str(other)]


def test_libraries_from_the_recorded_environment_are_no_news(bench: Bench, other: Path) -> None:
    (bench.folder / "train.py").write_text(job(other / PURE))
    done = bench.run(str(other / "bin" / "python"), "train.py")
    assert done.stderr == ""
    assert recorded(bench)[1]["other_prefixes"] == []


def others(python: Path, loaded: Path, **variables: str) -> list[str]:
    """The environments that a file comes from, other than that of the interpreter."""
    found = Loaded()
    found._seen.add(os.path.realpath(loaded))
    host = LiveHost(str(python), variables={"PATH": os.environ["PATH"], **variables})
    return found.other_prefixes(host.interpreter())


def extension(site: Path) -> Path:
    """A file of a package in a directory of packages."""
    path = site / "package" / "core.so"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def test_what_lies_on_the_search_path_belongs_to_the_environment(tmp_path: Path) -> None:
    mine = venv(tmp_path / "mine")
    python = mine / "bin" / "python"
    foreign = tmp_path / "foreign" / PURE
    (tmp_path / "link").symlink_to(mine)
    for path in (mine / PURE, tmp_path / "link" / PURE):
        assert others(python, extension(path)) == []
        assert others(tmp_path / "link" / "bin" / "python", extension(path)) == []
    assert others(python, extension(foreign)) == [str(tmp_path / "foreign")]
    assert others(python, extension(foreign), PYTHONPATH=str(foreign)) == []
    behind = mine / PURE / "behind.pth"
    behind.write_text(f"{foreign}\n")
    assert others(python, extension(foreign)) == []
    behind.write_text(f"{foreign}/package\n")
    assert others(python, extension(foreign)) == []


def test_a_package_that_is_linked_into_the_environment_belongs_to_it(tmp_path: Path) -> None:
    mine = venv(tmp_path / "mine")
    real = extension(tmp_path / "cache" / PURE)
    (mine / PURE / "package").symlink_to(real.parent)
    assert others(mine / "bin" / "python", real) == []


def test_packages_of_the_user_and_of_the_system_behind_it_belong_to_it(tmp_path: Path) -> None:
    base = tmp_path / "user"
    user = extension(base / PURE)
    open_one = venv(tmp_path / "open", "--system-site-packages")
    closed = venv(tmp_path / "closed")
    variables = {"PYTHONUSERBASE": str(base)}
    assert others(open_one / "bin" / "python", user, **variables) == []
    assert others(closed / "bin" / "python", user, **variables) == [str(base)]
    behind = Path(sysconfig.get_path("purelib", vars={"base": sys.base_prefix}))
    assert behind.is_dir()
    loaded = Loaded()
    loaded._seen.add(f"{os.path.realpath(behind)}/numpy/core.so")
    assert loaded.other_prefixes(LiveHost(str(open_one / "bin" / "python")).interpreter()) == []
    closed_one = LiveHost(str(closed / "bin" / "python")).interpreter()
    assert loaded.other_prefixes(closed_one) == [os.path.realpath(sys.base_prefix)]


def test_an_environment_inside_the_base_of_another_is_another(tmp_path: Path) -> None:
    described = {"prefix": "/opt/conda", "path": ["/opt/conda/lib/python3.11/site-packages"]}
    loaded = Loaded()
    loaded._seen |= {
        "/opt/conda/lib/python3.11/site-packages/numpy/a.so",
        "/opt/conda/envs/train/lib/python3.11/site-packages/numpy/a.so (deleted)",
        "/usr/lib/python3/dist-packages/apt_pkg.so",
        "/usr/lib/x86_64-linux-gnu/libc.so.6",
        "/home/user/.cache/uv/archive-v0/abc/numpy/a.so",
    }
    assert loaded.other_prefixes(described) == ["/opt/conda/envs/train", "/usr"]
