"""The report as one page, complete in itself: it loads nothing, and shows both fingerprints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from envprint.core.impact import Impact
from envprint.core.report import Finding, Report, first_word
from envprint.core.sections import path_of
from envprint.core.way_back import WayBack
from envprint.judging.unjudged import role_of
from envprint.outputs.fingerprint import without_secrets
from envprint.outputs.formats import ALL, View
from envprint.outputs.formats._details import package_rows
from envprint.outputs.formats._screen import counts, verdict_sentence
from envprint.outputs.formats._words import (
    compared,
    counted_findings,
    grouped,
    happened,
    notes,
    remedies,
    short,
    to_paste,
    with_arrows,
)
from envprint.outputs.html_fingerprints import PACKAGES, Part, choices, parts_of
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

OMITS = OMITS_WITH_ALL = frozenset({"summary"})
"""The verdict has a sentence of its own, and the rest of the summary stands in parts below it."""
CAUSES = 3
MAX_PLACES = 5
"""More are folded."""


def render(report: Report, view: View = View()) -> str:  # noqa: B008  an immutable value
    """The whole page."""
    view = view._replace(colour=False, details=ALL)
    word = first_word(report, report.impact)
    sentence = verdict_sentence(report, view)
    parts = [
        (name, title, section(name, title, *content, count=count))
        for name, title, content, count in _parts(report, view)
        if content
    ]
    known = report.knowledge
    foot = f"What envprint knows is of {known.as_of}." if known else ""
    title = f"envprint: {word}: {sentence}"
    return page(title, _head(report, view), [*parts, *_sides(report)], foot)


def _head(report: Report, view: View) -> Html:
    word = first_word(report, report.impact)
    level = report.impact.word if word == report.impact.word.upper() else "open"
    badge = element("span", word, class_=f"impact {level}")
    lines = [element("h1", badge, " ", verdict_sentence(report, view))]
    if report.not_checked is not None and report.impact:
        found = report._replace(not_checked=None)
        text = f"{report.impact.word.upper()}: {verdict_sentence(found, view)}"
        lines.append(element("p", element("strong", text)))
    if report.current.hint:
        lines.append(element("p", report.current.hint))
    lines.append(element("p", counts(report, view), class_="soft"))
    return joined(lines)


_Content = tuple[str, str, list[Html], int | None]


def _parts(report: Report, view: View) -> Iterator[_Content]:
    """Name, title, content and count of each part that says what was found."""
    groups = grouped(counted_findings(report, view))
    anchors = _anchors(groups)
    yield "causes", "What to do first", _causes(groups, anchors), None
    yield "next", "If results differ, look at", _listed(report.look_next), None
    title = "What was compared" if report.baseline else "What was looked at"
    yield "compared", title, [_compared(report, view, title)], None
    if report.way_back is not None:
        yield "way-back", "The way back to the baseline", [*_way_back(report.way_back)], None
    found = grouped(report.findings)
    yield "findings", "Findings", _findings(found, anchors), len(found)
    yield "not-judged", "Not judged", _unjudged(report), len(report.unjudged)
    yield "undecided", "Undecided", _undecided(report), len(report.undecided)
    yield "expected", "Expected, the experiment itself", _expected(report), len(report.expected)
    advice = grouped(report.advice)
    anchors |= _anchors(advice)
    articles = [_article(group, "advice", anchors) for group in advice]
    yield "advice", "Advice", articles, len(advice)
    yield "changes", "Other changes", _changes(report), len(report.changes)
    yield "ignored", "Ignored by the policy", _ignored(report), len(report.ignored)
    yield "policy", "Policy", _listed(report.policy_notes), None


def _listed(texts: Iterable[str]) -> list[Html]:
    items = [element("li", text) for text in texts]
    return [element("ol", *items)] if items else []


def _rows(caption: str, columns: Sequence[str], rows: Sequence[Html]) -> list[Html]:
    return [table(caption, columns, rows, sorts=True)] if rows else []


# Findings.


_Key = tuple[str, Impact, str, tuple[str, ...], bool]


def _key(finding: Finding) -> _Key:
    return finding.rule, finding.impact, finding.title, finding.paths, finding.advice


def _anchors(groups: Sequence[list[Finding]]) -> dict[_Key, str]:
    """The address of each: its rule, and where it is."""
    found: dict[_Key, str] = {}
    for first in (group[0] for group in groups):
        place = re.sub(r"[^A-Za-z0-9_.]+", "-", next(iter(first.paths), "")).strip("-")
        name = f"{'advice' if first.advice else 'finding'}-{first.rule}-{place}"
        found[_key(first)] = f"{name}-{len(found)}" if name in found.values() else name
    return found


def _causes(groups: Sequence[list[Finding]], anchors: Mapping[_Key, str]) -> list[Html]:
    items = [
        element(
            "li",
            element("a", group[0].title, href=f"#{anchors[_key(group[0])]}"),
            f": {'; '.join(dict.fromkeys(map(happened, group)))}",
            *_fix(group),
        )
        for group in groups[:CAUSES]
    ]
    return [element("ol", *items)] if items else []


def _findings(groups: Sequence[list[Finding]], anchors: Mapping[_Key, str]) -> list[Html]:
    if not groups:
        return []
    present = [impact for impact in reversed(Impact) if any(g[0].impact == impact for g in groups)]
    kinds = [(impact.word, impact.word, True) for impact in present]
    form = choices("findings", "Impact", kinds)
    return [form, *(_article(group, group[0].impact.word, anchors) for group in groups)]


def _article(group: Sequence[Finding], kind: str, anchors: Mapping[_Key, str]) -> Html:
    first, anchor = group[0], anchors[_key(group[0])]
    here = element("a", "#", href=f"#{anchor}", aria_label=f"Address of: {first.title}")
    title = element(
        "h3",
        element("span", kind, class_=f"impact {kind}"),
        f" {first.title} ",
        here,
        element("span", first.rule, class_="rule soft"),
    )
    happenings = [element("p", text) for text in dict.fromkeys(map(happened, group))]
    return element(
        "article",
        title,
        *happenings,
        element("dl", *_reasons(first)),
        *_fix(group),
        id=anchor,
        data_kind=None if first.advice else kind,
    )


def _reasons(finding: Finding) -> Iterator[Html]:
    sources = [element("li", link(source)) for source in finding.evidence]
    for label, content in (
        ("not seen", finding.probed_equal or ""),
        ("why", finding.why),
        ("unless", finding.not_when),
        (f"evidence, {finding.confidence.value}", element("ul", *sources) if sources else ""),
        ("where", _where(finding.paths)),
    ):
        if content:
            yield joined((element("dt", label), element("dd", content)))


def _where(paths: Sequence[str]) -> Html:
    places = joined(element("div", code(path)) for path in paths)
    if len(paths) <= MAX_PLACES:
        return places
    return element("details", element("summary", f"{len(paths)} places"), places)


def _fix(group: Sequence[Finding]) -> Iterator[Html]:
    for remedy in remedies(group):
        lines = to_paste(remedy)
        yield to_copy(lines) if lines else element("p", element("strong", "Fix: "), remedy)
    for note in notes(group):
        yield element("p", note, class_="soft")


# The rest.


def _compared(report: Report, view: View, title: str) -> Html:
    rows = [row(topic, text) for topic, text in compared(report, view)]
    if report.only:
        rows.append(row("only", report.only_in_words()))
    old, new = report.baseline, report.current
    before = dict(old.lines) if old else {}
    for topic, text in (*new.lines, ("digest", new.digest)):
        was = before.get(topic, text) if topic != "digest" else old.digest if old else text
        rows.append(row(topic, text if was == text else f"{was} → {text}"))
    return table(title, ("what", "value"), rows)


def _way_back(way: WayBack) -> Iterator[Html]:
    for step in way.steps:
        about = ": ".join(filter(None, (", ".join(step.removes), step.note)))
        yield joined((element("p", about) if about else "", to_copy([step.command])))
    for inside in way.in_program:
        said = element("p", f"In the program ({inside.removes}):")
        yield joined((said, to_copy(inside.code.splitlines())))
    for gap in way.without:
        yield element("p", f"Without a command: {gap.rule}: {gap.message}. {gap.remedy}")


def _unjudged(report: Report) -> list[Html]:
    rows = [
        row(
            entry.name,
            short(entry.before),
            short(entry.after),
            entry.part,
            link(entry.read) if entry.read else "",
        )
        for entry in report.unjudged
    ]
    return _rows("Not judged", ("name", "before", "after", "part", "read"), rows)


def _undecided(report: Report) -> list[Html]:
    rows = [row(entry.rule, code(entry.path), entry.reason) for entry in report.undecided]
    return _rows("Undecided", ("rule", "unknown", "why"), rows)


def _expected(report: Report) -> list[Html]:
    rows = [
        row(entry.rule or "", with_arrows(entry.message), entry.reason) for entry in report.expected
    ]
    made = _rows("Expected", ("rule", "difference", "reason"), rows)
    if report.also_changed:
        names = ", ".join(report.also_changed)
        made.append(element("p", f"These came with it and may be the actual cause: {names}"))
    return made


def _changes(report: Report) -> list[Html]:
    rows = [
        row(code(change.path), change.kind, short(change.before), short(change.after))
        for change in report.changes
    ]
    return _rows("Other changes", ("path", "what", "before", "after"), rows)


def _ignored(report: Report) -> list[Html]:
    rows = [
        row(entry.rule, entry.message, entry.reason, entry.expires or "")
        for entry in report.ignored
    ]
    return _rows("Ignored", ("rule", "finding", "reason", "until"), rows)


def _sides(report: Report) -> Iterator[Part]:
    """The fingerprints themselves, where there are any; else the packages of the report."""
    if not report.sides:
        rows = [row(*cells) for cells in package_rows(report)]
        if rows:
            made = table("Packages", ("name", "before", "after", "role"), rows, sorts=True)
            yield "packages", "Packages", section("packages", "Packages", made, count=len(rows))
        return
    sides = [without_secrets(side) for side in report.sides]
    names = {name for side in sides for name in side.get(PACKAGES, {})}
    roles = {name: role_of(name) or "" for name in names}
    only = [path_of(name) for name in report.only]
    yield from parts_of(sides, only or None, roles)
