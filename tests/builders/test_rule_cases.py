"""Tests of rules are called as pytest calls them."""

from __future__ import annotations

import pytest

from tests.builders.rule_cases import calls


def test_marks_are_combined_and_a_test_without_marks_is_called_once() -> None:
    @pytest.mark.parametrize(("a", "b"), [(1, 2), pytest.param(3, 4, id="named")])
    @pytest.mark.parametrize("c", [(5, 6)])
    def marked(a: int, b: int, c: object) -> None: ...

    def plain() -> None: ...

    assert list(calls(marked)) == [{"a": 1, "b": 2, "c": (5, 6)}, {"a": 3, "b": 4, "c": (5, 6)}]
    assert list(calls(plain)) == [{}]


def test_a_test_of_a_rule_that_wants_a_fixture_is_refused() -> None:
    def wanting(tmp_path: object) -> None: ...

    with pytest.raises(AssertionError, match="wants a fixture"):
        next(calls(wanting))
