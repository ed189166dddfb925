"""Two fingerprints and where they differ."""

from collections.abc import Callable, Iterator
from itertools import chain, takewhile

from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import IMPORTED, NOT_REQUESTED, Fingerprint, around, is_inside
from envprint.core.hidden import REASON, differ
from envprint.core.typed import Any, NamedTuple

OF_RECORDS = " in what both sides hold"
"""Somebody else's record holds little: nobody may take that for the whole."""


class Change(NamedTuple):
    """Two known values disagree at one path; `kind` is added, removed or changed."""

    path: str
    kind: str
    before: Any
    after: Any

    @classmethod
    def between(cls, path: str, before: Any, after: Any) -> "Change":
        """The change at `path` from one value to another; None stands for absent."""
        kind = "added" if before is None else "removed" if after is None else "changed"
        return cls(path, kind, before, after)


class Comparison(NamedTuple):
    """Two fingerprints and their differences. A value unknown on one side is never compared."""

    before: Fingerprint
    after: Fingerprint
    changes: tuple[Change, ...]
    """Sorted by path."""
    hidden: tuple[str, ...] = ()
    """Paths whose values could differ only in words that are hidden on both sides."""

    @property
    def has_record(self) -> bool:
        """Whether a side is somebody else's record."""
        sides = (self.before, self.after)
        return any(side.captured_via.startswith(IMPORTED) for side in sides)

    def change(self, path: str) -> Change | None:
        """The change at `path`, or None.

        Compares the values, so a map entry that appears or disappears changes each of its fields.
        Raises `UnknownValueError` when a side is unknown or both are hidden.
        """
        before, after = self.before.value(path), self.after.value(path)
        is_other = differ(before, after)
        if is_other is None:
            raise UnknownValueError(path, REASON)
        return Change.between(path, before, after) if is_other else None

    @property
    def may_differ(self) -> Callable[[str], bool]:
        """Whether anything at or inside a path differs, or is unknown or hidden on a side.

        What was requested on neither side does not.
        """
        before, after = self.before, self.after
        unclear = (self.hidden, before.unknown, after.unknown, before.undeclared, after.undeclared)
        unclear_places = {place for path in chain(*unclear) for place in around(path)}

        def differs(place: str) -> bool:
            if all(side.unknown.get(place) in NOT_REQUESTED for side in (before, after)):
                return False
            try:
                return before.value(place) != after.value(place) or place in unclear_places
            except UnknownValueError:
                return True

        return differs

    def under(self, *prefixes: str) -> tuple[str, ...]:
        """The sorted paths of all changes at, inside or around any of `prefixes`.

        A map that is null on one side has changed as a whole, and so has each of its entries.
        """
        found: set[str] = set()
        for prefix in prefixes:
            found.update(c.path for c in self._from(prefix) if is_inside(c.path, prefix))
            wholes = ((place, next(self._from(place), None)) for place in around(prefix))
            found.update(place for place, change in wholes if change and change.path == place)
        return tuple(sorted(found))

    def _from(self, prefix: str) -> Iterator[Change]:
        """The changes whose paths begin with `prefix`. Bisects, as rules look up every entry."""
        changes, start, end = self.changes, 0, len(self.changes)
        while start < end:
            middle = (start + end) // 2
            if changes[middle].path < prefix:
                start = middle + 1
            else:
                end = middle
        following = (changes[number] for number in range(start, len(changes)))
        return takewhile(lambda change: change.path.startswith(prefix), following)
