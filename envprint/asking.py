"""What one rule says of two fingerprints, or of one: each runs to its end, or to what is unknown.

What it saw until then counts, and the rest is *undecided* with the path and the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from envprint.errors import Undetermined
from envprint.model import Comparison, Fingerprint, Impact, Workload
from envprint.report import Undecided
from envprint.rule import Match, Rule

RuleSaid = tuple[Rule, list[Match], list[Undecided]]
"""A rule, what it saw, and where it could not be decided."""
StateCheck = Callable[[Fingerprint, Workload], Iterable[Match]]


def about_drift(rule: Rule, comparison: Comparison, workload: Workload) -> RuleSaid:
    """What the rule says of the differences; of a state, when it is new."""
    return _said(rule, _drift_matches(rule, comparison, workload))


def about_state(rule: Rule, current: Fingerprint, workload: Workload) -> RuleSaid:
    """What the rule, which looks at a state, says of this one."""
    assert rule.state
    return _said(rule, _matches(rule.state, current, workload))


def _said(rule: Rule, matches: Iterable[Match]) -> RuleSaid:
    seen, doubt = _seen(matches)
    if doubt is None:
        return rule, seen, []
    impact = Impact.NONE if rule.advice else rule.impact
    return rule, seen, [Undecided(rule.id, doubt.path, doubt.reason, impact)]


def _seen(matches: Iterable[Match]) -> tuple[list[Match], Undetermined | None]:
    """All matches, or those up to a value that is unknown."""
    seen: list[Match] = []
    try:
        for match in matches:
            seen.append(match)
    except Undetermined as doubt:
        return seen, doubt
    return seen, None


def _drift_matches(rule: Rule, comparison: Comparison, workload: Workload) -> Iterator[Match]:
    if rule.drift:
        yield from rule.drift(comparison, workload)
    elif rule.state:
        yield from _new_states(rule.state, comparison, workload)
    else:
        yield from _watched_changes(rule, comparison)


def _matches(state: StateCheck, now: Fingerprint, workload: Workload) -> Iterator[Match]:
    # A generator, so that a check which raises before its first match is caught like any other.
    yield from state(now, workload)


def _new_states(
    state: StateCheck,
    comparison: Comparison,
    workload: Workload,
) -> Iterator[Match]:
    matches, doubt = _seen(_matches(state, comparison.after, workload))
    if matches:
        # By place, not by words: the same programs holding a little more memory are not news.
        before, doubt_before = _seen(_matches(state, comparison.before, workload))
        old = {match.paths for match in before}
        new = [match for match in matches if match.paths not in old]
        if new and doubt_before:
            raise doubt_before
        yield from new
    if doubt:
        raise doubt


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
