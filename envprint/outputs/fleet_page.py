"""The verdict about many machines as one page: the odd groups, and machines by sections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envprint.core.fleet import Fleet, Group, Member
from envprint.core.report import Finding, Report, counted, first_word
from envprint.core.shell import kind
from envprint.outputs.fleet_words import (
    clauses,
    in_short,
    mark_of,
    members_of,
    open_paths,
    verdict,
    word,
)
from envprint.outputs.formats._words import grouped, happened, notes, remedies, to_paste
from envprint.outputs.html_fingerprints import choices
from envprint.outputs.html_page import (
    Html,
    code,
    element,
    joined,
    link,
    page,
    row,
    section,
    table,
    to_copy,
)

OMITS = frozenset({"undecided", "advice", "unknown"})
"""Of what is unknown on one machine alone, the section is marked."""
MOST = 2_000
"""Machines with a row each; of a larger fleet, each group has one."""
MANY = 40
"""Names and spans of names in one place; of more, how many there are."""
_SAME, _DIFFERS = "same", "differs"
_Part = tuple[str, str, Html]


def render(fleet: Fleet) -> str:
    """The whole page."""
    named, sentence = word(fleet), verdict(fleet)
    is_impact = named == fleet.impact.word.upper()
    level = fleet.impact.word if is_impact else "open"
    first, *others = (f"{text[0].upper()}{text[1:]}." for text in clauses(fleet))
    head = element("h1", element("span", named, class_=f"impact {level}"), " ", first)
    below = [element("p", text) for text in others]
    parts = [part for part in _parts(fleet) if part is not None]
    return page(f"envprint: {named}: {sentence}", joined((head, *below, _counts(fleet))), parts)


def _counts(fleet: Fleet) -> Html:
    texts = [
        counted(range(fleet.size), "machine"),
        counted(fleet.groups, "group"),
        *([f"{len(fleet.older)} older"] if fleet.older else []),
        "all digests verified" if fleet.verified else "digests as the documents have them",
    ]
    return element("p", ", ".join(texts), class_="soft")


def _parts(fleet: Fleet) -> Iterator[_Part | None]:
    numbers = {id(group): number for number, group in enumerate(fleet.groups)}
    for group in fleet.odd():
        yield _group(numbers[id(group)], group)
    yield _states(fleet)
    yield _matrix(fleet)
    yield _documents(fleet)


def _group(number: int, group: Group) -> _Part:
    report = group.report
    assert report is not None
    name, title = f"group-{number}", in_short(members_of(group))
    mark = first_word(report, report.impact).lower()
    level = mark if mark == report.impact.word else "open"
    role = f", {group.role}" if group.role else ""
    count = counted(range(len(group.members)), "machine")
    differ = "differs" if len(group.members) == 1 else "differ"
    head = element(
        "p",
        element("span", mark, class_=f"impact {level}"),
        f" {count}{role}, {differ} in {', '.join(group.differs) or 'nothing that is compared'}",
    )
    articles = [_article(found) for found in grouped(report.findings)]
    return name, title, section(name, title, head, *articles, *_open(report), _members(group))


def _article(found: Sequence[Finding], *above: Html) -> Html:
    first = found[0]
    title = element(
        "h3",
        element("span", first.impact.word, class_=f"impact {first.impact.word}"),
        f" {first.title} ",
        element("span", first.rule, class_="rule soft"),
    )
    sources = [element("li", link(source)) for source in first.evidence]
    reasons = [
        joined((element("dt", label), element("dd", content)))
        for label, content in (
            ("why", first.why),
            ("unless", first.not_when),
            (f"evidence, {first.confidence.value}", element("ul", *sources) if sources else ""),
        )
        if content
    ]
    happenings = [element("p", text) for text in dict.fromkeys(map(happened, found))]
    return element("article", title, *above, *happenings, element("dl", *reasons), *_fixes(found))


def _fixes(found: Sequence[Finding]) -> Iterator[Html]:
    for remedy in remedies(found):
        if kind(remedy) == "text":
            yield element("p", element("strong", "do: "), remedy)
        else:
            yield to_copy(to_paste(remedy))
    yield from (element("p", note, class_="soft") for note in notes(found))


def _open(report: Report) -> Iterator[Html]:
    """What nobody has judged, what could not be checked, and what does not matter."""
    if report.not_checked is not None:
        yield element("p", f"Not checked: {report.not_checked}")
    if report.unjudged:
        listed = [element("li", f"{one.message} ({one.part})") for one in report.unjudged]
        yield joined((element("h3", "Not judged"), element("ul", *listed)))
    if report.changes:
        listed = [element("li", code(change.path), f" {change.kind}") for change in report.changes]
        summary = element("summary", f"{counted(report.changes, 'other change')}")
        yield element("details", summary, element("ul", *listed))


def _members(group: Group) -> Html:
    names = [element("li", one.name) for one in group.members[:MOST]]
    more = len(group.members) - len(names)
    if more:
        names.append(element("li", f"and {more} more"))
    return element("details", element("summary", "Members"), element("ul", *names))


def _states(fleet: Fleet) -> _Part | None:
    if not fleet.states:
        return None
    articles = [
        _article([finding], element("p", element("strong", in_short(members, MANY))))
        for finding, members in fleet.states
    ]
    title = "What was true at the capture"
    return "states", title, section("states", title, *articles, count=len(articles))


def _matrix(fleet: Fleet) -> _Part | None:
    """A row for each machine, or in a large fleet for each group."""
    columns = sorted({name for group in fleet.groups for name in (*group.differs, *_holes(group))})
    if fleet.size == 0:
        return None
    is_whole = fleet.size <= MOST
    has_roles = any(group.role for group in fleet.groups)
    odd = fleet.odd()
    ordered = [*odd, *(group for group in fleet.groups if group not in odd)]
    rows = [made for group in ordered for made in _rows(group, columns, is_whole, has_roles)]
    title = "Machines and sections" if is_whole else "Groups and sections"
    kinds = ((f"{_SAME} {_DIFFERS}", "all", False), (_DIFFERS, "only those that differ", True))
    has_odd = bool(odd)
    form = choices("matrix", title, kinds if has_odd else (), single=True)
    roles = ("role",) if has_roles else ()
    names = ("machine" if is_whole else "machines", "impact", *roles, *columns)
    made = table(title, names, rows, sorts=True)
    return "matrix", title, section("matrix", title, form, made, count=len(rows))


def _holes(group: Group) -> set[str]:
    return {name for member in group.members for name in _unknown(group, member)}


def _rows(group: Group, columns: Sequence[str], is_whole: bool, has_roles: bool) -> Iterator[Html]:
    if not is_whole:
        unknown = tuple({path.split(".")[1] for path in open_paths(group)})
        yield _row(in_short(members_of(group), MANY), group, columns, unknown, has_roles)
        return
    for member in group.members:
        yield _row(member.name, group, columns, _unknown(group, member), has_roles)


def _unknown(group: Group, member: Member) -> tuple[str, ...]:
    return tuple({path.split(".")[1] for path in (*open_paths(group), *member.unknown)})


def _row(
    name: str, group: Group, columns: Sequence[str], unknown: Sequence[str], has_roles: bool
) -> Html:
    report = group.report
    mark = mark_of(group)
    is_impact = report is not None and mark == report.impact.word
    level = mark if is_impact else "open" if group.is_odd else "soft"
    cells = []
    for column in columns:
        if column in group.differs:
            cells.append(element("strong", "differs", class_=level))
        else:
            text = "partly unknown" if column in unknown else "same"
            cells.append(element("span", text, class_="soft"))
    shown = element("span", mark, class_=level)
    is_odd = group.is_odd
    roles = (group.role,) if has_roles else ()
    return row(name, shown, *roles, *cells, data_kind=_DIFFERS if is_odd else _SAME)


def _documents(fleet: Fleet) -> _Part | None:
    rows = [
        *(row(one.source, "unreadable", one.reason) for one in fleet.unreadable),
        *(row(one.source, "older", f"{one.newer} is of the same machine") for one in fleet.older),
        *(row(one.source, "forged", one.reason) for one in fleet.forged),
    ]
    if not rows:
        return None
    title = "Documents that do not count, or not as they are"
    made = table(title, ("document", "what", "why"), rows)
    return "documents", title, section("documents", title, made, count=len(rows))
