"""What a misspelt word was meant to be."""

from __future__ import annotations

from envprint.core.suggest import closest, did_you_mean

KNOWN = ["fail_on", "frameworks", "ignore"]


def test_the_closest_word_comes_first_and_none_where_none_is_close() -> None:
    assert closest("framework", KNOWN, count=3)[0] == "frameworks"
    assert closest("xyz", KNOWN) == []


def test_a_question_names_one_word_and_else_what_there_is() -> None:
    assert did_you_mean("fail-on", KNOWN) == "did you mean fail_on?"
    assert did_you_mean("xyz", {"b", "a"}) == "known: a, b"
    assert did_you_mean("xyz", KNOWN, "`envprint explain` lists them") == (
        "`envprint explain` lists them"
    )


def test_what_was_pasted_by_mistake_is_compared_in_no_time() -> None:
    assert closest("ignore" * 100_000, KNOWN, count=3, cutoff=0.9) == []
