"""Requirements: wanted, not installed."""

from __future__ import annotations

import pytest

from envprint.core.errors import UnknownValueError
from tests.builders.records import REQUIREMENTS, take_in, version_of


def test_what_is_pinned_has_a_version_whatever_hashes_and_comments_follow() -> None:
    found = take_in(REQUIREMENTS)
    assert version_of(found, "numpy") == "1.26.4"
    assert version_of(found, "lib") == "0.3"
    assert found.value("facts.packages.distributions[lib].origin.url").startswith("https://example")


@pytest.mark.parametrize("name", ["torch", "jax", "pandas"])
def test_a_range_and_what_is_not_named_are_unknown(name: str) -> None:
    with pytest.raises(UnknownValueError):
        version_of(take_in(REQUIREMENTS), name)
