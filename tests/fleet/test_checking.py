"""`envprint.fleet.check` in two processes that a launcher numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import envprint
from tests.builders.environments import put_framework

ROOT = Path(__file__).parents[2]
JOB = """
import json, os, random, sys
import envprint
rank = int(os.environ["FLUX_TASK_RANK"])
random.seed(rank)
if sys.argv[2] == str(rank):
    os.environ["LD_PRELOD"] = "0"
options = json.loads(sys.argv[3])
try:
    report = envprint.fleet.check(directory=sys.argv[1], timeout_s=60, **options)
    said = ["passed", report.impact.word]
except envprint.DriftError as error:
    said = ["DriftError", str(error), error.report.impact.word, error.report.current.digest]
except envprint.EnvprintError as error:
    said = [type(error).__name__, str(error)]
print(json.dumps(said))
"""


@pytest.fixture
def jax(tmp_path: Path) -> Path:
    return put_framework(tmp_path / "installed", "jax")


@pytest.fixture
def numpy(tmp_path: Path) -> Path:
    return put_framework(tmp_path / "installed", "numpy")


def job(
    folder: Path,
    numpy: Path,
    misspelt: str = "",
    *,
    second: Mapping[str, Any] = {},
    of_second: Mapping[str, str] = {},
    **options: Any,
) -> list[Any]:
    """What each of two ranks says; each has a directory of its own to work in."""
    started = []
    for rank in (0, 1):
        place = folder / f"rank{rank}"
        place.mkdir(exist_ok=True)
        given = json.dumps({**options, **(second if rank else {})})
        command = [sys.executable, "-c", JOB, str(folder / "shared"), misspelt, given]
        variables = {
            **(of_second if rank else {}),
            **{"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"},
            **{"FLUX_TASK_RANK": str(rank), "FLUX_JOB_SIZE": "2", "FLUX_JOB_ID": "f7"},
            "PYTHONPATH": os.pathsep.join((str(numpy), str(ROOT))),
        }
        started.append(
            subprocess.Popen(
                command, cwd=place, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        )
    ended = [one.communicate(timeout=120) for one in started]
    assert [one.returncode for one in started] == [0, 0], ended
    return [json.loads(out) for out, _ in ended]


def test_only_the_first_rank_reads_the_baseline_and_random_numbers_are_each_rank_s_own(
    tmp_path: Path, numpy: Path
) -> None:
    (tmp_path / "rank0").mkdir()
    assert job(tmp_path, numpy, frameworks=["numpy"]) == [["passed", "none"]] * 2
    command = [sys.executable, "-m", "envprint", "capture", "-o", "rank0/base.json"]
    paths = os.pathsep.join((str(numpy), str(ROOT)))
    kept = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    subprocess.run(command, cwd=tmp_path, check=True, env={**kept, "PYTHONPATH": paths})
    said = job(tmp_path, numpy, baseline="base.json", frameworks=["numpy"])
    assert [one[0] for one in said] == ["passed", "passed"], said


def test_the_error_and_its_report_are_the_same_on_both(tmp_path: Path, numpy: Path) -> None:
    said = job(tmp_path, numpy, "1", frameworks=["numpy"], fail_on="numeric")
    assert said[0] == said[1]
    kind, text, impact, _ = said[0]
    assert (kind, impact) == ("DriftError", "numeric")
    assert "1 of 2 ranks is refused\nrank 1 on " in text
    assert "LD_PRELOD is set" in text and "do: unset LD_PRELOD" in text


def test_a_mistake_in_the_options_ends_both_at_once(tmp_path: Path, numpy: Path) -> None:
    said = job(tmp_path, numpy, baseline="nope.json")
    assert said[0] == said[1] == ["FleetError", "nope.json: no such file or directory"]
    said = job(tmp_path, numpy, fail_on="loud")
    assert said[0] == said[1] and "known: none, perf" in said[0][1]


def test_a_process_alone_is_checked_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOD", "0")
    with pytest.raises(envprint.DriftError, match=r"^numeric: LD_PRELOD is set"):
        envprint.fleet.check(fail_on="numeric")


def test_with_the_majority_as_baseline_the_odd_rank_is_refused(tmp_path: Path, jax: Path) -> None:
    options = {"baseline": "majority", "frameworks": ["jax"]}
    assert job(tmp_path, jax, **options) == [["passed", "none"]] * 2
    variable = {"JAX_ENABLE_X64": "1"}
    said = job(tmp_path, jax, of_second=variable, **options)
    assert said[0] == said[1]
    assert said[0][0] == "DriftError", said
    assert said[0][2] != "none", said
    assert "1 of 2 ranks is refused\nrank 1 on " in said[0][1]
    assert "JAX_ENABLE_X64" in said[0][1]


def test_ranks_of_another_role_agree_only_in_what_they_share(tmp_path: Path, jax: Path) -> None:
    variable = {"JAX_ENABLE_X64": "1"}
    options = {"frameworks": ["jax"], "of_second": variable}
    roles = {"tags": {"role": "driver"}}
    said = job(tmp_path, jax, baseline="majority", second=roles, **options)
    assert said == [["passed", "none"]] * 2, said
    command = [sys.executable, "-m", "envprint", "capture", "-o", "rank0/base.json"]
    paths = os.pathsep.join((str(jax), str(ROOT)))
    kept = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    subprocess.run(command, cwd=tmp_path, check=True, env={**kept, "PYTHONPATH": paths})
    said = job(tmp_path, jax, baseline="base.json", second=roles, **options)
    assert said == [["passed", "none"]] * 2, said
    said = job(tmp_path, jax, baseline="base.json", **options)
    assert said[0][0] == "DriftError" and "rank 1 on " in said[0][1]
