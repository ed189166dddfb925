"""Compares two fingerprints: lists the differences and does not judge them.

Pure, except that the published schema, which defines what a record is, is read once per process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from envprint.core.comparison import Change, Comparison
from envprint.core.fields import Record, Shape, inner, step
from envprint.core.fingerprint import Fingerprint
from envprint.core.hidden import differ, is_inside_of
from envprint.documents.published_shape import shape_of


def compare(before: Fingerprint, after: Fingerprint) -> Comparison:
    """Every path where both sides are known and differ, in order of path.

    A value that is unknown on either side is neither equal nor different, and is left out. Values
    hidden on both sides cannot be compared; their paths are kept in `hidden`.
    """
    unknown = (
        before.unknown.keys() | after.unknown.keys() | set(before.foreign) | set(after.foreign)
    )
    changes: list[Change | str] = []
    for place in ("facts", "live"):
        sides = getattr(before, place), getattr(after, place)
        changes += _changes(place, shape_of(place), *sides, unknown)
    known = [change for change in changes if isinstance(change, Change)]
    hidden = sorted(path for path in changes if isinstance(path, str))
    return Comparison(
        before, after, tuple(sorted(known, key=lambda change: change.path)), tuple(hidden)
    )


def _changes(
    path: str, shape: Shape | None, before: Any, after: Any, unknown: set[str]
) -> Iterator[Change | str]:
    """The changes at and inside `path`, and the paths of values hidden on both sides."""
    # Equal objects can both lack the same unknown field; that is no change either.
    if before == after and not is_inside_of(before):
        return
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        is_other = differ(before, after)
        if is_other:
            yield Change.between(path, before, after)
        elif is_other is None:
            yield path
        return
    for key in sorted(before.keys() | after.keys()):
        there = path + step(shape, key)
        if there in unknown:
            continue
        if isinstance(shape, Record) and not (key in before and key in after):
            continue  # not recorded by one side
        yield from _changes(there, inner(shape, key), before.get(key), after.get(key), unknown)
