"""Whether a run becomes `@last-good`, and what is said about that.

The threshold of the pre-flight decides whether a command is run. It does not decide this: a team
that lets `numeric` findings pass would otherwise move its baseline with each of them.
docs/decisions/0022-what-makes-a-run-good.md
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from envprint.core.fingerprint import Unknown
from envprint.core.impact import Impact
from envprint.core.report import Report, counted
from envprint.documents.references import good_ones
from envprint.documents.store import LAST_GOOD, Saved, Store
from envprint.gpu.account import MemoryHolder
from envprint.judging.context import Context
from envprint.run.record import After, Run

SHOWN = 3
"""Names shown of a longer list."""
NOT_CHECKED = "this run was not checked"
NO_CHECK = f"{NOT_CHECKED} (--no-check)"


def unfit_before(
    report: Report | None, context: Context, who: str = "the pre-flight"
) -> str | None:
    """Why a run that begins with this report cannot become `@last-good`; None if it can.

    `report` is that of the pre-flight, None without one; `who` found it.
    """
    if report is None:
        return NO_CHECK
    if report.not_checked is not None:
        return f"{NOT_CHECKED}: {report.not_checked}"
    if report.only:
        return f"this run was only partly checked: {report.only_in_words()}"
    threshold = min(context.policy.fail_on, Impact.NUMERIC)
    if found := report.reaching(threshold, context.request.strict):
        rules = list(dict.fromkeys(finding.rule for finding in found))
        return f"{who} found {listed(rules)}, at or above {threshold.word}"
    return None


def unfit_after(
    after: After | Unknown, strangers: Sequence[MemoryHolder], other_prefixes: Sequence[str]
) -> str | None:
    """Why what happened while the command ran prevents it; None if nothing does.

    `strangers` are the processes that may have come to the GPUs while it ran, `other_prefixes` the
    environments beside the recorded one from which it loaded libraries.
    """
    if other_prefixes:
        return f"it loaded libraries from {listed(other_prefixes)}, which was not recorded"
    if isinstance(after, Unknown):
        return f"what changed while it ran is unknown: {after.reason}"
    if after.changed:
        return f"{counted(after.changed, 'fact')} changed while it ran"
    if strangers:
        names = dict.fromkeys(who.name or f"pid {who.pid}" for who in strangers)
        return f"{listed(list(names))} held GPU memory while it ran"
    return None


def news(run: Run, saved: Saved, store: Store) -> str:
    """What `@last-good` means after a run that ended with 0. Raises `StoreError`.

    Empty where nobody expects that it means something: there was none, and nothing was checked.
    """
    good = list(islice(good_ones(store), 2))
    now, before = good[0] if good else None, good[1] if len(good) > 1 else None
    if not saved.good:
        was_checked = run.preflight is not None and run.preflight.not_checked is None
        if now is None and not was_checked:
            return ""
        still = f"is still {now.in_words()}" if now else "is not set"
        # Why nothing was checked is what the pre-flight has said.
        reason = NOT_CHECKED if run.preflight and not was_checked else saved.reason
        return f"@{LAST_GOOD} {still}: {reason}"
    if now and now.entry != saved.entry:
        return f"@{LAST_GOOD} is {now.in_words()}, which was saved after this run"
    was = f"was: {before.in_words()}" if before else "there was none"
    return "; ".join((f"@{LAST_GOOD} is now this run of {saved.program} ({was})", *_remarks(run)))


def _remarks(run: Run) -> Iterator[str]:
    """What was not seen of a run that is good by all that was seen."""
    if run.preflight and run.preflight.unjudged:
        yield f"not judged: {listed([entry.name for entry in run.preflight.unjudged])}"
    watched = run.during.watched
    # In a container no process of the driver's list can be recognised, the run's own included.
    if any(who.own is None and not who.at_start for who in watched.holders):
        yield "whether other programs used the GPUs cannot be seen here"
    if watched.gaps:
        yield "the driver did not answer for a time, and GPU memory was not watched"


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
