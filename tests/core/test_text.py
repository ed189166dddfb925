"""How texts are wrapped: as the library's own wrapper does it, which is too slow to load."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envprint.core.text import block, columns, recordable, size_of, table, wrapped

TEXTS = st.text(alphabet="ab-/.é \u2192", max_size=120)


@given(TEXTS.map(lambda text: text.strip(" ")), st.integers(4, 40))
def test_a_text_is_wrapped_as_the_library_wraps_it(text: str, width: int) -> None:
    bound = text.replace("→ ", "→\xa0")
    lines = textwrap.wrap(bound, width, break_long_words=False, break_on_hyphens=False)
    assert wrapped(text, width) == ([line.replace("→\xa0", "→ ") for line in lines] or [""])


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("one two three", ["one two", "three"]),
        ("a-very-long-word that stays", ["a-very-long-word", "that", "stays"]),
        ("before → after it", ["before", "→ after", "it"]),
    ],
)
def test_words_are_never_broken_and_an_arrow_stays_with_what_follows(
    text: str, lines: list[str]
) -> None:
    assert wrapped(text, 8) == lines


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("numpy", 5),
        ("雪だるま", 8),
        ("é", 1),
        ("e\u0301", 1),
        ("ｗｉｄｅ", 8),
        ("→", 1),
        ("⌚", 2),
        ("", 0),
    ],
)
def test_a_text_takes_the_columns_that_a_terminal_gives_it(text: str, width: int) -> None:
    assert columns(text) == width


def test_columns_of_a_table_stay_below_each_other_whatever_the_letters() -> None:
    rows = [("name", "version"), ("雪だるま", "1.0"), ("e\u0301te\u0301", "2.0"), ("numpy", "3.0")]
    lines = table(rows).splitlines()
    ends = [line.rindex(cell) for line, (_, cell) in zip(lines, rows, strict=True)]
    assert {columns(line[:end]) for line, end in zip(lines, ends, strict=True)} == {10}


def test_wide_letters_are_wrapped_by_the_columns_they_take() -> None:
    lines = wrapped("雪だるま " * 10, 20)
    assert len(lines) == 5
    assert max(map(columns, lines)) <= 20
    assert list(block("雪", "a b")) == ["雪        a b"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner)
        | st.dictionaries(st.integers() | st.none(), inner, max_size=2)
    ),
    max_leaves=20,
)


def count_of(value: Any) -> int:
    """The size of a value, item by item."""
    if isinstance(value, (str, bytes)):
        return 16 + (len(value) if value.isascii() else 6 * len(value))
    if isinstance(value, dict):
        return 16 + sum(map(count_of, [*value, *value.values()]))
    return 16 + sum(map(count_of, value if isinstance(value, (list, tuple)) else ()))


@given(JSON)
def test_a_size_is_that_of_all_items_and_what_is_plain_is_recorded_as_it_is(value: Any) -> None:
    size, is_plain = size_of(value, 1 << 40)
    assert size == count_of(value)
    try:
        is_unchanged = repr(recordable(value)) == repr(value)
    except (ValueError, AttributeError):
        is_unchanged = False
    assert is_unchanged or not is_plain
    if is_unchanged and repr(value).isascii() and "\\" not in repr(value):
        assert is_plain, "then it need not be copied"
    with pytest.raises(ValueError, match="larger"):
        size_of(value, size - 1)
