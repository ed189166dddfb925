"""The accuracy data is sound, the page is what the data says, and a part of it is judged anew."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

import envprint
from envprint.core.report import Report
from tests.benchmarks.accuracy import lists, page, published
from tests.benchmarks.accuracy.cause import is_cause_first
from tests.benchmarks.accuracy.measure import measure
from tests.benchmarks.accuracy.pair import HERE, PARTS, Pair, Side, changed, load
from tests.benchmarks.accuracy.score import score, verdict_on_published
from tests.benchmarks.accuracy.setting import PROCESSORS, need_processor
from tests.benchmarks.accuracy.verdict import ORDER, Verdict, tallies
from tests.builders.environments import KEPT, NotHereError
from tests.builders.golden_files import must_equal
from tests.builders.shared import folder

PAIRS = load()
DATES, VERDICTS = page.kept()
ROOT = Path(__file__).parents[2]
JUDGED_HERE = {
    *("tf221.txt", "pt213.txt", "npsk.txt", "npo_2_4_6.txt", "npo_1_26_4.txt", "np_2_2_6.txt"),
    *("jax_0_10_2.txt", "sp_1_17_1.txt"),
}
"""Requirements that CI installs: most pairs differ in a variable or in the affinity alone."""
WRITE = "python -m tests.benchmarks.accuracy.score --write"

NOT_OURS = "given-2"
"""The part whose jobs are not in `jobs/`, and that was measured with two runs a side."""

TWO_RUNS = (NOT_OURS, "holdout-2", "holdout-3")


def sides(pair: Pair) -> tuple[Side, Side]:
    return pair.before, pair.after


def is_judged_here(pair: Pair) -> bool:
    return {side.requirements for side in sides(pair)} <= JUDGED_HERE and all(
        side.python == "3.11" for side in sides(pair)
    )


@pytest.fixture(scope="module", autouse=True)
def environments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Environments are shared by the tests of this module, and forgotten after it."""
    with pytest.MonkeyPatch.context() as patch:
        if KEPT not in os.environ:
            patch.setenv(KEPT, str(folder(tmp_path_factory) / "accuracy"))
        yield


def holds_here(pair: Pair) -> bool:
    """Whether the measurement holds for this processor: elsewhere the verdict is another one."""
    try:
        need_processor(pair)
    except NotHereError:
        return False
    return True


def test_a_pair_names_what_exists() -> None:
    for pair in PAIRS:
        assert pair.measured in (*ORDER, None), pair.id
        assert pair.is_ours or pair.part == NOT_OURS, pair.id
        assert pair.processor in ("", *PROCESSORS), pair.id
        for side in sides(pair):
            assert (HERE / "requirements" / side.requirements).exists(), pair.id


def test_the_two_sides_of_a_pair_differ() -> None:
    for pair in PAIRS:
        assert pair.before != pair.after, pair.id
        if pair.measured:
            assert pair.runs and pair.runs >= (2 if pair.part in TWO_RUNS else 3), pair.id


def test_a_cause_is_something_in_which_the_sides_differ() -> None:
    assert [pair.id for pair in PAIRS if not set(pair.cause) <= set(changed(pair))] == []


def test_only_a_holdout_has_pairs_that_nobody_has_measured() -> None:
    assert {pair.part for pair in PAIRS if pair.measured is None} <= {"holdout-4"}


def test_a_part_is_measured_as_a_whole_or_not_at_all() -> None:
    parts = {pair.part for pair in PAIRS}
    for part in parts:
        assert len({pair.measured is None for pair in PAIRS if pair.part == part}) == 1


def test_ids_are_unique_and_the_verdicts_cover_them() -> None:
    ids = [pair.id for pair in PAIRS] + [case.id for case in published.load()]
    assert len(set(ids)) == len(ids)
    kept = [(verdict.id, verdict.measured or "") for verdict in VERDICTS]
    # A part that is only prepared has no verdicts yet: they come before its measurements.
    prepared = {pair.part for pair in PAIRS if not pair.measured} - {v.part for v in VERDICTS}
    pairs = [pair for pair in PAIRS if pair.part not in prepared]
    data = [(row.id, row.measured or "") for row in (*pairs, *published.load())]
    assert sorted(kept) == sorted(data), f"run\n{WRITE}"


def test_a_job_of_another_measurement_is_refused_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.accuracy.measure", "--part", NOT_OURS],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 2
    assert "is not in jobs/" in done.stderr.splitlines()[-1]


def test_requirements_are_pinned_and_used() -> None:
    used = {side.requirements for pair in PAIRS for side in sides(pair)}
    files = {file.name for file in (HERE / "requirements").iterdir()}
    assert files == used
    for name in used:
        for line in (HERE / "requirements" / name).read_text().splitlines():
            assert re.fullmatch(r"[\w.-]+==[\w.+]+", line), (name, line)


def test_jobs_are_used() -> None:
    files = {file.stem for file in (HERE / "jobs").glob("[a-z]*.py")}
    assert files == {pair.job for pair in PAIRS if pair.is_ours}


def test_the_page_is_made_of_the_data() -> None:
    must_equal(page.PAGE, page.page(), WRITE)


def test_the_readme_quotes_the_figures() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    for tally in (found for found in tallies(VERDICTS) if found.counted):
        row = f"| {tally.part} | {tally.counted} | {tally.misses} | {tally.over} | {tally.exact} |"
        assert row in readme


def test_published_cases_are_judged_as_written_down() -> None:
    kept = {verdict.id: verdict for verdict in VERDICTS}
    for case in published.load():
        assert verdict_on_published(case) == kept[case.id], f"if it is meant, run\n{WRITE}"


def test_outcomes_are_told_apart() -> None:
    def outcome(measured: str | None, forecast: str, **more: bool) -> str:
        return Verdict("train", "x", measured, forecast, (), **more).outcome

    assert outcome("none", "perf") == outcome("numeric", "numeric") == "exact"
    assert outcome("diverges", "numeric") == outcome("breaks", "diverges") == "MISS"
    assert outcome("none", "numeric") == "over"
    assert outcome("none", "numeric", is_conditional=True) == "conditional"
    assert outcome("none", "none", is_conditional=True, is_mentioned=False) == "SILENT"
    assert outcome(None, "none") == "unmeasured"


def test_the_dates_are_those_of_the_parts_with_verdicts() -> None:
    assert set(DATES) == {verdict.part for verdict in VERDICTS}


def is_first(causes: Sequence[str], *, blamed: str = "", unjudged: str = "") -> bool | None:
    """Whether a report that blames one path, or leaves one not judged, names a cause first."""
    found = [SimpleNamespace(rule="some-rule", paths=(blamed,))] if blamed else []
    left = [SimpleNamespace(path=unjudged)] if unjudged else []
    likely = tuple(one.rule for one in found)
    report = SimpleNamespace(likely_causes=likely, findings=found, unjudged=left)
    return is_cause_first(cast(Report, report), causes)


def test_the_first_likely_cause_counts_before_what_is_not_judged() -> None:
    xgboost = "facts.packages.distributions[xgboost].version"
    polars = "facts.packages.distributions[polars].version"
    assert is_first(["xgboost"], blamed=xgboost, unjudged=polars) is True
    assert is_first(["polars"], blamed=xgboost, unjudged=polars) is False
    assert is_first(["polars"], unjudged=polars) is True
    assert is_first(["polars"]) is False
    assert is_first([], blamed=xgboost) is None


def test_a_cause_is_known_by_its_package_its_variable_or_its_path() -> None:
    assert is_first(["scikit-learn"], blamed="facts.frameworks.scikit_learn.version")
    assert is_first(["tensorflow-cpu"], blamed="facts.frameworks.tensorflow.version")
    assert is_first(["jaxlib"], blamed="facts.frameworks.jax.jaxlib_version")
    assert is_first(["OMP_NUM_THREADS"], blamed="facts.environ.variables[OMP_NUM_THREADS]")
    assert is_first(["facts.cpu.usable_threads"], blamed="facts.cpu.usable_threads")
    assert not is_first(["OMP_NUM_THREADS"], blamed="facts.cpu.usable_threads")


def test_conditional_pairs_and_unknown_causes_do_not_count_for_the_cause() -> None:
    def verdict(*, first: bool | None, conditional: bool = False) -> Verdict:
        return Verdict(
            "train", "x", "numeric", "numeric", (),
            is_conditional=conditional, is_cause_first=first,
        )  # fmt: skip

    found = [verdict(first=first) for first in (True, True, False, None)]
    (tally,) = tallies([*found, verdict(first=False, conditional=True)])
    assert tally.cause_first == "2 of 3 (67 %)"


def test_a_list_of_packages_is_read_as_pip_writes_it() -> None:
    text = "# a comment\nTorch_Thing==1.0\n-e git+https://x.example/y.git#egg=y\nnumpy==2.4.6 ; x\n"
    assert lists.pins(text) == {"torch-thing": "1.0", "numpy": "2.4.6"}


def test_a_library_that_moved_is_found_or_left_not_judged_and_tooling_is_quiet() -> None:
    before = {"numpy": "2.4.6", "torch": "2.13.0", "a-trainer": "1.0", "requests": "2.32.5"}
    after = {**before, "numpy": "1.26.4", "a-trainer": "1.1", "requests": "2.33.0"}
    found = lists.judge(lists.captured(before), lists.captured(after))
    assert found.moved == 3
    assert found.unjudged == {"unknown": 1}
    assert found.silent == ()


def test_a_library_of_which_the_report_says_nothing_is_silent() -> None:
    before, after = (lists.captured({"torch": "2.13.0", "timm": v}) for v in ("1.0.9", "1.1.0"))
    report = envprint.diff(before, after, device="cpu")
    mute = report._replace(findings=(), advice=(), undecided=(), unjudged=())
    assert lists.silent(report, before, after) == ()
    assert lists.silent(mute, before, after) == ("timm",)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_verdicts_on_real_captures_are_those_written_down() -> None:
    assert shutil.which("taskset"), "util-linux is needed: it brings taskset"
    chosen = [pair for pair in filter(is_judged_here, PAIRS) if holds_here(pair)]
    kept = {verdict.id: verdict for verdict in VERDICTS}
    judged = list(score(PARTS, [pair.id for pair in chosen]))
    assert len(judged) == len(chosen) > 60
    assert judged == [kept[pair.id] for pair in chosen]


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("name", "effect"), [("np.omp1", "numeric"), ("np.blas4", "none"), ("tf.detenv", "numeric")]
)
def test_a_measurement_can_be_repeated(name: str, effect: str) -> None:
    pair = next(pair for pair in PAIRS if pair.id == name)
    assert len(os.sched_getaffinity(0)) > 1, "with one CPU there is one thread on both sides"
    found = measure(pair, runs=2)
    assert (found.measured, found.repeats_itself) == (effect, True)
