"""From two fingerprints to their differences, with no opinion on what matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from envprint.core.comparison import Change, Comparison
from envprint.core.fields import Record, Shape, inner, step
from envprint.core.fingerprint import IMPORTED, REQUESTED, Fingerprint, Location, alike
from envprint.core.hidden import differ, is_inside_of
from envprint.core.redact import gather, replaced, replacements
from envprint.core.typed import Any

PREFIX = "facts.python.prefix"


def compare(before: Fingerprint, after: Fingerprint, shape: Record) -> Comparison:
    """Every path where both sides are known and differ, in order of path.

    `shape` is that of a whole fingerprint: which objects are records, and which are maps.
    A value that is unknown on either side is neither equal nor different, and is left out. Values
    hidden on both sides cannot be compared; their paths are kept in `hidden`. Of paths below the
    prefix of the environment, only what follows the prefix is compared.
    """
    if any(side.captured_via.startswith(IMPORTED) for side in (before, after)):
        from envprint.judging.imported import levelled  # most fingerprints are envprint's own

        before, after = levelled(before, after)
    places = Location.of(before.facts), Location.of(after.facts)
    unknown = (
        before.unknown.keys()
        | after.unknown.keys()
        | set(before.undeclared)
        | set(after.undeclared)
    )
    # Most documents hide nothing, which one look at the whole shows.
    is_hiding = is_inside_of(before.facts) or is_inside_of(before.live)
    hides = is_inside_of if is_hiding else _hides_nothing
    changes: list[Change | str] = []
    for place in ("facts", "live"):
        sides = getattr(before, place), getattr(after, place)
        changes += _changes(place, inner(shape, place), *sides, unknown, hides=hides)
    known = [
        change
        for change in changes
        if isinstance(change, Change) and change.path != REQUESTED and not _is_moved(change, places)
    ]
    hidden = sorted(path for path in changes if isinstance(path, str))
    return Comparison(
        before, after, tuple(sorted(known, key=lambda change: change.path)), tuple(hidden)
    )


def _is_moved(change: Change, places: tuple[Location, Location]) -> bool:
    """Whether both values are the same but for where the environment lies."""
    is_text = isinstance(change.before, (str, list)) and isinstance(change.after, (str, list))
    in_facts = change.path.startswith("facts.") and change.path != PREFIX
    return is_text and in_facts and alike(change.before, change.after, places)


_Hides = Callable[[Any], bool]
"""Whether a value contains the mark of a hidden word."""


def _hides_nothing(value: Any) -> bool:
    return False


def _changes(
    path: str, shape: Shape | None, before: Any, after: Any, unknown: set[str], *, hides: _Hides
) -> Iterator[Change | str]:
    """The changes at and inside `path`, and the paths of values hidden on both sides."""
    # Equal objects can both lack the same unknown field; that is no change either.
    if before == after and not hides(before):
        return
    if not (isinstance(before, (dict, Mapping)) and isinstance(after, (dict, Mapping))):
        is_other = differ(before, after)
        if is_other:
            yield Change.between(path, before, after)
        elif is_other is None:
            yield path
        return
    for key in _unequal(before, after, hides):
        there = path + step(shape, key)
        if there in unknown:
            continue
        if isinstance(shape, Record) and not (key in before and key in after):
            continue  # not recorded by one side
        one, other = before.get(key), after.get(key)
        yield from _changes(there, inner(shape, key), one, other, unknown, hides=hides)


def _unequal(before: Mapping[str, Any], after: Mapping[str, Any], hides: _Hides) -> list[str]:
    """The keys whose values are not simply equal."""
    found = [key for key, value in before.items() if after.get(key) != value or hides(value)]
    return found + [key for key in after if key not in before]


_TEXTS = ("facts", "live", "unknown", "label", "note", "tags")
_OF_USERS = ("environ", "determinism", "container", "code", "python")
"""Sections with what users write. Of the others, which are large, only differences are shown."""


def compare_without_secrets(before: Fingerprint, after: Fingerprint, shape: Record) -> Comparison:
    """Both fingerprints without secrets, and where they differ.

    A document that envprint has written has none. But people write documents by hand, other tools
    do, and so did earlier versions, while a report goes into logs and comments. What a rule says
    of a value may be any part of it, so secrets go before anything is judged.
    """
    comparison = compare(before, after, shape)
    texts: set[str] = set()
    gather([[change.path, change.before, change.after] for change in comparison.changes], texts)
    for side in (before, after):
        facts = {name: side.facts.get(name) for name in _OF_USERS}
        gather([facts, dict(side.unknown), side.label], texts)
    other = replacements(texts)
    if not other:
        return comparison
    return compare(_safe(before, other), _safe(after, other), shape)


def _safe(side: Fingerprint, other: dict[str, str]) -> Fingerprint:
    parts = ((name, getattr(side, name)) for name in _TEXTS)
    return side._replace(**{name: replaced(part, other) for name, part in parts})
