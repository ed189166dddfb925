"""What follows the first screen: findings in full, packages as a table, and all else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from envprint.core.comparison import Change
from envprint.core.fingerprint import split_path
from envprint.core.impact import Confidence, Impact
from envprint.core.report import VARIABLE, Finding, Report, Summary, Undecided
from envprint.core.text import TOPIC, block, columns, heading, paint, plain
from envprint.core.text import table as in_columns
from envprint.core.typed import Any
from envprint.outputs.formats import ALL, View
from envprint.outputs.formats._words import (
    COLOURS,
    counted_findings,
    grouped,
    happened,
    inside,
    name_of,
    notes,
    outline,
    package_of,
    readable,
    remedies,
    short,
    with_arrows,
    wrapped_remedy,
)

LABEL = 12
"""Columns of the labels inside a finding."""
CHANGED = "  before → after"
MAX_ROWS = 12
"""Packages in the table, unless all details are wanted."""
FOLD = 5
"""At this number or more, changes of one kind are listed by name only."""


def likely(report: Report, view: View) -> Iterator[str]:
    """The likely causes in full, and the packages that changed."""
    groups = grouped(counted_findings(report, view))
    rules = report.likely_causes or [group[0].rule for group in groups[:3]]
    shown = [group for group in groups if group[0].rule in rules]
    strong = any(group[0].impact >= Impact.NUMERIC for group in shown)
    yield from _section("Likely causes" if strong else "Found", _in_full(shown, view), view)
    yield from _section("Packages", _packages(report, MAX_ROWS), view)


def in_full(report: Report, view: View) -> Iterator[str]:
    """Everything there is in a report."""
    advice = f"Advice, {'counted by' if view.strict else 'not counted without'} --strict"
    others = _apart(report.changes)[1]
    for title, lines in (
        ("Findings", _in_full(grouped(report.findings), view)),
        ("Not judged", _unjudged(report, view)),
        ("Expected, the experiment itself", _expected(report, view)),
        ("Packages", _packages(report)),
        ("Also changed, not known to matter", _changes(others, view)),
        ("Undecided", _undecided(report, view)),
        (advice, _advice(report, view)),
        ("Ignored by the policy", _ignored(report, view)),
        ("Policy", (line for note in report.policy_notes for line in _line(note, view))),
        ("Machines" if report.baseline else "Machine", _machines(report, view)),
    ):
        yield from _section(title, lines, view)


def _section(title: str, lines: Iterable[str], view: View) -> Iterator[str]:
    lines = list(lines)
    if lines:
        yield from heading(title, view.colour)
        yield from lines if lines[-1] else lines[:-1]


def _line(text: str, view: View, topic: str = "") -> Iterator[str]:
    return block(topic, text, width=view.width)


def _in_full(groups: Sequence[list[Finding]], view: View) -> Iterator[str]:
    for group in groups:
        yield from _finding(group, view)
        yield ""


def _finding(group: list[Finding], view: View) -> Iterator[str]:
    """One finding, or several that say the same: what they say, once, of all their variables."""
    first = group[0]
    yield from _title(first, view)
    texts = list(dict.fromkeys(happened(finding) for finding in group))
    label, indent = ("  found", LABEL)
    if all("→" in text for text in texts):
        label, indent = CHANGED, len(CHANGED) + 3
    yield from _labelled(label, texts, view, indent)
    for label, reason in (
        ("  not seen", first.probed_equal),
        ("  why", first.why),
        ("  unless", first.not_when),
    ):
        if reason:
            yield from _labelled(label, [reason], view)
    yield from _fix(group, view, LABEL)
    yield from _labelled("  evidence", list(_evidence(first, view)), view)


def _labelled(label: str, texts: Sequence[str], view: View, indent: int = LABEL) -> Iterator[str]:
    for number, text in enumerate(texts):
        yield from block("" if number else label, text, width=view.width, indent=indent)


def _title(finding: Finding, view: View) -> Iterator[str]:
    """The impact and the title, and the rule's id at the right edge."""
    word = finding.impact.word.upper()
    lines = list(
        block(word, finding.title, paint(word, COLOURS[finding.impact], view.colour), view.width)
    )
    used = TOPIC + columns(plain(finding.title)) if len(lines) == 1 else view.width
    rule = plain(finding.rule)
    if used + 2 + len(rule) <= view.width:
        lines[0] += " " * (view.width - used - len(rule)) + rule
    else:
        lines.append(f"{rule:>{view.width}}")
    yield from lines


def _fix(group: Sequence[Finding], view: View, indent: int) -> Iterator[str]:
    """Each remedy and its note; a command stands on a line of its own and is never broken."""
    label = "  fix"
    for remedy in remedies(group):
        for line in wrapped_remedy(remedy, view.width - indent):
            yield f"{label:{indent}}{line}"
            label = ""
    for note in notes(group):
        yield from block("", note, width=view.width, indent=indent)


def _evidence(finding: Finding, view: View) -> Iterator[str]:
    """How well it is known, and from where: one source, or with all details each of them."""
    is_measured = finding.confidence is Confidence.MEASURED
    # What was measured comes before the page that explains it.
    sources = sorted(finding.evidence, key=lambda text: is_measured and text.startswith("http"))
    shown = sources if view.details == ALL else sources[:1]
    first, *others = shown or (f"envprint explain {finding.rule}",)
    yield f"{finding.confidence.value}: {first}"
    yield from others
    if more := len(sources) - len(shown):
        yield f"{more} more: envprint explain {finding.rule}"


def _unjudged(report: Report, view: View) -> Iterator[str]:
    for entry in report.unjudged:
        read = f"; read {entry.read}" if entry.read else ""
        text = f"{entry.message} ({entry.part}): {entry.reason}{read}"
        yield from _line(text, view)


# Packages, a row for each.


def _packages(report: Report, limit: int | None = None) -> Iterator[str]:
    rows = package_rows(report)
    if rows:
        shown = [("name", "before", "after", "role"), *rows[:limit]]
        yield from in_columns(("", *row) for row in shown).splitlines()
        if more := len(rows) + 1 - len(shown):
            yield f"  and {more} more"


def package_rows(report: Report) -> list[tuple[str, str, str, str]]:
    """Name, both versions and role of every package that came, went or has another version,
    judged or not; first what takes part, in the order of the report.
    """
    rows: dict[str, tuple[str, str, str]] = {}
    for finding in report.findings:
        names = {name for path in finding.paths if (name := package_of(path))}
        if len(names) == 1 and _is_version(finding.before) and _is_version(finding.after):
            rows.setdefault(names.pop(), _row(finding.before, finding.after))
    for entry in report.unjudged:
        if entry.kind != VARIABLE:
            rows[entry.name] = _row(entry.before, entry.after, entry.role)
    for change in _apart(report.changes)[0]:
        name = package_of(change.path) or change.path
        rows.setdefault(name, _row(change.before, change.after))
    if not rows:
        return []
    from envprint.judging.unjudged import role_of  # reads a table

    return [(name, *row[:2], row[2] or role_of(name) or "") for name, row in rows.items()]


def _row(before: Any, after: Any, role: str = "") -> tuple[str, str, str]:
    return _version(before), _version(after), role


def _version(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("version")
    return "-" if value is None else short(value)


def _is_version(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _apart(changes: Iterable[Change]) -> tuple[list[Change], list[Change]]:
    """Changes of a package's version or presence, and all others."""
    packages: list[Change] = []
    others: list[Change] = []
    for change in changes:
        (packages if package_of(change.path) else others).append(change)
    return packages, others


# What no rule knows to matter.


def _changes(changes: Sequence[Change], view: View) -> Iterator[str]:
    sections: dict[str, list[Change]] = {}
    for change in changes:
        place, section = change.path.split(".")[:2]
        sections.setdefault("live" if place == "live" else section, []).append(change)
    for section, found in sections.items():
        topic = section
        for alike in _by_kind(found).values():
            texts = [_fold(alike)] if len(alike) >= FOLD else map(_change, alike)
            for text in texts:
                yield from _line(text, view, topic)
                topic = ""


def _by_kind(changes: Sequence[Change]) -> dict[object, list[Change]]:
    """The changes, those together that are alike in many entries of one map."""
    alike: dict[object, list[Change]] = {}
    for change in changes:
        alike.setdefault(_kind(change) or change.path, []).append(change)
    return alike


def _kind(change: Change) -> tuple[str, str] | None:
    """What was changed of the entries of which map; or what happened to its entries."""
    map_path, bracket, entry = change.path.rpartition("[")
    key, _, field = entry.partition("]")
    if not bracket or not key:
        return None
    return map_path, field.removeprefix(".") or change.kind


def _fold(changes: Sequence[Change]) -> str:
    """`location of 28 distributions: numpy, …`, or `28 variables added: …`."""
    map_path, field = _kind(changes[0]) or ("", "")
    where = split_path(map_path)[-1]
    names = ", ".join(change.path.rpartition("[")[2].partition("]")[0] for change in changes)
    if field == changes[0].kind:
        return f"{len(changes)} {where} {field}: {names}"
    return f"{field} of {len(changes)} {where}: {names}"


def _change(change: Change) -> str:
    name = name_of(change.path)
    if change.kind == "changed":
        return f"{name} {inside(change.before, change.after, name)}"
    value = change.after if change.kind == "added" else change.before
    text = outline(value) if isinstance(value, (dict, list)) else short(readable(name, value))
    return f"{name} {change.kind}" + (f" ({text})" if text else "")


# What is left.


def _undecided(report: Report, view: View) -> Iterator[str]:
    """Each reason once: a driver that does not answer leaves many values unknown."""
    reasons: dict[str, list[Undecided]] = {}
    for entry in report.undecided:
        reasons.setdefault(entry.reason, []).append(entry)
    for reason, entries in reasons.items():
        paths = ", ".join(dict.fromkeys(entry.path for entry in entries))
        rules = ", ".join(dict.fromkeys(entry.rule for entry in entries))
        yield from _line(f"{paths}: {reason} ({rules})", view)


def _expected(report: Report, view: View) -> Iterator[str]:
    for expected in report.expected:
        rule = f" ({expected.rule})" if expected.rule else ""
        yield from _line(f"{with_arrows(expected.message)}: {expected.reason}{rule}", view)
    if report.also_changed:
        names = ", ".join(report.also_changed)
        text = f"these came with it and may be the actual cause: {names}"
        yield from _line(text, view, "  but")


def _ignored(report: Report, view: View) -> Iterator[str]:
    for ignored in report.ignored:
        until = f", until {ignored.expires}" if ignored.expires else ""
        yield from _line(f"{ignored.rule}: {ignored.reason}{until}", view)


def _advice(report: Report, view: View) -> Iterator[str]:
    for group in grouped(report.advice):
        for text in dict.fromkeys(happened(advice) for advice in group):
            yield from _line(f"{text} ({group[0].rule})", view)
        yield from _fix(group, view, TOPIC)


def _machines(report: Report, view: View) -> Iterator[str]:
    old, new = report.baseline, report.current
    before = dict(old.lines) if old else {}
    for topic, text in new.lines:
        was = before.get(topic, text)
        yield from _line(text if was == text else f"{was} → {text}", view, topic)
    yield from _line(_digests(old, new), view, "digest")


def _digests(old: Summary | None, new: Summary) -> str:
    texts = [side.digest[:19] for side in (old, new) if side]
    return " → ".join(dict.fromkeys(texts))
