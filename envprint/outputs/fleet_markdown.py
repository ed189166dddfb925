"""The verdict about many machines as Markdown: the odd groups and their fixes, all else folded.

At most 60,000 characters; what does not fit is counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.fleet import Fleet, Group
from envprint.core.report import first_word
from envprint.outputs.fleet_words import (
    folded,
    in_short,
    mark_of,
    members_of,
    open_paths,
    verdict,
    word,
)
from envprint.outputs.formats._words import grouped
from envprint.outputs.formats.markdown import REST, cause, fix, in_full
from envprint.outputs.markdown_text import Fold, code, fitted, head, prose, row

OMITS = frozenset({"undecided", "changes", "advice"})
"""What is known to do nothing and what one rule could not decide stand in JSON and CSV."""
SHOWN = 5
"""Odd groups above the folds."""


def render(fleet: Fleet) -> str:
    """The verdict as Markdown that ends with a newline."""
    return fitted([*_top(fleet)], [*_folds(fleet)], REST)


def _top(fleet: Fleet) -> Iterator[str]:
    yield f"**{word(fleet)}** {prose(verdict(fleet))}"
    odd = fleet.odd()
    for group in odd[:SHOWN]:
        yield "\n\n".join(_odd(group))
    if len(odd) > SHOWN:
        yield f"and {len(odd) - SHOWN} more groups below"
    for finding, members in fleet.states:
        text = f"{code(in_short(members))}: {prose(finding.title)} ({finding.impact.word}): "
        yield "\n\n".join((text + code(finding.message), *fix([finding])))


def _odd(group: Group) -> Iterator[str]:
    report = group.report
    assert report is not None
    mark = first_word(report, report.impact).lower()
    differs = f"differs in {', '.join(group.differs) or 'nothing that is compared'}"
    yield f"**{code(in_short(members_of(group)))}**: {mark}, {differs}"
    for found in grouped(report.findings)[:1]:
        yield from cause(1, found)


def _folds(fleet: Fleet) -> Iterator[Fold]:
    columns = ("group", "", "machines", "role", "differs in", "members")
    rows = [_row(number, group) for number, group in enumerate(fleet.groups)]
    yield Fold("Groups", rows, head(*columns))
    for number, group in enumerate(fleet.groups):
        if group.report is None:
            continue
        found = ["\n\n".join(in_full(one)) for one in grouped(group.report.findings)]
        yield Fold(f"Findings, group {number}", found)
        entries = [f"* {code(one.message)}: {prose(one.part)}" for one in group.report.unjudged]
        yield Fold(f"Not judged, group {number}", entries)
    yield Fold("Unknown", [*_unknown(fleet)], head("machine", "unknown"))
    yield Fold("Documents", [*_documents(fleet)], head("document", "what", "why"))


def _row(number: int, group: Group) -> str:
    mark = mark_of(group)
    members = ", ".join(folded(members_of(group)))
    cells = (
        str(number),
        mark,
        str(len(group.members)),
        prose(group.role),
        ", ".join(group.differs),
    )
    return row(*cells, code(members))


def _unknown(fleet: Fleet) -> Iterator[str]:
    for group in fleet.groups:
        for member in group.members:
            if paths := (*open_paths(group), *member.unknown):
                yield row(code(member.name), ", ".join(map(code, paths)))


def _documents(fleet: Fleet) -> Iterator[str]:
    for one in fleet.unreadable:
        yield row(code(one.source), "unreadable", code(one.reason))
    for one in fleet.forged:
        yield row(code(one.source), "forged", code(one.reason))
    for older in fleet.older:
        yield row(code(older.source), "older", code(f"newer: {older.newer}"))
