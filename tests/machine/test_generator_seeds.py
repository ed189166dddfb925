"""Whether a generator was seeded, by what its library keeps of the seed."""

from __future__ import annotations

import os
import random
from types import SimpleNamespace
from typing import Any

import pytest

from envprint.machine import generator_seeds as seeds
from envprint.machine.generator_seeds import Seeding
from tests.builders.pretend import space

UNSEEDED = Seeding(False)


class Words(tuple[int, ...]):
    """An array of NumPy, as far as two of them are compared."""

    def __eq__(self, other: object) -> Any:
        return space(all=lambda: tuple(self) == tuple(other))  # type: ignore[arg-type]

    __hash__ = tuple.__hash__


def numpy(sequence: object, key: tuple[int, ...] = (7, 1, 2)) -> SimpleNamespace:
    """NumPy, whose state after `seed(7)` begins with 7."""

    def state(words: tuple[int, ...]) -> Any:
        return lambda legacy: {"state": {"key": Words(words)}}

    generator = space(_bit_generator=space(_seed_seq=sequence))
    return space(
        mtrand=space(_rand=generator),
        get_state=state(key),
        RandomState=lambda number: space(get_state=state((number, 1, 2))),
    )


def test_numpy_keeps_the_sequence_that_the_operating_system_gave() -> None:
    assert seeds.numpy_seed(numpy(space(entropy=2**127 + 1))) == UNSEEDED
    assert seeds.numpy_seed(numpy(space(entropy=5))) == Seeding(True, 5)
    assert seeds.numpy_seed(numpy(space(entropy=[1, 2]))) == Seeding(True)


def test_numpy_that_was_seeded_shows_the_seed_until_it_draws() -> None:
    assert seeds.numpy_seed(numpy(None)) == Seeding(True, 7)
    assert seeds.numpy_seed(numpy(None, (7, 8, 9))) == Seeding(True)


@pytest.mark.parametrize(
    ("number", "seeding"),
    [
        (0, Seeding(True, 0)),
        (2**32 - 1, Seeding(True, 2**32 - 1)),
        (2**64 - 1, Seeding(True, -1)),
        (2**52 + 1, UNSEEDED),
        (17208129901910444115, UNSEEDED),
    ],
)
def test_pytorch_takes_more_bits_from_the_operating_system_than_a_seed_has(
    number: int, seeding: Seeding
) -> None:
    assert seeds.torch_seed(space(initial_seed=lambda: number)) == seeding


def test_tensorflow_and_keras_keep_the_number_or_none() -> None:
    assert seeds.tensorflow_seed(space(_context=None)) == UNSEEDED
    assert seeds.tensorflow_seed(space(_context=space(_seed=7))) == Seeding(True, 7)
    assert seeds.keras_seed(space(GLOBAL_STATE_TRACKER=space())) == UNSEEDED
    tracker = space(global_random_seed=7)
    assert seeds.keras_seed(space(GLOBAL_STATE_TRACKER=tracker)) == Seeding(True, 7)
    assert seeds.keras_2_seed(space(_SEED_GENERATOR=space())) == UNSEEDED
    kept = space(generator=random.Random(7))
    assert seeds.keras_2_seed(space(_SEED_GENERATOR=kept)) == Seeding(True)


def test_tensorflows_generator_begins_with_a_seed_or_is_random_throughout() -> None:
    def generator(*words: int) -> Any:
        array = space(tolist=lambda: list(words))
        return space(global_generator=space(state=space(numpy=lambda: array)))

    assert seeds.tensorflow_generator_seed(generator(775, 0, 0)) == Seeding(True)
    assert seeds.tensorflow_generator_seed(generator(7, -2582711476614491650, 3)) == UNSEEDED


def test_pythons_generator_is_found_by_the_seeds_of_others() -> None:
    mine: Any = random.Random(7)
    mine.Random = random.Random
    assert seeds.python_seed(mine, [8, 7]) == Seeding(True, 7)
    for _ in range(300):
        mine.random()
    assert seeds.python_seed(mine, [7]) == Seeding(True, 7)
    assert seeds.python_seed(mine, [8]) == Seeding(None)
    assert seeds.python_seed(mine, []) == Seeding(None)


def test_the_seed_that_lightning_leaves_in_a_variable_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for value, known in (("42", [7, 42]), ("", [7]), ("x", [7]), ("9" * 40, [7])):
        monkeypatch.setenv("PL_GLOBAL_SEED", value)
        assert seeds.known_numbers([Seeding(True, 7), UNSEEDED, Seeding(None)]) == known


def test_a_process_has_one_name_and_a_fork_another(monkeypatch: pytest.MonkeyPatch) -> None:
    name = seeds.process_identity()
    assert seeds.process_identity() == name
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert seeds.process_identity() != name
