"""The report for people: the verdict first, then the evidence, in 80 columns.

It reads the same without colour. Text from a document may be hostile: control and direction
characters are shown as escapes and never reach the terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from envprint.core.comparison import Change
from envprint.core.fingerprint import split_path
from envprint.core.impact import Impact
from envprint.core.report import DEVICES, Finding, Ignored, Report, Summary, Undecided, verdict
from envprint.core.text import block, heading, paint, plain, what_to_do
from envprint.core.units import size
from envprint.core.workload import Workload

OMITS = frozenset({"changes"})
"""Parts of a report that are not shown whole: changes that no rule knows are counted where there
are many."""
MAX_CHANGES = 12
"""Unexplained changes shown per section; further ones are only counted."""
FOLD = 5
"""At this number or more, changes of one kind are counted and not listed."""

_COLOURS = {
    Impact.NONE: "32",
    Impact.PERF: "32",
    Impact.NUMERIC: "33",
    Impact.DIVERGES: "31",
    Impact.BREAKS: "1;31",
}


def render(report: Report, colour: bool = False, strict: bool = False) -> str:
    """The report as text that ends with a newline; with `strict`, advice counts."""
    return "\n".join(_lines(report, colour, strict)) + "\n"


def _lines(report: Report, colour: bool, strict: bool) -> Iterator[str]:
    impact, summary = verdict(report, strict)
    word = impact.word.upper()
    yield from block(word, summary[0].upper() + summary[1:], paint(word, _COLOURS[impact], colour))
    yield from _causes(report)
    yield from _numbered("look at", report.look_next)
    yield ""
    yield from _head(report)
    for title, lines in (
        ("Findings", (line for f in report.findings for line in _finding(f, colour))),
        ("Expected, the experiment itself", _expected(report)),
        ("Also changed, not known to matter", _changes(report.changes)),
        ("Could not be decided", _undecided(report)),
        (
            f"Advice, {'counted by' if strict else 'not counted without'} --strict",
            (line for advice in report.advice for line in _advice(advice)),
        ),
        ("Ignored by the policy", (line for i in report.ignored for line in _ignored(i))),
        ("Policy", (line for note in report.policy_notes for line in block("", note))),
    ):
        yield from _section(title, list(lines), colour)


def _causes(report: Report) -> Iterator[str]:
    """The likely causes, if there are several; a single one is already in the verdict."""
    if len(report.likely_causes) > 1:
        titles = {finding.rule: finding.title for finding in reversed(report.findings)}
        yield from _numbered("likely", [f"{titles[r]} ({r})" for r in report.likely_causes])
        more = sum(finding.rule not in report.likely_causes for finding in report.findings)
        if more:
            yield from block("", f"and {more} more below")


def _numbered(topic: str, texts: Sequence[str]) -> Iterator[str]:
    for number, text in enumerate(texts, 1):
        yield from block("" if number > 1 else topic, f"{number}. {text}")


def _section(title: str, lines: list[str], colour: bool) -> Iterator[str]:
    if lines:
        yield from heading(title, colour)
        yield from lines if lines[-1] else lines[:-1]


def _head(report: Report) -> Iterator[str]:
    frameworks = (
        ", ".join(report.workload.frameworks) or "no framework found, name yours with --framework"
    )
    yield from block("workload", f"{frameworks}; on {DEVICES[report.workload.device]}")
    yield from _only_on_one_side(report.workload)
    if report.policy is not None:
        yield from block("policy", report.policy)
    before = dict(report.baseline.lines) if report.baseline else {}
    if report.baseline:
        yield from block("baseline", _side(report.baseline))
    yield from block("current", _side(report.current))
    for topic, text in report.current.lines:
        was = before.get(topic, text)
        yield from block(topic, text if was == text else f"{text} (was: {was})")


def _only_on_one_side(workload: Workload) -> Iterator[str]:
    for side in ("baseline", "current"):
        names = getattr(workload, f"only_{side}")
        if names:
            them = "it" if len(names) == 1 else "them"
            option = " ".join(f"--framework {name}" for name in names)
            text = f"{', '.join(names)}: only in {side}, not judged; if the job uses {them}: "
            yield from block("", f"{text}{option}")


def _side(summary: Summary) -> str:
    label = f"{summary.label}, " if summary.label else ""
    when = summary.captured_at.replace("T", " ").replace("Z", " UTC")
    return f"{label}captured {when}, {summary.digest[:19]}"


def _finding(finding: Finding, colour: bool) -> Iterator[str]:
    word = finding.impact.word
    yield from block(word, finding.title, paint(word, _COLOURS[finding.impact], colour))
    yield from block("", finding.message)
    if not _says_both(finding):
        values = (finding.before, finding.after) if finding.before is not None else (finding.after,)
        yield from block("", " → ".join(_short(_readable(finding, value)) for value in values))
    if finding.probed_equal:
        yield from block("  not seen", finding.probed_equal)
    yield from block("  why", finding.why)
    yield from block("  but not", finding.not_when)
    yield from what_to_do(finding.remedy, finding.note)
    yield from block("  known", f"{finding.confidence.value}; envprint explain {finding.rule}")
    yield ""


def _says_both(finding: Finding) -> bool:
    """Whether the message already contains both values, or there are none to show."""
    values = [value for value in (finding.before, finding.after) if value is not None]
    simple = not any(isinstance(value, (dict, list)) for value in values)
    has_both = all(str(_readable(finding, value)) in finding.message for value in values)
    return not simple or not values or has_both


def _readable(finding: Finding, value: Any) -> Any:
    """A byte count with a unit; other values unchanged."""
    return size(value) if type(value) is int and finding.paths[0].endswith("_bytes") else value


def _changes(changes: tuple[Change, ...]) -> Iterator[str]:
    sections: dict[str, list[Change]] = {}
    for change in changes:
        place, section = change.path.split(".")[:2]
        sections.setdefault("live" if place == "live" else section, []).append(change)
    for section, found in sections.items():
        if section == "live":
            yield from block(section, f"{len(found)} values, as they do from moment to moment")
            continue
        lines, single = _folded(found)
        lines += [_change(change) for change in single[:MAX_CHANGES]]
        if len(single) > MAX_CHANGES:
            lines.append(f"and {len(single) - MAX_CHANGES} more")
        yield from block(section, "; ".join(lines))


def _folded(changes: list[Change]) -> tuple[list[str], list[Change]]:
    """Changes common to many entries, as "location of 28 distributions", and the rest."""
    alike: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        *around, last = split_path(change.path)[2:]
        if len(around) > 1:
            alike.setdefault((last, around[0]), []).append(change)
    many = {key: found for key, found in alike.items() if len(found) >= FOLD}
    folded = {change.path for found in many.values() for change in found}
    lines = [f"{last} of {len(found)} {where}" for (last, where), found in many.items()]
    return lines, [change for change in changes if change.path not in folded]


def _change(change: Change) -> str:
    words = " ".join(split_path(change.path)[2:])
    name = words.removeprefix("distributions ").removeprefix("variables ").removesuffix(" version")
    if change.kind == "changed":
        return f"{name} {_short(change.before)} → {_short(change.after)}"
    value = change.after if change.kind == "added" else change.before
    if isinstance(value, dict) and isinstance(value.get("version"), str):
        value = value["version"]
    shown = "" if isinstance(value, (dict, list)) else f" ({_short(value)})"
    return f"{name} {change.kind}{shown}"


def _undecided(report: Report) -> Iterator[str]:
    """Each reason once: an unresponsive driver leaves many values unknown."""
    reasons: dict[str, list[Undecided]] = {}
    for entry in report.undecided:
        reasons.setdefault(entry.reason, []).append(entry)
    for reason, entries in reasons.items():
        paths = ", ".join(dict.fromkeys(entry.path for entry in entries))
        rules = ", ".join(dict.fromkeys(entry.rule for entry in entries))
        yield from block("", f"{paths}: {reason} ({rules})")


def _expected(report: Report) -> Iterator[str]:
    for expected in report.expected:
        rule = f" ({expected.rule})" if expected.rule else ""
        yield from block("", f"{expected.message}: {expected.reason}{rule}")
    if report.also_changed:
        names = ", ".join(report.also_changed)
        yield from block("  but", f"these came with it, and the result may be theirs: {names}")


def _ignored(ignored: Ignored) -> Iterator[str]:
    until = f", until {ignored.expires}" if ignored.expires else ""
    yield from block("", f"{ignored.rule}: {ignored.reason}{until}")


def _advice(advice: Finding) -> Iterator[str]:
    yield from block("", f"{advice.message or advice.title} ({advice.rule})")
    yield from what_to_do(advice.remedy, advice.note)


def _short(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return f"{len(value)} entries"
    text = "unset" if value is None else "empty" if value == "" else plain(str(value))
    return text if len(text) <= 60 else f"{text[:57]}…"
