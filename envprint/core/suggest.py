"""What was probably meant by a word that is not known."""

from __future__ import annotations

from collections.abc import Iterable

MAX_LETTERS = 80
"""Whoever types more has pasted something else; comparing the spelling takes long then."""


def closest(word: str, known: Iterable[str], count: int = 1, cutoff: float = 0.6) -> list[str]:
    """At most `count` of the `known` words that are spelt like `word`, the most alike first."""
    from difflib import get_close_matches

    return get_close_matches(word[:MAX_LETTERS], known, count, cutoff)


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """The closest of the `known` words as a question; where none is close, what else to say."""
    near = closest(word, known := sorted(known))
    return f"did you mean {near[0]}?" if near else otherwise or f"known: {', '.join(known)}"
