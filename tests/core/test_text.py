"""How texts are wrapped: as the library's own wrapper does it, which is too slow to load."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envprint.core.text import recordable, size_of, wrapped

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


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
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
    except ValueError:
        is_unchanged = False
    assert is_unchanged or not is_plain
    if is_unchanged and repr(value).isascii() and "\\" not in repr(value):
        assert is_plain, "then it need not be copied"
    with pytest.raises(ValueError, match="larger"):
        size_of(value, size - 1)
