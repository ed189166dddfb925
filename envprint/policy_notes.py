"""What a judgement tells of the policy itself: entries that have expired, or fit nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envprint.model import Comparison
from envprint.patterns import matches as pattern_fits
from envprint.policy import Policy
from envprint.report import Undecided
from envprint.rule import Match, Rule

RuleSaid = tuple[Rule, list[Match], list[Undecided]]
"""A rule, what it saw, and where it could not be decided."""


def notes(policy: Policy, said: Sequence[RuleSaid], comparison: Comparison | None) -> Iterator[str]:
    """What is known of the policy already, and entries that have expired, or fit nothing of what
    could be judged.
    """
    yield from policy.notes
    for entry in (*policy.ignores, *policy.expects):
        what = f"{entry.place} ({entry.rule if entry.rule != '*' else entry.path})"
        judged = [(rule, matches) for rule, matches, _ in said if pattern_fits(entry.rule, rule.id)]
        paths = [change.path for change in comparison.changes] if comparison else []
        fits = any(entry.covers(r.id, match.paths) for r, found in judged for match in found)
        fits = fits or (entry.rule == "*" and any(entry.covers("", (path,)) for path in paths))
        if entry.has_expired:
            yield f"{what} expired on {entry.expires}: {entry.reason}"
        elif judged and comparison and not fits:
            yield f"{what} fits nothing here any more: {entry.reason}"
