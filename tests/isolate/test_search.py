"""The search for the smallest sets, on simulated jobs."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import pytest

from envprint.core.isolation import Answer, Outcome
from envprint.isolate.search import SmallestSets, StopSearch, Unresolved

NAMES = tuple(f"s{number}" for number in range(40))
Job = Callable[[frozenset[str]], Outcome]


def as_result(is_current: bool) -> Outcome:
    return Outcome.CURRENT if is_current else Outcome.BASELINE


class Asked:
    """A simulated job, and how often it ran."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.sets: list[frozenset[str]] = []

    def __call__(self, switched: frozenset[str]) -> Outcome:
        assert switched not in self.sets, "each set is asked for once"
        self.sets.append(switched)
        return self.job(switched)


def searched(
    job: Job, order: tuple[str, ...] = NAMES, needs: Mapping[str, frozenset[str]] | None = None
) -> tuple[Answer, Asked]:
    asked = Asked(job)
    return SmallestSets(order, needs or {}, asked).run(), asked


def several(*causes: str) -> Job:
    """Independent numeric causes: some of them give a third result."""

    def job(switched: frozenset[str]) -> Outcome:
        acting = switched & set(causes)
        some = Outcome.OTHER if acting else Outcome.BASELINE
        return Outcome.CURRENT if len(acting) == len(causes) else some

    return job


@pytest.mark.parametrize("place", range(5))
def test_a_cause_among_the_first_five_takes_at_most_12_trials(place: int) -> None:
    answer, asked = searched(several(NAMES[place]))
    assert answer.cause == answer.fix == (NAMES[place],)
    assert len(asked.sets) <= 12


@pytest.mark.parametrize("place", range(40))
def test_a_cause_anywhere_takes_at_most_20_trials(place: int) -> None:
    answer, asked = searched(several(NAMES[place]))
    assert answer.cause == answer.fix == (NAMES[place],)
    assert answer.is_minimal
    assert answer.rest is Outcome.BASELINE
    assert len(asked.sets) <= 20


def test_the_first_switch_as_the_only_cause_takes_one_trial_and_one_for_the_fix() -> None:
    _, asked = searched(several("s0"))
    assert len(asked.sets) == 2


@pytest.mark.parametrize("seed", range(30))
def test_independent_causes_are_all_found_although_some_of_them_give_a_third_result(
    seed: int,
) -> None:
    dice = random.Random(seed)
    causes = dice.sample(NAMES, dice.choice([2, 3, 5]))
    answer, _ = searched(several(*causes))
    assert set(answer.cause) == set(answer.fix) == set(causes)
    assert {answer.alone[name] for name in causes} == {Outcome.OTHER}


def test_two_that_act_only_together_are_one_cause_and_either_is_the_fix() -> None:
    answer, _ = searched(lambda switched: as_result({"s3", "s20"} <= switched))
    assert answer.cause == ("s3", "s20")
    assert answer.fix == ("s3",)
    assert answer.alone["s3"] is answer.alone["s20"] is Outcome.BASELINE


def test_two_redundant_ones_are_a_cause_each_and_the_fix_needs_both() -> None:
    answer, _ = searched(lambda switched: as_result(bool({"s3", "s20"} & switched)))
    assert answer.cause == ("s3",)
    assert answer.fix == ("s3", "s20")
    assert answer.rest is Outcome.CURRENT


def test_no_set_is_run_that_leaves_out_what_a_switch_needs() -> None:
    needs = {"s1": frozenset(["s9"]), "s9": frozenset(["s10"])}
    answer, asked = searched(several("s10"), needs=needs)
    assert all(
        needs[name] <= switched for name in needs for switched in asked.sets if name in switched
    )
    assert (answer.cause, answer.along) == (("s10",), ())
    assert set(answer.fix_along) == {"s1", "s9"}  # they need s10, so they go back with it


def test_what_a_cause_needs_is_named_apart_from_the_cause() -> None:
    answer, _ = searched(several("s1"), needs={"s1": frozenset(["s9"])})
    assert (answer.cause, answer.along) == (("s1",), ("s9",))
    assert (answer.fix, answer.fix_along) == (("s1",), ())


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("pairs", [1, 4, 8])
def test_a_trial_without_a_result_is_never_a_no(seed: int, pairs: int) -> None:
    dice = random.Random(seed)
    names = dice.sample(NAMES, 2 * pairs)
    halves = list(zip(names[::2], names[1::2], strict=True))
    cause = dice.choice(NAMES)

    def job(switched: frozenset[str]) -> Outcome:
        if any((one in switched) != (other in switched) for one, other in halves):
            return Outcome.NOT_RUN
        return as_result(cause in switched)

    answer, _ = searched(job)
    expected = next((set(pair) for pair in halves if cause in pair), {cause})
    assert {*answer.cause, *answer.along} == expected
    assert {*answer.fix, *answer.fix_along} == expected


def test_two_that_run_only_together_are_one() -> None:
    answer, _ = searched(lambda _: Outcome.NOT_BUILT, NAMES[:2])
    assert {*answer.cause, *answer.along} == set(NAMES[:2])


def test_where_only_both_ends_give_a_result_there_is_no_answer() -> None:
    with pytest.raises(Unresolved):
        searched(lambda _: Outcome.NOT_BUILT, NAMES[:4])


def test_a_search_that_is_cut_short_names_the_best_set_so_far_and_claims_nothing_more() -> None:
    left = 4

    def job(switched: frozenset[str]) -> Outcome:
        nonlocal left
        if not left:
            raise StopSearch
        left -= 1
        return as_result("s6" in switched)

    answer, _ = searched(job)
    assert not answer.is_minimal
    assert answer.cause == NAMES[:8]
    assert answer.fix == ()


def test_the_trials_on_made_cases_are_those_of_the_guide() -> None:
    counts = []
    for seed in range(20):
        _, asked = searched(several(random.Random(seed).choice(NAMES)))
        counts.append(len(asked.sets))
    assert (round(sum(counts) / 20, 1), max(counts)) == COUNTED


COUNTED = (12.2, 15)
"""Mean and largest number of trials for one cause among 40, in any order."""
