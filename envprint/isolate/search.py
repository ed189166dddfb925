"""Searches for the smallest set of switches that gives CURRENT's result, and for the smallest fix.

It runs nothing: `ask` does, and is asked for each set once. Growing prefixes of the report's order
come first, then QuickXplain (Junker, AAAI 2004), which needs far fewer trials than delta debugging.
A set is always closed under `needs`, so that no trial combines versions that exclude each other. A
trial without a result decides nothing: what is missing for a result becomes a new need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from envprint.core.isolation import Answer, Outcome
from envprint.core.typed import NamedTuple

Ask = Callable[[frozenset[str]], Outcome]
Test = Callable[[frozenset[str]], bool]
Needs = Mapping[str, frozenset[str]]

FIRST = (1, 2, 4, 8)
"""Lengths of the prefixes that are tried before the whole list is divided."""


PAIR = 2
"""Two switches that only run together are one; more of them, and all there are, say nothing."""


class StopSearch(Exception):
    """No more trials are allowed."""


class Unresolved(Exception):
    """No trial between the two sides gave a result, so that nothing can be told apart."""


class _NoResult(Exception):
    def __init__(self, switched: frozenset[str]) -> None:
        super().__init__()
        self.switched = switched


class SmallestSets:
    """A search over `order`, the names of all switches, likely causes first.

    `needs` names what must be switched to CURRENT together with a switch.
    """

    def __init__(self, order: Sequence[str], needs: Needs, ask: Ask) -> None:
        self._order = tuple(order)
        self._all = frozenset(order)
        self._needs = {name: set(needs.get(name, ())) & self._all for name in order}
        self._ask = ask
        self._has_learned = False
        self._seen = {frozenset[str](): Outcome.BASELINE, self._all: Outcome.CURRENT}

    def run(self) -> Answer:
        """The answer. Raises `Unresolved`; a `StopSearch` of `ask` gives what is known by then."""
        cause = self.cause()
        if cause is None:
            return self._best_so_far()
        along = self._closed(cause) - set(cause)
        if self._has_learned and len(cause) + len(along) == len(self._order) > PAIR:
            raise Unresolved
        try:
            fix = self._retried(lambda: self._smallest_fix(cause))
            self._alone(cause)
        except StopSearch:
            fix = ()
        fix_along = self._closed_backwards(fix) - set(fix)
        answer = Answer(cause, self._sorted(along), fix, self._sorted(fix_along), True, {}, None)
        return answer._replace(alone=self._ran_alone(), rest=self._rest(cause))

    def cause(self) -> tuple[str, ...] | None:
        """The smallest cause alone; None if the search was cut short."""
        try:
            return self._retried(lambda: self._smallest(self._order, self._closed, self._is_cause))
        except StopSearch:
            return None

    def _smallest_fix(self, cause: Sequence[str]) -> tuple[str, ...]:
        """The cause is tried first: mostly it is the fix as well."""
        order = (*cause, *(name for name in self._order if name not in cause))
        lengths = [len(cause), *FIRST]
        return self._smallest(order, self._closed_backwards, self._is_fix, lengths)

    def _is_cause(self, switched: frozenset[str]) -> bool:
        return self._result(switched) is Outcome.CURRENT

    def _is_fix(self, put_back: frozenset[str]) -> bool:
        return self._result(self._all - put_back) is Outcome.BASELINE

    def _result(self, switched: frozenset[str]) -> Outcome:
        outcome = self._outcome(switched)
        if not outcome.is_result:
            raise _NoResult(switched)
        return outcome

    def _outcome(self, switched: frozenset[str]) -> Outcome:
        if switched not in self._seen:
            self._seen[switched] = self._ask(switched)
        return self._seen[switched]

    def _smallest(
        self,
        order: Sequence[str],
        closed: Callable[[Iterable[str]], frozenset[str]],
        test: Test,
        lengths: Sequence[int] = FIRST,
    ) -> tuple[str, ...]:
        """A set of which no part passes `test`, where all of them together do."""

        def passes(names: Sequence[str]) -> bool:
            return test(closed(names))

        prefixes = (order[:length] for length in lengths if length < len(order))
        within = next((prefix for prefix in prefixes if passes(prefix)), order)
        found = tuple(_quick_xplain((), (), tuple(within), passes))
        # A switch may have passed only by what it needs, so what it needs is tried without it.
        while len(whole := closed(found)) > len(found):
            inside = sorted(whole, key=lambda name: (len(closed([name])), name))
            smaller = tuple(_quick_xplain((), (), tuple(inside), passes))
            if len(closed(smaller)) >= len(whole):
                break
            found = smaller
        return self._sorted(found)

    def _retried(self, search: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
        """`search`, again each time that a trial without a result has shown a new need."""
        while True:
            try:
                return search()
            except _NoResult as stop:
                self._learn(stop.switched)

    def _learn(self, switched: frozenset[str]) -> None:
        """Find what `switched` lacks for a result."""

        def is_result(added: Sequence[str]) -> bool:
            return self._outcome(self._closed([*needing, *added])).is_result

        def is_none(names: Sequence[str]) -> bool:
            return not self._outcome(self._closed(names)).is_result

        needing = tuple(_quick_xplain((), (), self._sorted(switched), is_none))
        whole = self._closed(needing)
        others = tuple(name for name in self._order if name not in whole)
        lacking = tuple(_quick_xplain((), (), others, is_result))
        # Other sets without a result may have led astray: mostly one switch lacks one other.
        singles = ((name,) for name in lacking if is_result([name]))
        lacking = next(singles, lacking)
        for name in needing:
            self._needs[name].update(lacking)
        self._has_learned = True

    def _alone(self, cause: Sequence[str]) -> None:
        """What each switch of a larger cause does by itself."""
        if len(cause) > 1:
            for name in cause:
                self._outcome(self._closed([name]))

    def _ran_alone(self) -> dict[str, Outcome]:
        singles = ((name, self._seen.get(frozenset([name]))) for name in self._order)
        return {name: outcome for name, outcome in singles if outcome is not None}

    def _rest(self, cause: Sequence[str]) -> Outcome | None:
        return self._seen.get(self._all - self._closed_backwards(cause))

    def _best_so_far(self) -> Answer:
        passing = [names for names, seen in self._seen.items() if seen is Outcome.CURRENT]
        best = min(passing, key=len)
        return Answer(self._sorted(best), (), (), (), False, self._ran_alone(), None)

    def _closed(self, names: Iterable[str]) -> frozenset[str]:
        return _reachable(names, lambda name: self._needs[name])

    def _closed_backwards(self, names: Iterable[str]) -> frozenset[str]:
        """With everything that cannot stay as in CURRENT without them."""
        return _reachable(
            names, lambda name: (other for other in self._order if name in self._needs[other])
        )

    def _sorted(self, names: Iterable[str]) -> tuple[str, ...]:
        wanted = set(names)
        return tuple(name for name in self._order if name in wanted)


class _Half(NamedTuple):
    first: tuple[str, ...]
    second: tuple[str, ...]


def _halves(names: tuple[str, ...]) -> _Half:
    middle = (len(names) + 1) // 2
    return _Half(names[:middle], names[middle:])


def _quick_xplain(
    kept: tuple[str, ...],
    added: tuple[str, ...],
    candidates: tuple[str, ...],
    passes: Callable[[Sequence[str]], bool],
) -> Iterator[str]:
    """The members of the smallest part of `candidates` with which `kept` passes.

    `kept` together with all candidates passes; `added` was the last to be added to `kept`.
    """
    if added and passes(kept):
        return
    if len(candidates) <= 1:
        yield from candidates
        return
    half = _halves(candidates)
    later = tuple(_quick_xplain((*kept, *half.first), half.first, half.second, passes))
    yield from _quick_xplain((*kept, *later), later, half.first, passes)
    yield from later


def _reachable(names: Iterable[str], following: Callable[[str], Iterable[str]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += following(name)
    return frozenset(found)
