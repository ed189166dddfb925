"""The verdict about many machines as CSV: a row for each group, finding, state and document."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.fleet import Fleet, Group
from envprint.core.typed import Any
from envprint.outputs.fleet_words import members_of, open_paths, verdict, word
from envprint.outputs.formats import csv

OMITS = frozenset({"titles"})
"""A message says what was found here; what a rule finds in general is on its page."""
COLUMNS = ("group", "machines", *csv.COLUMNS)


def render(fleet: Fleet) -> str:
    """The verdict as CSV with a row of names; `group` counts from 0, as in JSON."""
    return csv.written(COLUMNS, _rows(fleet))


def _rows(fleet: Fleet) -> Iterator[dict[str, Any]]:
    yield {"kind": "verdict", "impact": word(fleet).lower(), "message": verdict(fleet)}
    for number, group in enumerate(fleet.groups):
        yield from ({"group": number} | row for row in _of(group))
    for finding, members in fleet.states:
        yield {"kind": "state", "machines": ", ".join(members)} | csv.of_finding(finding)
    for kind, documents in (("unreadable", fleet.unreadable), ("forged", fleet.forged)):
        for one in documents:
            yield {"kind": kind, "path": one.source, "reason": one.reason}
    for older in fleet.older:
        yield {"kind": "older", "path": older.source, "reason": f"newer: {older.newer}"}


def _of(group: Group) -> Iterator[dict[str, Any]]:
    names = ", ".join(members_of(group))
    row = {"kind": "group", "machines": names, "reason": group.role}
    yield row | {"path": "; ".join(group.differs), "message": "" if group.report else "baseline"}
    for member in group.members:
        for path in (*open_paths(group), *member.unknown):
            yield {"kind": "unknown", "machines": member.name, "path": path}
    if group.report is not None:
        yield from csv.rows(group.report)
