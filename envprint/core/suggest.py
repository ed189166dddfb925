"""Suggestions for a misspelt word."""

from __future__ import annotations

from collections.abc import Iterable

MAX_LETTERS = 80
"""A longer word was pasted, not typed, and is slow to compare."""


def closest(word: str, known: Iterable[str], count: int = 1, cutoff: float = 0.6) -> list[str]:
    """At most `count` of the `known` words that are spelt like `word`, closest first."""
    from difflib import get_close_matches

    return get_close_matches(word[:MAX_LETTERS], known, count, cutoff)


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """The closest of the `known` words as a question; `otherwise` if none is close."""
    near = closest(word, known := sorted(known))
    return f"did you mean {near[0]}?" if near else otherwise or f"known: {', '.join(known)}"
