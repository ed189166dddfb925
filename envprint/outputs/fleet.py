"""The verdict about many machines as text: the odd ones first, then groups and the matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envprint.core.fleet import Fleet, Group, State
from envprint.core.impact import Impact
from envprint.core.report import NOT_CHECKED_WORD, Finding, Report, counted, first_word
from envprint.core.shell import kind
from envprint.core.text import (
    TOPIC,
    block,
    columns,
    heading,
    inside_sentence,
    one_line,
    paint,
    table,
    wrapped,
)
from envprint.outputs.fleet_words import (
    BASELINE,
    in_short,
    mark_of,
    members_of,
    open_paths,
    verdict,
    word,
)
from envprint.outputs.formats import ALL, NONE, QUIET, View
from envprint.outputs.formats._words import COLOURS, grouped, happened, remedies, wrapped_remedy

OMITS = frozenset({"findings", "undecided", "changes", "advice"})
"""Ids of rules beside their titles, what one rule could not decide, what is known to do nothing
beside a finding, and advice."""
SCREEN = 24
"""Lines of a small terminal, on which the usual verdict fits; the table comes if there is room."""
ODD = 3
"""Groups on the first screen; of more, how many there are."""
LISTED = 3
SAME, DIFFERS, UNKNOWN = ".", "x", "?"


def render(fleet: Fleet, view: View = View()) -> str:  # noqa: B008  an immutable value
    """The verdict as text that ends with a newline."""
    if view.details == QUIET:
        return f"{_word(fleet, view)} {one_line(verdict(fleet))}\n"
    lines = _with_table([*_lines(fleet, view)], fleet, view)
    return "\n".join(lines) + "\n"


def _lines(fleet: Fleet, view: View) -> Iterator[str]:
    shown = _word(fleet, view)
    first, *others = wrapped(verdict(fleet), view.width - max(len(word(fleet)) + 1, TOPIC))
    yield shown + " " * max(1, TOPIC - len(word(fleet))) + first
    yield from (" " * TOPIC + line for line in others)
    odd = fleet.odd()
    for group in odd if view.details == ALL else odd[:ODD]:
        yield ""
        yield from _odd(group, view)
    yield from _states(fleet.states, view)
    yield from _documents(fleet, view)


def _with_table(lines: Sequence[str], fleet: Fleet, view: View) -> Iterator[str]:
    """The table of groups below the lines, or how many groups and findings `-v` shows."""
    yield from lines
    groups = [*heading("groups", view.colour), *matrix(fleet).splitlines()]
    is_wanted = len(fleet.groups) > 1 and view.details != NONE
    more = list(_left_out(fleet, view))
    has_room = len(lines) + len(groups) + bool(more) <= SCREEN
    if is_wanted and not has_room:
        more.append(f"the table of {len(fleet.groups)} groups")
    if is_wanted and (has_room or view.details == ALL):
        yield from groups
    elif more and view.details != ALL:
        yield from _cut([*wrapped(f"-v shows all: {', '.join(more)}", view.width)], 1, view)


def _left_out(fleet: Fleet, view: View) -> Iterator[str]:
    odd = fleet.odd()
    if more := odd[ODD:]:
        machines = counted([one for group in more for one in group.members], "machine")
        yield f"{counted(more, 'more group')} of {machines}"
    reports = [group.report for group in odd[:ODD] if group.report is not None]
    if findings := sum(max(len(grouped(report.findings)) - 1, 0) for report in reports):
        yield counted(range(findings), "more finding")


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
    groups = grouped(report.findings)
    shown = groups if view.details == ALL else groups[:1]
    if len(groups) > len(shown):
        text += f"; {len(groups)} findings"
    if groups and report.unjudged and view.details != ALL:
        text += f"; {len(report.unjudged)} not judged"
    lines = [*block("odd", text, paint("odd", "1", view.colour), width=view.width)]
    yield from _cut(lines, 1, view)
    for found in shown:
        yield from _cause(found, report, view)
    if not groups or view.details == ALL:
        yield from _cut([*_open(report, view)], 2, view)


def _differs(group: Group) -> str:
    return f"in {', '.join(group.differs)}" if group.differs else "in nothing that is compared"


def _cause(found: Sequence[Finding], report: Report, view: View) -> Iterator[str]:
    first = found[0]
    what = "; ".join(dict.fromkeys(happened(one) for one in found))
    lower = f" ({first.impact.word})" if first.impact != report.impact else ""
    topic = "likely" if first.impact >= Impact.NUMERIC else "found"
    lines = list(block(topic, f"{first.title}{lower}: {what}", width=view.width))
    yield from _cut(lines, 2, view)
    for remedy in [*remedies(found)][: None if view.details == ALL else 1]:
        for number, line in enumerate(_steps(remedy, view)):
            yield " " * TOPIC + ("    " if number else "do: ") + line


def _cut(lines: Sequence[str], limit: int, view: View) -> list[str]:
    """The first lines; all of them with all details."""
    if len(lines) <= limit or view.details == ALL:
        return [*lines]
    last = lines[limit - 1]
    while columns(last) + 2 > view.width and " " in last.strip():
        last = last.rpartition(" ")[0]
    return [*lines[: limit - 1], f"{last} …"]


def _steps(remedy: str, view: View) -> list[str]:
    """What to do in a line; half a command would be another one."""
    steps = [*wrapped_remedy(remedy, view.width - TOPIC - 4)]
    if kind(remedy) == "text":
        return _cut(steps, 1, view._replace(width=view.width - TOPIC - 4))
    is_short = len(steps) <= 2 or view.details == ALL
    return steps if is_short else ["the commands that -v shows"]


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
        lines = [*block(topic, text + finding.message, width=view.width)]
        yield from _cut(lines, 2, view)
        for step, line in enumerate(_steps(finding.remedy, view)):
            yield " " * TOPIC + ("    " if step else "do: ") + line
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
    if any(texts for _, texts in listed) and not fleet.states:
        yield ""
    for topic, texts in listed:
        limit = len(texts) if view.details == ALL else LISTED
        for number, text in enumerate(texts[:limit]):
            lines = [*block("" if number else topic, text, width=view.width)]
            yield from _cut(lines, 1, view)
        if len(texts) > limit:
            names = ", ".join(text.partition(": ")[0] for text in texts[limit : limit + LISTED])
            more = f"and {len(texts) - limit} more: {names}"
            more += ", …" if len(texts) > limit + LISTED else ""
            yield from block("", f"{more}; -v shows all", width=view.width)


def _unknown(fleet: Fleet) -> list[str]:
    """Members that do not know what others of their group know, or what a rule needs."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for group in fleet.groups:
        for member in group.members:
            paths = (*open_paths(group), *member.unknown)
            if paths:
                alike.setdefault(paths, []).append(member.name)
    return [
        f"{in_short(names)}: {', '.join(path.removeprefix('facts.') for path in paths[:LISTED])}"
        + (f" and {len(paths) - LISTED} more" if len(paths) > LISTED else "")
        for paths, names in alike.items()
    ]


def matrix(fleet: Fleet) -> str:
    """A row for each group and a column for each section that differs anywhere."""
    sections = sorted({name for group in fleet.groups for name in group.differs})
    has_roles = any(group.role for group in fleet.groups)
    rows = [["", "machines", *(["role"] if has_roles else []), *sections, "members"]]
    for group in fleet.groups:
        cells = [DIFFERS if name in group.differs else SAME for name in sections]
        role = [group.role or "-"] if has_roles else []
        mark = mark_of(group).replace(BASELINE, "=")
        count = str(len(group.members))
        rows.append([mark, count, *role, *cells, in_short(members_of(group))])
    return table(rows)
