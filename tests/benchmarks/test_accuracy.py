"""The accuracy data is sound, the page is what the data says, and a part of it is judged anew."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.accuracy import page, published
from tests.benchmarks.accuracy.measure import measure
from tests.benchmarks.accuracy.pair import HERE, PARTS, Pair, Side, load
from tests.benchmarks.accuracy.score import score, verdict_on_published
from tests.benchmarks.accuracy.verdict import ORDER, Verdict, tallies
from tests.builders.environments import KEPT
from tests.builders.golden_files import must_equal

PAIRS = load()
DATE, VERDICTS = page.kept()
JUDGED_HERE = {
    *("tf221.txt", "pt213.txt", "npsk.txt", "npo_2_4_6.txt", "npo_1_26_4.txt", "np_2_2_6.txt"),
    *("jax_0_10_2.txt", "sp_1_17_1.txt"),
}
"""Requirements that CI installs: most pairs differ in a variable or in the affinity alone."""
WRITE = "python -m tests.benchmarks.accuracy.score --write"
NEEDS_AVX512 = "CPU ISA"
NEEDS_AMD = frozenset(["pt.mklinstr"])
"""Measured on an AMD processor, where MKL does not obey the variable, as the verdict then says."""
NEEDS_NO_BF16 = frozenset(["tf.fpmath", "torch.fpmath"])
"""Measured where the processor has no instructions for bfloat16, so that the mode has no effect."""

each_pair = pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.id)


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
            patch.setenv(KEPT, str(tmp_path_factory.mktemp("accuracy")))
        yield


@each_pair
def test_a_pair_names_what_exists(pair: Pair) -> None:
    assert pair.measured in ORDER
    assert (HERE / "jobs" / f"{pair.job}.py").exists()
    for side in sides(pair):
        assert (HERE / "requirements" / side.requirements).exists()


@each_pair
def test_the_two_sides_of_a_pair_differ(pair: Pair) -> None:
    assert pair.before != pair.after
    assert pair.runs and pair.runs >= 3


def test_ids_are_unique_and_the_verdicts_cover_them() -> None:
    ids = [pair.id for pair in PAIRS] + [case.id for case in published.load()]
    assert len(set(ids)) == len(ids)
    kept = [(verdict.id, verdict.measured) for verdict in VERDICTS]
    data = [(row.id, row.measured) for row in (*PAIRS, *published.load())]
    assert sorted(kept) == sorted(data), f"run\n{WRITE}"


def test_requirements_are_pinned_and_used() -> None:
    used = {side.requirements for pair in PAIRS for side in sides(pair)}
    files = {file.name for file in (HERE / "requirements").iterdir()}
    assert files == used
    for name in used:
        for line in (HERE / "requirements" / name).read_text().splitlines():
            assert re.fullmatch(r"[\w.-]+==[\w.+]+", line), (name, line)


def test_jobs_are_used() -> None:
    files = {file.stem for file in (HERE / "jobs").glob("[a-z]*.py")}
    assert files == {pair.job for pair in PAIRS}


def test_the_page_is_made_of_the_data() -> None:
    must_equal(page.PAGE, page.page(), WRITE)


def test_the_readme_quotes_the_figures() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    for tally in tallies(VERDICTS):
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


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_verdicts_on_real_captures_are_those_written_down() -> None:
    assert shutil.which("taskset"), "util-linux is needed: it brings taskset"
    flags = Path("/proc/cpuinfo").read_text()
    chosen = [
        pair
        for pair in filter(is_judged_here, PAIRS)
        # On a lesser processor a limit at AVX2 is none, as the verdict then says.
        if pair.area != NEEDS_AVX512 or "avx512bw" in flags
        if pair.id not in NEEDS_AMD or "AuthenticAMD" in flags
        if pair.id not in NEEDS_NO_BF16 or "_bf16" not in flags
    ]
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
