"""Each reader refuses as it declares, or reads: a short form of the campaign beside this file."""

from __future__ import annotations

import random

import pytest

from tests.faults.campaign import Count
from tests.faults.mutate import mutated
from tests.faults.readers import READERS

INPUTS = 150


@pytest.mark.parametrize("name", READERS)
def test_a_malformed_input_is_refused_or_read(name: str) -> None:
    reader, chance, count = READERS[name], random.Random(name), Count()
    for seed in reader.seeds:
        count.take(reader, seed)
    for _ in range(INPUTS):
        count.take(reader, mutated(reader.seeds, chance))
    assert count.faults == []
