"""Environments without a framework, looked at from outside: what the verbs say of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.builders.bench import Bench
from tests.builders.commands import call
from tests.builders.environments import bare, put_framework
from tests.nvml import simulator


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prefix of an environment in which nothing is installed."""
    place = tmp_path_factory.mktemp("empty") / "venv"
    bare(place)
    return place


@pytest.fixture(scope="module")
def trains(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prefix of one with a framework."""
    place = tmp_path_factory.mktemp("trains") / "venv"
    bare(place)
    (library,) = place.glob("lib/python3*/site-packages")
    put_framework(library, "numpy")
    return place


def python(prefix: Path) -> tuple[str, str]:
    return "--python", str(prefix / "bin" / "python")


def reason(prefix: Path) -> str:
    return f"no framework in {prefix}; is this the environment that trains? --python PATH"


def first_words(text: str) -> str:
    """The text up to the first empty line, as it flows."""
    return " ".join(text.split("\n\n", maxsplit=1)[0].split())


def test_a_check_of_an_environment_without_a_framework_says_so_first(empty: Path) -> None:
    done = call("check", *python(empty))
    assert done.returncode == 0
    assert done.stdout.startswith("NOT CHECKED  no framework in")
    assert first_words(done.stdout) == f"NOT CHECKED {reason(empty)}"
    failed = call("check", *python(empty), "--on-unknown", "fail")
    assert (failed.returncode, failed.stdout.split()[:2]) == (3, ["NOT", "CHECKED"])


def test_a_program_reads_that_nothing_was_checked(empty: Path) -> None:
    done = call("check", *python(empty), "--format", "json")
    assert (done.returncode, done.stderr) == (
        0,
        f"envprint: warning: not checked: {reason(empty)}\n",
    )
    verdict = json.loads(done.stdout)["verdict"]
    assert (verdict["checked"], verdict["summary"]) == (False, reason(empty))


def test_a_check_of_an_environment_with_a_framework_is_checked(trains: Path) -> None:
    done = call("check", *python(trains), "--format", "json", "--on-unknown", "fail")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["verdict"]["checked"] is True
    assert document["context"]["frameworks"] == ["numpy"]


def test_what_is_wrong_without_a_framework_follows_and_decides(empty: Path) -> None:
    done = call("check", *python(empty), env={"LD_PRELOD": "/opt/libm_fast.so"})
    assert done.returncode == 1
    said = first_words(done.stdout)
    assert said.startswith(f"NOT CHECKED {reason(empty)} NUMERIC Results can differ")
    quiet = call("check", *python(empty), "-q", env={"LD_PRELOD": "/opt/libm_fast.so"})
    assert quiet.returncode == 1
    assert quiet.stdout.startswith(f"NOT CHECKED  {reason(empty)}; NUMERIC: results can differ")
    assert quiet.stdout.count("\n") == 1
    done = call("check", *python(empty), "--min-free-gpu", "20g")
    assert done.returncode == 1
    assert f"{reason(empty)} BREAKS Probably does not run" in first_words(done.stdout)


@pytest.mark.parametrize("stated", ["option", "policy"])
def test_gpu_memory_that_is_required_of_no_gpu_breaks_however_it_is_stated(
    stated: str, trains: Path, tmp_path: Path
) -> None:
    (tmp_path / "envprint.toml").write_text("[require]\nmin_free_gpu = '20 GiB'\n")
    option = ("--min-free-gpu", "20GiB", "--policy", "/dev/null") if stated == "option" else ()
    done = call("check", *python(trains), *option, cwd=tmp_path)
    assert done.returncode == 1
    assert "no GPU can be used" in done.stdout


def test_a_size_without_a_unit_is_refused_in_a_policy(tmp_path: Path) -> None:
    policy = tmp_path / "envprint.toml"
    for size in ("'20'", "20"):
        policy.write_text(f"[require]\nmin_free_gpu = {size}\n")
        done = call("check", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert "line 2: require.min_free_gpu: " in done.stderr
        assert "needs a unit, such as" in done.stderr


@pytest.mark.parametrize("stated", ["option", "policy"])
def test_a_framework_that_is_named_and_not_installed_breaks(
    stated: str, trains: Path, tmp_path: Path
) -> None:
    (tmp_path / "envprint.toml").write_text("frameworks = ['torch']\n")
    option = ("--framework", "torch", "--policy", "/dev/null") if stated == "option" else ()
    done = call("check", *python(trains), *option, "--format", "json", cwd=tmp_path)
    assert done.returncode == 1
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["rule"] == "framework-named-missing"
    assert finding["message"] == f"torch is named and is not installed in {trains}"
    assert finding["remedy"] == "pip install torch"


def test_a_diff_never_asks_for_what_is_named(trains: Path, empty: Path, tmp_path: Path) -> None:
    files = []
    for prefix in (trains, empty):
        files.append(tmp_path / f"{len(files)}.json")
        assert call("capture", *python(prefix), "-o", files[-1]).returncode == 0
    for pair in (files[:1] * 2, files[1:] * 2):
        done = call("diff", *pair, "--framework", "torch")
        assert (done.returncode, done.stdout.split()[0]) == (0, "NONE")
    now = call("diff", files[0], "now", *python(trains), "--framework", "torch")
    assert "framework-named-missing" not in now.stdout
    # With neither side to check for, the diff says so, too.
    done = call("diff", *files[1:] * 2, "--on-unknown", "fail")
    assert (done.returncode, first_words(done.stdout)) == (3, f"NOT CHECKED {reason(empty)}")


def test_a_run_that_was_not_checked_is_told_in_one_line_and_runs(
    empty: Path, tmp_path: Path
) -> None:
    bench = Bench(tmp_path)
    done = bench.run("echo", "ran", options=(*python(empty), "--on-unknown", "ignore"))
    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert done.stderr == f"envprint: not checked: {reason(empty)}\n"
    refused = bench.run("echo", "ran", options=(*python(empty), "--on-unknown", "fail"))
    assert (refused.returncode, refused.stdout) == (125, "")
    assert first_words(refused.stderr).startswith(f"NOT CHECKED {reason(empty)}")
    missing = bench.run("echo", "ran", options=(*python(empty), "--framework", "torch"))
    assert (missing.returncode, missing.stdout) == (125, "")
    assert "framework-named-missing" in missing.stderr


@pytest.mark.long
def test_a_driver_that_is_silent_for_half_a_minute_breaks(trains: Path, tmp_path: Path) -> None:
    """The short form is in tests/rules/test_gpu_health.py and tests/machine/test_nvml_client.py."""
    driver = tmp_path / "driver.txt"
    driver.write_text("nvmlInit = hang\n")
    env = simulator.environment(driver)
    done = call("check", *python(trains), "--device", "gpu", "-v", env=env)
    # On a busy machine the driver is asked a moment later, and waited for that much less.
    assert re.search(r"did not answer within (?:30|29\.\d) s", " ".join(done.stdout.split()))
    # This machine has no kernel module of NVIDIA, without which nothing is certain.
    assert (done.returncode, "gpu-driver-silent" in done.stdout) == (0, True)
