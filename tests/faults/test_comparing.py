"""Places of the comparison that mutants have shown no other test to look at."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fields import TEXT, Field, ListOf, MapOf, Record, record
from envprint.judging.compare import compare, compare_without_secrets
from tests.builders.support import fingerprint

TOKEN = "ghp_" + "a1B2" * 9
PYTHON = record(Field("prefix", TEXT, ""), Field("path", ListOf(TEXT), ""), Field("n", TEXT, ""))
SHAPE: Record = record(
    Field("facts", record(Field("python", PYTHON, ""), Field("e", MapOf(TEXT), "")), ""),
    Field("live", record(Field("host", record(Field("path", TEXT, "")), "")), ""),
)


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    found = compare(fingerprint(before), fingerprint(after), SHAPE)
    return [change.path for change in found.changes]


def test_a_text_that_differs_only_by_the_prefix_is_no_change_but_the_prefix_is() -> None:
    before = {"facts.python.prefix": "/a", "facts.python.path": ["/a/lib"]}
    after = {"facts.python.prefix": "/b", "facts.python.path": ["/b/lib"]}
    assert changed(before, after) == ["facts.python.prefix"]


def test_in_live_values_a_place_counts() -> None:
    before = {"facts.python.prefix": "/a", "live.host.path": "/a/x"}
    after = {"facts.python.prefix": "/b", "live.host.path": "/b/x"}
    assert "live.host.path" in changed(before, after)


def test_a_text_and_a_list_are_compared_as_they_are() -> None:
    assert changed({"facts.python.n": "a"}, {"facts.python.n": None}) == ["facts.python.n"]
    assert changed({"facts.python.n": ["a"]}, {"facts.python.n": "a"}) == ["facts.python.n"]


def test_a_value_that_is_hidden_on_both_sides_is_hidden_and_no_change() -> None:
    before, after = ({"facts.e": {"A": f"<hidden> {n}"}} for n in (1, 1))
    found = compare(fingerprint(before), fingerprint(after), SHAPE)
    assert (found.changes, found.hidden) == ((), ("facts.e[A]",))


def test_secrets_of_a_document_are_gone_before_anything_is_judged() -> None:
    before, after = ({"facts.e": {"A": f"{TOKEN}{n}"}} for n in (1, 2))
    sides = [fingerprint(one)._replace(label=TOKEN, note=TOKEN) for one in (before, after)]
    found = compare_without_secrets(sides[0], sides[1], SHAPE)
    assert TOKEN not in str(found)
    assert found.before.label == "<hidden>"
    clean = fingerprint({"facts.e": {"A": "x"}})
    same = compare_without_secrets(clean, clean, SHAPE)
    assert same.before is clean


def test_changes_are_sorted_and_found_below_their_prefix_only() -> None:
    before, after = ({"facts.e": {"B": n, "A": n, "AB": n}} for n in ("1", "2"))
    found = compare(fingerprint(before), fingerprint(after), SHAPE)
    paths = ["facts.e[AB]", "facts.e[A]", "facts.e[B]"]
    assert [change.path for change in found.changes] == paths
    assert found.under("facts.e") == tuple(paths)
    assert found.under("facts.e[A]") == ("facts.e[A]",)
    assert found.under("facts.e[A") == ()
    assert found.under("facts.e[A]", "facts.e[B]") == ("facts.e[A]", "facts.e[B]")
    assert found.change("facts.e[AB]") == found.changes[0]
    assert found.change("facts.e[C]") is None
    same = compare(fingerprint(before), fingerprint(before), SHAPE)
    assert same.under("facts") == ()


def test_a_map_that_is_absent_on_one_side_has_changed_as_a_whole() -> None:
    found = compare(fingerprint({"facts.e": None}), fingerprint({"facts.e": {"A": "1"}}), SHAPE)
    assert found.under("facts.e[A]") == ("facts.e",)
    assert found.under("facts.python") == ()


def test_changes_and_what_is_hidden_stand_apart() -> None:
    before = {"facts.e": {"A": "<hidden>", "B": "1", "C": "<hidden>"}}
    after = {"facts.e": {"A": "<hidden>", "B": "2", "C": "<hidden>"}}
    found = compare(fingerprint(before), fingerprint(after), SHAPE)
    assert [change.path for change in found.changes] == ["facts.e[B]"]
    assert found.hidden == ("facts.e[A]", "facts.e[C]")


@pytest.mark.parametrize(
    ("side", "may"),
    [
        ({"facts.e": {"A": "1"}}, False),
        ({"facts.e": {"A": "2"}}, True),
        ({"facts.e": {"A": "1", "B": "2"}}, True),
        ({"facts.e": {"A": "1"}, "facts.python.n": "a"}, False),
        ({"facts.e": {"A": "1"}, "unknown": "facts.e[B]"}, True),
        ({"facts.e": {"A": "1"}, "unknown": "facts.e"}, True),
        ({"facts.e": {"A": "1"}, "unknown": "facts.python.n"}, False),
        ({"facts.e": {"A": "1"}, "undeclared": "facts.e[B].x"}, True),
        ({"facts.e": {"A": "1"}, "undeclared": "facts.python.x"}, False),
    ],
)
def test_a_place_may_differ_by_a_value_and_by_what_is_not_known_in_it(
    side: dict[str, Any], may: bool
) -> None:
    unknown, undeclared = side.pop("unknown", None), side.pop("undeclared", None)
    other = fingerprint(side, {unknown: "why"} if unknown else None)
    other = other._replace(undeclared=(undeclared,) if undeclared else ())
    plain = fingerprint({"facts.e": {"A": "1"}})
    for sides in ((plain, other), (other, plain)):
        assert compare(*sides, SHAPE).may_differ("facts.e") is may


def test_a_place_with_a_hidden_value_may_differ() -> None:
    sides = [fingerprint({"facts.e": {"A": "<hidden>"}, "facts.python.n": "a"}) for _ in range(2)]
    found = compare(*sides, SHAPE)
    assert (found.may_differ("facts.e"), found.may_differ("facts.python")) == (True, False)
