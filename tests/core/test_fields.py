"""What is checked by columns is checked like each value: shapes of fields and what fits them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envprint.core.fields import (
    ANYTHING,
    FLAG,
    INTEGER,
    NUMBER,
    TEXT,
    Field,
    ListOf,
    MapOf,
    NotWholeError,
    Record,
    Scalar,
    Shape,
    ShapeFault,
    record,
    require,
    size_of_whole,
)
from envprint.core.redact import gather
from envprint.core.text import size_of

LIMIT = 1 << 40
SCALARS = (TEXT, INTEGER, NUMBER, FLAG)
ONE = record(Field("only", ListOf(TEXT), ""))
DEEP = MapOf(record(Field("a", TEXT, ""), Field("b", ListOf(ONE), ""), Field("c", NUMBER, "")))
SHAPES: tuple[Shape, ...] = (*SCALARS, ANYTHING, ONE, DEEP, MapOf(FLAG), ListOf(MapOf(INTEGER)))

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)


def near(shape: Shape) -> st.SearchStrategy[Any]:
    """Values of a shape, some of which have a fault somewhere."""
    if isinstance(shape, Scalar):
        return LEAVES
    if isinstance(shape, ListOf):
        return st.lists(near(shape.item), max_size=3) | LEAVES
    if isinstance(shape, MapOf):
        names = st.text("ab\xe9", max_size=2) | st.integers(0, 1)
        return st.dictionaries(names, near(shape.item), max_size=3) | LEAVES
    assert isinstance(shape, Record)
    fields = {field.name: near(field.shape) for field in shape.fields}
    more = {"undeclared": LEAVES}
    return st.fixed_dictionaries(fields, optional=more) | st.fixed_dictionaries({}, optional=fields)


@given(st.sampled_from(SHAPES).flatmap(lambda one: st.tuples(st.just(one), near(one))))
def test_what_is_whole_fits_and_has_the_size_and_the_texts_of_its_parts(
    given_: tuple[Shape, Any],
) -> None:
    shape, value = given_
    texts: set[str] = set()
    try:
        size = size_of_whole(shape, [value], texts, LIMIT)
    except NotWholeError:
        return
    require(shape, value)
    assert (size, True) == size_of(value, LIMIT)
    gathered: set[str] = set()
    gather([value], gathered)
    assert gathered - names_of_fields(shape) <= texts <= gathered


def names_of_fields(shape: Shape) -> set[str]:
    """The declared names in a shape."""
    if isinstance(shape, Record):
        inside = (names_of_fields(field.shape) for field in shape.fields)
        return {field.name for field in shape.fields}.union(*inside)
    return set() if isinstance(shape, Scalar) else names_of_fields(shape.item)


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        (TEXT, "a"),
        (NUMBER, 1.5),
        (DEEP, {"x": {"a": None, "b": [{"only": ["y"]}, {"only": []}], "c": 1}}),
        (DEEP, {"x": {"a": "z", "b": None, "c": None}}),
        (MapOf(FLAG), {"x": None, "y": True}),
        (ListOf(MapOf(INTEGER)), [{}, {"x": 1 << 60}]),
        (ListOf(TEXT), None),
    ],
)
def test_a_usual_value_is_whole(shape: Shape, value: Any) -> None:
    assert size_of_whole(shape, [value], set(), LIMIT) == size_of(value, LIMIT)[0]


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        (ANYTHING, 1),
        (TEXT, "\xe9"),
        (NUMBER, float("nan")),
        (INTEGER, 1 << 65),
        (INTEGER, True),
        (ONE, {}),
        (ONE, {"only": [], "other": 1}),
        (ListOf(ONE), [{"only": []}, {"other": []}]),
        (ListOf(ONE), [None]),
        (ListOf(TEXT), ("a",)),
        (MapOf(FLAG), {None: True}),
        (MapOf(ONE), {"x": None}),
        (TEXT, "long" * 100),
        (ListOf(TEXT), [""] * 100),
    ],
)
def test_what_only_its_parts_can_judge_is_not_whole(shape: Shape, value: Any) -> None:
    texts: set[str] = set()
    with pytest.raises(NotWholeError):
        size_of_whole(shape, [value], texts, 200)


def test_a_fault_is_found_whichever_way_a_value_is_checked() -> None:
    with pytest.raises(NotWholeError):
        size_of_whole(TEXT, [1], set(), LIMIT)
    with pytest.raises(ShapeFault):
        require(TEXT, 1)
