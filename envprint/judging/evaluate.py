"""Evaluates one rule. It stops at the first unknown value it needs; earlier matches still count.

Each unknown value is kept with the matches, with its path and the reason.
"""

from collections.abc import Iterable, Iterator

from envprint.core.comparison import Change, Comparison
from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import Fingerprint
from envprint.core.report import Expected, Ignored, Undecided, Unjudged
from envprint.core.rule import Match, Result, Rule, State, UnknownValue
from envprint.core.typed import NamedTuple
from envprint.core.workload import Workload


class Evaluation(NamedTuple):
    """A rule, its matches, and the unknown values that left the rest undecided."""

    rule: Rule
    matches: tuple[Match, ...]
    unknowns: tuple[UnknownValue, ...]
    """Without duplicates."""


class Open(NamedTuple):
    """The changes that no rule explains, after the policy."""

    found: tuple[Unjudged, ...] = ()
    """Those of libraries that take part in training, whatever the policy says of them."""
    unjudged: tuple[Unjudged, ...] = ()
    accepted: tuple[Ignored, ...] = ()
    expected: tuple[Expected, ...] = ()
    others: tuple[Change, ...] = ()
    """Those of what takes no part."""
    undecided: tuple[Undecided, ...] = ()
    newer: tuple[str, ...] = ()
    """Changed packages of versions that the knowledge does not reach, with name and version."""


def on_comparison(rule: Rule, comparison: Comparison, workload: Workload) -> Evaluation:
    """What the rule finds in the differences; a rule about a state finds only new states."""
    return _evaluation(rule, _between(rule, comparison, workload))


def on_fingerprint(rule: Rule, current: Fingerprint, workload: Workload) -> Evaluation:
    """What a rule about a state finds in this fingerprint."""
    assert rule.state
    return _evaluation(rule, _within(rule.state, current, workload))


def _evaluation(rule: Rule, results: Iterable[Result]) -> Evaluation:
    matches: list[Match] = []
    # The keys of a dict: unique, and in order of arrival.
    unknowns: dict[UnknownValue, None] = {}
    try:
        for result in results:
            if isinstance(result, Match):
                matches.append(result)
            else:
                unknowns[result] = None
    except UnknownValueError as error:
        unknowns[UnknownValue.of(error)] = None
    return Evaluation(rule, tuple(matches), tuple(unknowns))


def _between(rule: Rule, comparison: Comparison, workload: Workload) -> Iterator[Result]:
    if rule.drift:
        yield from rule.drift(comparison, workload)
    elif rule.state:
        yield from _new_states(rule, comparison, workload)
    else:
        yield from _watched_changes(rule, comparison)


def _within(state: State, now: Fingerprint, workload: Workload) -> Iterator[Result]:
    # A generator, so that a check that raises before its first match is handled like any other.
    yield from state(now, workload)


def _new_states(rule: Rule, comparison: Comparison, workload: Workload) -> Iterator[Result]:
    after = on_fingerprint(rule, comparison.after, workload)
    yield from after.unknowns
    if after.matches:
        before = on_fingerprint(rule, comparison.before, workload)
        # By path, not by text: the same programs holding a little more memory are not news.
        old = {match.paths for match in before.matches}
        new = [match for match in after.matches if match.paths not in old]
        # A state that was unknown before may have existed before.
        yield from (before.unknowns or new) if new else ()


def _watched_changes(rule: Rule, comparison: Comparison) -> Iterator[Match]:
    for path in rule.watches:
        change = comparison.change(path)
        if change:
            name = (
                path.rpartition("[")[2].rstrip("]")
                if path.endswith("]")
                else path.partition(".")[2]
            )
            yield Match(
                f"{name} was {_plain(change.before)}, is {_plain(change.after)}",
                (path,),
                change.before,
                change.after,
            )


def _plain(value: object) -> str:
    return "unset" if value is None else str(value) if value != "" else "empty"
