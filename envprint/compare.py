"""From two fingerprints to their differences, with no opinion on what matters.

Pure but for the published schema, which says what is a record and is read once in a process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from envprint.fields import Record, Shape, inner, step
from envprint.model import Change, Comparison, Fingerprint
from envprint.shapes import shape_of


def compare(before: Fingerprint, after: Fingerprint) -> Comparison:
    """Every place where both sides are known and disagree, in order of path.

    What is unknown on either side is left out: it is neither equal nor different.
    """
    unknown = (
        before.unknown.keys() | after.unknown.keys() | set(before.foreign) | set(after.foreign)
    )
    changes: list[Change] = []
    for place in ("facts", "live"):
        sides = getattr(before, place), getattr(after, place)
        changes += _changes(place, shape_of(place), *sides, unknown)
    return Comparison(before, after, tuple(sorted(changes, key=lambda change: change.path)))


def _changes(
    path: str, shape: Shape | None, before: Any, after: Any, unknown: set[str]
) -> Iterator[Change]:
    # Two equal objects may still lack the same unknown field: no change either way.
    if before == after:
        return
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        yield Change.between(path, before, after)
        return
    for key in sorted(before.keys() | after.keys()):
        there = path + step(shape, key)
        if there in unknown:
            continue
        if isinstance(shape, Record) and not (key in before and key in after):
            continue  # not recorded by one side
        yield from _changes(there, inner(shape, key), before.get(key), after.get(key), unknown)
