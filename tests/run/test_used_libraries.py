"""A run is judged once more for what the command loaded: installed is not used."""

from __future__ import annotations

import _ctypes
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from envprint.core.impact import Impact
from envprint.core.workload import Workload
from envprint.documents.codec import fingerprint_shape
from envprint.judging.context import Context, Request
from envprint.judging.policy.model import Policy
from envprint.run.mapped_libraries import Loaded
from envprint.run.used_libraries import job_of, remark
from tests.builders.bench import PYTHON, Bench
from tests.builders.judged import judge_state
from tests.builders.support import fingerprint

needs_linux = pytest.mark.skipif(
    not hasattr(signal, "sigtimedwait"), reason="NOT LINUX: envprint runs nothing here"
)
COMPILED = ["cp311-cp311-manylinux_2_28_x86_64"]
DISTRIBUTIONS = "facts.packages.distributions"


def put(site: Path, name: str, version: str) -> None:
    """A library with compiled code, as far as its files tell."""
    for old in site.glob(f"{name}*"):
        shutil.rmtree(old)
    (site / name).mkdir()
    (site / name / "version.py").write_text(f'short_version = version = "{version}"\n')
    shutil.copy(_ctypes.__file__, site / name / "_kernels.so")
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "WHEEL").write_text(f"Wheel-Version: 1.0\nTag: {COMPILED[0]}\n")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A place for runs with NumPy and two libraries that train, of which XGBoost has moved since
    the baseline.
    """
    bench = Bench(tmp_path)
    site = tmp_path / "site"
    site.mkdir()
    bench.environ["PYTHONPATH"] = str(site)
    put(site, "numpy", "2.4.6")
    put(site, "lightgbm", "4.6.0")
    put(site, "xgboost", "2.1.2")
    assert bench.run("true").returncode == 0
    put(site, "xgboost", "3.2.0")
    shutil.rmtree(bench.records)
    return bench


def loads(*names: str) -> tuple[str, str, str]:
    """A command that loads the compiled code of these libraries."""
    code = "import ctypes, os, time; site = os.environ['PYTHONPATH']; "
    code += "".join(f"ctypes.CDLL(site + '/{name}/_kernels.so'); " for name in names)
    return (PYTHON, "-c", f"{code}time.sleep(1)")


CHECKED = ("--baseline", "@last", "--fail-on", "breaks")


@needs_linux
def test_a_library_that_the_command_has_not_loaded_does_not_count_in_the_record(
    bench: Bench,
) -> None:
    done = bench.run(*loads("numpy", "lightgbm"), options=CHECKED)
    assert done.returncode == 0
    record = bench.record()
    assert record["preflight"]["rules"] == ["behaviour-changed"]
    assert record["job"] == {
        "frameworks": ["numpy"],
        "libraries": ["lightgbm"],
        "impact": "none",
        "rules": [],
        "unjudged": [],
    }
    line = "judged for what the command loaded (numpy, lightgbm): none, without behaviour-changed"
    assert f"envprint: {line}\n" in done.stderr


@needs_linux
def test_a_library_that_the_command_has_loaded_counts_as_before(bench: Bench) -> None:
    done = bench.run(*loads("numpy", "xgboost"), options=CHECKED)
    job = bench.record()["job"]
    assert (job["libraries"], job["rules"]) == (["xgboost"], ["behaviour-changed"])
    assert "judged for what the command loaded" not in done.stderr


@needs_linux
def test_what_the_user_names_is_judged_whatever_was_loaded(bench: Bench) -> None:
    options = (*CHECKED, "--framework", "xgboost")
    bench.run(*loads("numpy", "lightgbm"), options=options)
    assert bench.record()["job"]["rules"] == ["behaviour-changed"]


@needs_linux
def test_without_a_check_the_record_says_what_was_loaded_and_no_verdict(bench: Bench) -> None:
    bench.run(*loads("numpy", "xgboost"))
    job = bench.record()["job"]
    assert (job["frameworks"], job["libraries"], job["impact"]) == (["numpy"], ["xgboost"], None)


@needs_linux
def test_a_command_that_loads_no_library_has_no_job(bench: Bench) -> None:
    bench.run(*loads(), options=CHECKED)
    assert bench.record()["job"] is None


def loaded(*paths: str) -> Loaded:
    seen = Loaded()
    seen._seen |= set(paths)
    return seen


def test_files_tell_modules_by_the_search_path_and_in_other_environments(tmp_path: Path) -> None:
    site, link = tmp_path / "lib/site-packages", tmp_path / "link"
    site.mkdir(parents=True)
    link.symlink_to(site)
    found = loaded(
        f"{site}/numpy.libs/libscipy_openblas64_-32a4b2a6.so",
        f"{site}/_cffi_backend.cpython-311-x86_64-linux-gnu.so",
        "/other/lib/python3.11/site-packages/torch/lib/libtorch_cpu.so",
        "/usr/lib/x86_64-linux-gnu/libgomp.so.1.0.0",
    )
    described = {"path": [str(tmp_path / "lib"), str(link)]}
    assert found.modules(described) == {"numpy", "_cffi_backend", "torch"}


def installed(**tags: list[str] | None) -> dict[str, Any]:
    names = {name: name.replace("_", "-") for name in tags}
    return {f"{DISTRIBUTIONS}[{names[name]}].tags": found for name, found in tags.items()} | {
        f"{DISTRIBUTIONS}[{names[name]}].version": "1.0" for name in tags
    }


def used(*modules: str, **tags: list[str] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The frameworks and libraries of a job that loaded files of these modules."""
    request = Request(loaded=frozenset(modules))
    workload = Context(request, Policy(), fingerprint_shape).workload(
        fingerprint(installed(**tags)), None
    )
    return workload.frameworks, workload.libraries


def test_of_a_library_that_is_python_alone_no_file_shows_so_that_it_may_be_used() -> None:
    found = used("torch", torch=COMPILED, transformers=["py3-none-any"], xgboost=COMPILED)
    assert found == (("torch",), ("transformers",))


def test_a_library_of_unknown_build_may_be_used() -> None:
    assert used("torch", torch=COMPILED, xgboost=None) == (("torch",), ("xgboost",))


@pytest.mark.parametrize(
    ("module", "framework"), [("sklearn", "scikit-learn"), ("jaxlib", "jax"), ("torch", "torch")]
)
def test_a_framework_is_known_by_its_module(module: str, framework: str) -> None:
    assert used(module)[0] == (framework,)


def test_a_check_that_finds_more_for_what_was_loaded_keeps_a_run_from_being_good() -> None:
    before = fingerprint(installed(numpy=COMPILED))
    report = judge_state(before, None, Workload(), Policy())
    worse = report._replace(impact=Impact.NUMERIC)
    job = job_of(frozenset(["numpy"]), before, lambda modules: (worse, "it found something"))
    assert job and job.unfit == "it found something"
    assert remark(job, report) == "judged for what the command loaded (numpy): numeric"
    assert remark(job._replace(report=report), report) is None
