"""The published GPU cases are whole machines with a source each, and their verdicts are known.

Where a verdict differs from the truth, the table below says so with the cause. It is the whole
list: a rule that gets better, or worse, makes it stale.
"""

from __future__ import annotations

import re

import pytest

from envprint.core.fields import ListOf, MapOf, Shape, inner
from envprint.core.fingerprint import split_path
from envprint.documents.codec import dumps, fingerprint_shape
from envprint.documents.validate import faults
from tests.benchmarks.accuracy import published
from tests.benchmarks.accuracy.published import Case
from tests.benchmarks.accuracy.score import verdict_on_published
from tests.benchmarks.accuracy.verdict import PUBLISHED, tallies

CASES = {case.id: case for case in published.load()}

OTHERWISE = {
    "gpu.maxwell-pascal": ("none", "numeric", "equal bits that nothing promises"),
    "gpu.2080ti-titanrtx": ("none", "numeric", "equal bits that nothing promises"),
}
"""Case to truth, verdict and why they differ; all of them over-warnings."""


def test_there_are_enough_cases_of_every_kind() -> None:
    assert len(CASES) == len(published.load()) >= 24
    for key in ("measured", "kind"):
        assert {getattr(case, key) for case in CASES.values()} == {
            "measured": {"none", "numeric", "diverges", "breaks"},
            "kind": {"measured", "stated"},
        }[key]


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_case_names_its_source_and_what_it_says(case: Case) -> None:
    assert re.fullmatch(r"gpu\.[a-z0-9-]+", case.id)
    assert case.source.startswith("https://")
    assert case.framework in ("jax", "tensorflow", "torch")
    assert case.device == "gpu"
    assert len(case.said) > 40 and case.said.endswith(".")
    assert case.conditional is None or case.conditional.startswith("Code that ")
    assert case.before != case.after


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_both_sides_are_valid_documents(case: Case) -> None:
    for side in published.sides(case):
        assert faults(dumps(side).encode(), case.id) == []


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_every_path_of_a_case_is_declared(case: Case) -> None:
    assert [path for path in sorted(published.paths(case)) if not is_declared(path)] == []


def is_declared(path: str) -> bool:
    """Whether the published schema has this place."""
    shape: Shape | None = fingerprint_shape()
    for key in split_path(path):
        shape = shape.item if isinstance(shape, (MapOf, ListOf)) else inner(shape, key)
    return shape is not None


def test_a_path_that_nothing_declares_is_found() -> None:
    assert is_declared("facts.gpu.devices[0].sm_count")
    assert not is_declared("facts.gpu.devices[0].sm_counts")


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_machine_has_the_driver_and_the_memory_of_its_cards(case: Case) -> None:
    for side in published.sides(case):
        if "facts.gpu.devices" in side.unknown:
            continue
        cards, live = side.value("facts.gpu.devices"), side.value("live.gpu.devices")
        assert len(cards) == side.value("facts.gpu.count") == len(live)
        assert len({card["uuid"] for card in cards.values()}) == len(cards)
        for index, now in live.items():
            parts = ("memory_free_bytes", "memory_used_bytes", "memory_reserved_bytes")
            assert sum(now[part] for part in parts) == cards[index]["memory_total_bytes"]
        if cards:
            version = side.value("facts.gpu.driver_version")
            assert side.value("facts.cuda.driver_library.version") == version
            assert side.value("facts.cuda.kernel_module_version") == version


def test_the_verdicts_are_these() -> None:
    verdicts = [verdict_on_published(case) for case in CASES.values()]
    otherwise = {
        v.id: (v.measured, v.forecast)
        for v in verdicts
        if v.outcome not in ("exact", "conditional")
    }
    assert otherwise == {name: row[:2] for name, row in OTHERWISE.items()}
    (tally,) = tallies(verdicts)
    conditional = [case for case in CASES.values() if case.conditional]
    assert (tally.counted, tally.misses) == (len(CASES) - len(conditional), 0)


def test_a_case_whose_code_decides_is_not_counted_and_must_be_spoken_of() -> None:
    case = CASES["gpu.cublas-workspace"]
    verdict = verdict_on_published(case)
    assert (verdict.part, verdict.outcome) == (PUBLISHED, "conditional")
    assert verdict.rules == ("cublas-workspace-changed",)
    silent = verdict_on_published(case._replace(after=case.before))
    assert (silent.forecast, silent.outcome) == ("none", "SILENT")
    counted = verdict_on_published(case._replace(conditional=None))
    assert (counted.forecast, counted.outcome) == ("numeric", "MISS")
