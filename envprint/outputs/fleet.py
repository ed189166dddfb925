"""The verdict about many machines as text: the odd ones first, then groups and the matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envprint.core.fleet import Fleet, Group, State
from envprint.core.impact import Impact
from envprint.core.report import NOT_CHECKED_WORD, Finding, Report, counted, first_word
from envprint.core.text import (
    TOPIC,
    block,
    heading,
    inside_sentence,
    one_line,
    paint,
    table,
    wrapped,
)
from envprint.outputs.fleet_words import in_short, members_of, verdict, word
from envprint.outputs.formats import ALL, NONE, QUIET, View
from envprint.outputs.formats._words import COLOURS, grouped, happened, remedies, wrapped_remedy

ODD = 4
"""Groups on the first screen; of more, how many there are."""
CAUSES = 2
LISTED = 3
SAME, DIFFERS, UNKNOWN = ".", "x", "?"


def render(fleet: Fleet, view: View = View()) -> str:  # noqa: B008  an immutable value
    """The verdict as text that ends with a newline."""
    if view.details == QUIET:
        return f"{_word(fleet, view)} {one_line(verdict(fleet))}\n"
    return "\n".join(_lines(fleet, view)) + "\n"


def _lines(fleet: Fleet, view: View) -> Iterator[str]:
    shown = _word(fleet, view)
    first, *others = wrapped(verdict(fleet), view.width - max(len(word(fleet)) + 1, TOPIC))
    yield shown + " " * max(1, TOPIC - len(word(fleet))) + first
    yield from (" " * TOPIC + line for line in others)
    odd = fleet.odd()
    limit = len(odd) if view.details == ALL else ODD
    for group in odd[:limit]:
        yield ""
        yield from _odd(group, view)
    if len(odd) > limit:
        more = sum(len(group.members) for group in odd[limit:])
        yield ""
        them = f"{len(odd) - limit} more groups of {counted(range(more), 'machine')}"
        yield f"and {them}; -v shows all"
    yield from _states(fleet.states, view)
    yield from _documents(fleet, view)
    if len(fleet.groups) > 1 and view.details != NONE:
        yield from heading("groups", view.colour)
        yield from matrix(fleet).splitlines()


def _word(fleet: Fleet, view: View) -> str:
    text = word(fleet)
    shade = fleet.impact if text == fleet.impact.word.upper() else Impact.NUMERIC
    return paint(text, COLOURS[shade], view.colour)


def _odd(group: Group, view: View) -> Iterator[str]:
    """Who is odd, in what, what it does and what to do."""
    report = group.report
    assert report is not None
    mark = first_word(report, report.impact)
    role = f" ({group.role})" if group.role else ""
    text = f"{in_short(members_of(group))}{role}: {mark.lower()}, {_differs(group)}"
    yield from block("odd", text, paint("odd", "1", view.colour), width=view.width)
    groups = grouped(report.findings)
    shown = groups if view.details == ALL else groups[:CAUSES]
    for found in shown:
        yield from _cause(found, report, view)
    if len(groups) > len(shown):
        names = "; ".join(found[0].title for found in groups[len(shown) :][:LISTED])
        yield from block("", f"and {len(groups) - len(shown)} more: {names}", width=view.width)
    yield from _open(report, view)


def _differs(group: Group) -> str:
    return f"in {', '.join(group.differs)}" if group.differs else "in nothing that is compared"


def _cause(found: Sequence[Finding], report: Report, view: View) -> Iterator[str]:
    first = found[0]
    what = "; ".join(dict.fromkeys(happened(one) for one in found))
    lower = f" ({first.impact.word})" if first.impact != report.impact else ""
    topic = "likely" if first.impact >= Impact.NUMERIC else "found"
    lines = list(block(topic, f"{first.title}{lower}: {what}", width=view.width))
    yield from lines if view.details == ALL else _cut(lines, 2)
    for remedy in remedies(found):
        steps = wrapped_remedy(remedy, view.width - TOPIC - 4)
        for number, line in enumerate(steps if view.details == ALL else _cut(steps, 2)):
            yield " " * TOPIC + ("    " if number else "do: ") + line


def _cut(lines: Sequence[str], limit: int) -> list[str]:
    return [*lines[: limit - 1], f"{lines[limit - 1]} …"] if len(lines) > limit else [*lines]


def _open(report: Report, view: View) -> Iterator[str]:
    """What nobody has judged, and what could not be checked."""
    if report.not_checked is not None:
        yield from block(NOT_CHECKED_WORD.lower(), report.not_checked, width=view.width)
    if report.unjudged:
        names = [f"{one.message} ({one.part})" for one in report.unjudged]
        more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
        text = f"not judged: {', '.join(names[:LISTED])}{more}"
        yield from block("", text, width=view.width)
    if report.impact < Impact.NUMERIC and not report.findings and report.changes:
        paths = [change.path.removeprefix("facts.") for change in report.changes]
        more = f" and {len(paths) - LISTED} more" if len(paths) > LISTED else ""
        text = f"not known to change a result: {', '.join(paths[:LISTED])}{more}"
        yield from block("", text, width=view.width)


def _states(states: Sequence[State], view: View) -> Iterator[str]:
    """What was true at the capture, of whom, and what to do."""
    limit = len(states) if view.details == ALL else LISTED
    for number, (finding, members) in enumerate(states[:limit]):
        yield from ("",) if number == 0 else ()
        text = f"{in_short(members)}: {finding.impact.word}, {inside_sentence(finding.title)}: "
        topic = "state" if number == 0 else ""
        yield from _cut([*block(topic, text + finding.message, width=view.width)], 3)
        for line in _cut(wrapped_remedy(finding.remedy, view.width - TOPIC - 4), 1):
            yield " " * TOPIC + f"do: {line}"
    if len(states) > limit:
        yield from block("", f"and {len(states) - limit} more; -v shows all", width=view.width)


def _documents(fleet: Fleet, view: View) -> Iterator[str]:
    """What was not compared, and why."""
    listed = (
        ("unread", [f"{one.source}: {one.reason}" for one in fleet.unreadable]),
        ("older", [f"{one.source}: {one.newer} is of the same machine" for one in fleet.older]),
        ("forged", [f"{one.source}: {one.reason}, which count" for one in fleet.forged]),
        ("unknown", _unknown(fleet)),
    )
    if any(texts for _, texts in listed):
        yield ""
    for topic, texts in listed:
        limit = len(texts) if view.details == ALL else LISTED
        for number, text in enumerate(texts[:limit]):
            yield from block("" if number else topic, text, width=view.width)
        if len(texts) > limit:
            names = ", ".join(text.partition(": ")[0] for text in texts[limit : limit + LISTED])
            more = f"and {len(texts) - limit} more: {names}"
            more += ", …" if len(texts) > limit + LISTED else ""
            yield from block("", f"{more}; -v shows all", width=view.width)


def _unknown(fleet: Fleet) -> list[str]:
    """Members that do not know what others of their group know."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for group in fleet.groups:
        for member in group.members:
            if member.unknown:
                alike.setdefault(member.unknown, []).append(member.name)
    return [
        f"{in_short(names)}: {', '.join(path.removeprefix('facts.') for path in paths[:LISTED])}"
        + (f" and {len(paths) - LISTED} more" if len(paths) > LISTED else "")
        for paths, names in alike.items()
    ]


def matrix(fleet: Fleet) -> str:
    """A row for each group and a column for each section that differs anywhere."""
    columns = sorted({name for group in fleet.groups for name in group.differs})
    has_roles = any(group.role for group in fleet.groups)
    rows = [["", "machines", *(["role"] if has_roles else []), *columns, "members"]]
    for number, group in enumerate(fleet.groups):
        base = number == fleet.baseline or group.report is None
        cells = [SAME if base or name not in group.differs else DIFFERS for name in columns]
        role = [group.role or "-"] if has_roles else []
        mark = "=" if base else group.report.impact.word if group.report else ""
        count = str(len(group.members))
        rows.append([mark, count, *role, *cells, in_short(members_of(group))])
    return table(rows)
