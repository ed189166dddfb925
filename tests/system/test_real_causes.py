"""`envprint isolate` with NumPy and scikit-learn: what kinds of causes there are, each real."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.builders.commands import call
from tests.builders.isolated import active, answer_of, document_of
from tests.conftest import Build

pytestmark = [pytest.mark.slow, pytest.mark.long]

REQUIREMENTS = Path(__file__).parents[1] / "benchmarks" / "accuracy" / "requirements"
NPSK = tuple((REQUIREMENTS / "npsk.txt").read_text().split())
UNUSED = {f"TF_UNUSED_{number}": str(number) for number in range(6)}
NEHALEM = {"OPENBLAS_CORETYPE": "Nehalem"}
NO_AVX2 = {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"}
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

COMPUTE = """\
import numpy as np

x = np.random.default_rng(0).standard_normal((400, 400))
np.savez("result.npz", product={product}, loops={loops})
"""
BOTH = COMPUTE.format(product="x @ x", loops="np.tanh(x.astype('f4'))")
PRODUCT = COMPUTE.format(product="x @ x", loops="x")
"""One thread more divides the product in another way."""

Isolate = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def isolate(environment: Build, tmp_path: Path) -> Isolate:
    """A function that records one environment, and isolates it from another or the same."""
    project = tmp_path / "project"
    project.mkdir()

    def isolated(
        job: str,
        before: Mapping[str, str],
        after: Mapping[str, str],
        *options: str,
        pins: Sequence[str] = NPSK,
        other: Sequence[str] | None = None,
        edit: Callable[[str], str] = str,
    ) -> subprocess.CompletedProcess[str]:
        (project / "train.py").write_text(job)
        cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
        old = {**active(environment("--no-deps", *pins)), **cache}
        done = call("capture", "-o", "old.json", env={**old, **before}, cwd=project)
        assert done.returncode == 0, done.stderr
        record = project / "old.json"
        record.write_text(edit(record.read_text()))
        new = {**active(environment("--no-deps", *(other or pins), by="uv")), **cache}
        words = ["--result", "result.npz", *options, "--repeat", "2", "--format", "json"]
        return call(
            "isolate", "old.json", *words, "--", "python", "train.py",
            env={**new, **UNUSED, **after}, cwd=project, timeout_s=1200,
        )  # fmt: skip

    return isolated


def test_two_independent_causes_are_both_named_and_each_alone_gives_a_third_result(
    isolate: Isolate,
) -> None:
    answer = answer_of(isolate(BOTH, {}, {**NEHALEM, **NO_AVX2}))
    assert set(answer.needed) == set(answer.fix) == {*NEHALEM, *NO_AVX2}
    assert {answer.alone[name] for name in answer.needed} == {"another result"}
    assert answer.rest == "baseline"


needs_two_cpus = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="on one CPU the product has one thread anyway"
)


@needs_two_cpus
def test_two_limits_of_threads_must_both_go_and_either_brings_the_result_back(
    isolate: Isolate,
) -> None:
    answer = answer_of(isolate(PRODUCT, ONE_THREAD, {}))
    assert set(answer.needed) == set(ONE_THREAD)
    assert {answer.alone[name] for name in answer.needed} == {"baseline"}
    assert len(answer.fix) == 1


@needs_two_cpus
def test_of_two_limits_of_threads_either_is_the_cause_and_both_must_go_back(
    isolate: Isolate,
) -> None:
    answer = answer_of(isolate(PRODUCT, {}, ONE_THREAD))
    assert len(answer.needed) == 1
    assert set(answer.fix) == set(ONE_THREAD)
    assert answer.rest == "current"


def test_where_nothing_acts_both_sides_give_the_same(isolate: Isolate) -> None:
    done = isolate(COMPUTE.format(product="x + x", loops="x"), {}, NEHALEM)
    assert done.returncode == 1
    found = document_of(done)
    assert (found["outcome"], found["needed"]) == ("equal", [])


def test_draws_without_a_seed_are_no_evidence_against_an_environment(isolate: Isolate) -> None:
    done = isolate(BOTH.replace("default_rng(0)", "default_rng()"), {}, NEHALEM)
    assert done.returncode == 3
    found = document_of(done)
    assert (found["outcome"], found["repeats"]["before"]) == ("not-repeatable", False)


RESUMES = """\
import os
import joblib, numpy as np
from sklearn.linear_model import SGDRegressor

rng = np.random.default_rng(0)
x = rng.standard_normal((300, 60))
x = x @ x.T @ x / 300
y = x @ rng.standard_normal(60)
last = os.path.join({place!r}, "model.joblib")
model = joblib.load(last) if os.path.exists(last) else SGDRegressor(random_state=0)
model.partial_fit(x, y)
joblib.dump(model, last)
np.savez("result.npz", coefficients=model.coef_)
"""


def test_a_training_that_resumes_begins_anew_in_each_trial(isolate: Isolate) -> None:
    answer = answer_of(isolate(RESUMES.format(place="."), {}, NEHALEM))
    assert answer.needed == answer.fix == list(NEHALEM)


def test_a_training_that_resumes_where_every_trial_would_is_not_steady(
    isolate: Isolate, tmp_path: Path
) -> None:
    outside = tmp_path / "checkpoints"
    outside.mkdir()
    done = isolate(RESUMES.format(place=str(outside)), {}, NEHALEM)
    assert done.returncode == 3
    assert document_of(done)["outcome"] == "not-repeatable"


def test_a_version_that_no_index_has_is_fixed_and_the_others_are_switched(
    isolate: Isolate,
) -> None:
    def never_released(text: str) -> str:
        document = json.loads(text)
        document["facts"]["packages"]["distributions"]["scipy"]["version"] = "1.17.99"
        return json.dumps(document)

    done = isolate(BOTH, {}, NEHALEM, edit=never_released)
    assert answer_of(done).needed == list(NEHALEM)
    reasons = {one["name"]: one["reason"] for one in document_of(done)["not_switchable"]}
    assert "cannot be had" in reasons["scipy 1.17.99 → 1.17.1"]


OLD = ("numpy==1.26.4", "scipy==1.11.4", "joblib==1.3.2", "threadpoolctl==3.4.0",
       "scikit-learn==1.4.1.post1")  # fmt: skip
FIT = """\
import numpy as np
from sklearn.linear_model import LinearRegression

x = np.arange(20.0).reshape(10, 2)
np.savez("result.npz", coefficients=LinearRegression().fit(x, x[:, 0]).coef_)
"""


def test_an_import_that_fails_with_another_numpy_is_traced_to_numpy(isolate: Isolate) -> None:
    new = ("numpy==2.2.6", *OLD[1:2], "joblib==1.4.2", "threadpoolctl==3.5.0", OLD[-1])
    done = isolate(FIT, {}, {}, pins=OLD, other=new)
    answer = answer_of(done)
    assert answer.needed == answer.fix == ["numpy"]
    assert answer.commands == ["pip install --no-deps numpy==1.26.4"]
    assert document_of(done)["result"]["after"].startswith("fails: ")
