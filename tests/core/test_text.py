"""How texts are wrapped: as the library's own wrapper does it, which is too slow to load."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envprint.core.text import wrapped

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
