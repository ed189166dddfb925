"""What a judgement tells of the policy itself: entries that have expired, or fit nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envprint.asking import RuleSaid
from envprint.model import Comparison
from envprint.patterns import matches
from envprint.policy import Entry, Policy
from envprint.report import HIDDEN_VALUE
from envprint.rules import catalogue


def notes(policy: Policy, said: Sequence[RuleSaid], comparison: Comparison | None) -> Iterator[str]:
    """What is known of the policy already, and entries that have expired, or fit nothing of what
    could be judged.
    """
    yield from policy.notes
    for entry in (*policy.ignores, *policy.expects):
        what = f"{entry.place} ({entry.rule if entry.rule != '*' else entry.path})"
        if entry.has_expired:
            yield f"{what} expired on {entry.expires}: {entry.reason}"
        elif _was_judged(entry, said, comparison) and not _fits(entry, said, comparison):
            yield f"{what} fits nothing here any more: {entry.reason}"


def _was_judged(entry: Entry, said: Sequence[RuleSaid], comparison: Comparison | None) -> bool:
    """Whether all that the entry could fit has been looked at, and decided."""
    judged = [(rule, doubts) for rule, _, doubts in said if matches(entry.rule, rule.id)]
    if any(entry.covers(r.id, (doubt.path,)) for r, doubts in judged for doubt in doubts):
        return False
    if comparison:
        if any(entry.covers(HIDDEN_VALUE, (path,)) for path in comparison.hidden):
            return False
        return bool(judged)
    # Without a baseline only states have been looked at.
    meant = [rule for rule in catalogue() if matches(entry.rule, rule.id)]
    return bool(judged) and all(rule.state for rule in meant)


def _fits(entry: Entry, said: Sequence[RuleSaid], comparison: Comparison | None) -> bool:
    """Whether it fits what a rule saw, or, without a rule, a change that none knows."""
    if any(entry.covers(rule.id, match.paths) for rule, seen, _ in said for match in seen):
        return True
    changes = comparison.changes if comparison and entry.rule == "*" else ()
    return any(entry.covers("", (change.path,)) for change in changes)
