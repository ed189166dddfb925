"""Notes on the policy itself: entries that have expired or match nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envprint.core.comparison import Comparison
from envprint.core.glob import matches
from envprint.core.report import HIDDEN_VALUE
from envprint.judging.evaluate import Evaluation
from envprint.judging.policy.model import Entry, Policy
from envprint.rules import catalogue


def notes(
    policy: Policy, evaluations: Sequence[Evaluation], comparison: Comparison | None
) -> Iterator[str]:
    """The policy's own notes, then its entries that have expired or match nothing that could be
    judged.
    """
    yield from policy.notes
    for entry in (*policy.ignores, *policy.expects):
        what = f"{entry.place} ({entry.rule if entry.rule != '*' else entry.path})"
        if entry.has_expired:
            yield f"{what} expired on {entry.expires}: {entry.reason}"
        elif _was_judged(entry, evaluations, comparison) and not _fits(
            entry, evaluations, comparison
        ):
            yield f"{what} fits nothing here any more: {entry.reason}"


def _was_judged(
    entry: Entry, evaluations: Sequence[Evaluation], comparison: Comparison | None
) -> bool:
    """Whether everything that the entry could match was judged and decided."""
    judged = [e for e in evaluations if matches(entry.rule, e.rule.id)]
    if any(entry.covers(e.rule.id, (unknown.path,)) for e in judged for unknown in e.unknowns):
        return False
    if comparison:
        if any(entry.covers(HIDDEN_VALUE, (path,)) for path in comparison.hidden):
            return False
        return bool(judged)
    # Without a baseline only rules about a state are evaluated.
    meant = [rule for rule in catalogue() if matches(entry.rule, rule.id)]
    return bool(judged) and all(rule.state for rule in meant)


def _fits(entry: Entry, evaluations: Sequence[Evaluation], comparison: Comparison | None) -> bool:
    """Whether it matches a rule's finding or, without a rule, a change that no rule recognises."""
    if any(entry.covers(e.rule.id, match.paths) for e in evaluations for match in e.matches):
        return True
    changes = comparison.changes if comparison and entry.rule == "*" else ()
    return any(entry.covers("", (change.path,)) for change in changes)
