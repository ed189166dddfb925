"""The report as Markdown for a pull request or an issue: verdict and fixes, all else folded.

At most 60,000 characters; what does not fit is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envprint.core.report import Finding, Report, Summary
from envprint.core.shell import kind
from envprint.core.way_back import WayBack
from envprint.outputs.formats import ALL, View
from envprint.outputs.formats._details import package_rows
from envprint.outputs.formats._screen import counts, verdict_sentence, verdict_word
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
from envprint.outputs.markdown_text import (
    MAX_CHARACTERS,
    Fold,
    code,
    fenced,
    fitted,
    head,
    link,
    prose,
    row,
)

OMITS = OMITS_WITH_ALL = frozenset({"summary"})
"""The verdict has a sentence of its own, and the rest of the summary stands in parts below it."""
CAUSES = 3
REST = "`--format json` has all of it"
SHOWN_IN_CAUSE, SHOWN_IN_FULL = 3, 40
"""Things that are found alike, such as on each of many GPUs, and are named."""
MAX_COMMAND = MAX_CHARACTERS // 20
"""Characters of the commands of one finding that are shown; half of one is not."""
_LANGUAGES = {"command": "sh", "python": "python"}


def render(report: Report, view: View = View()) -> str:  # noqa: B008  an immutable value
    """The report as Markdown that ends with a newline."""
    view = view._replace(colour=False, details=ALL)
    return fitted([*_top(report, view)], [*_folds(report)], REST, view.limit)


def _top(report: Report, view: View) -> Iterator[str]:
    yield f"**{verdict_word(report, view).strip()}** {prose(verdict_sentence(report, view))}"
    if report.not_checked is not None and report.impact:
        found = report._replace(not_checked=None)
        yield f"**{verdict_word(found, view).strip()}** {prose(verdict_sentence(found, view))}"
    if report.current.hint:
        yield prose(report.current.hint)
    groups = grouped(counted_findings(report, view))
    for number, group in enumerate(groups[:CAUSES], 1):
        yield "\n\n".join(cause(number, group))
    if len(groups) > CAUSES:
        yield f"and {len(groups) - CAUSES} more below"
    if report.look_next:
        lines = [f"{n}. {prose(text)}" for n, text in enumerate(report.look_next, 1)]
        yield "\n".join(("If results differ, look at", "", *lines))
    rows = [row(topic, code(text)) for topic, text in compared(report, view)]
    if report.only:
        rows.append(row("only", code(report.only_in_words())))
    what = "compared" if report.baseline else "looked at"
    yield "\n".join((head("", f"what was {what}"), *rows))
    if in_all := counts(report, view):
        yield in_all


def cause(number: int, group: Sequence[Finding]) -> Iterator[str]:
    """What was found and what to do, as an item of a numbered list."""
    yield f"{number}. {_title(group[0])}: {_happened(group, SHOWN_IN_CAUSE)}"
    yield from map(_indented, fix(group))


def _title(finding: Finding) -> str:
    return f"**{prose(finding.title)}** ({finding.impact.word}, {code(finding.rule)})"


def _happened(group: Sequence[Finding], limit: int = SHOWN_IN_FULL) -> str:
    texts = list(dict.fromkeys(map(happened, group)))
    more = f" and {len(texts) - limit} more" if len(texts) > limit else ""
    return ", ".join(map(code, texts[:limit])) + more


def fix(group: Sequence[Finding]) -> Iterator[str]:
    """Each remedy, a command or code as a block of its own; and what to know about them."""
    for remedy in remedies(group):
        lines = to_paste(remedy)
        if sum(map(len, lines)) > MAX_COMMAND:
            yield f"Fix: a long command; {REST}"
        elif lines:
            yield fenced(lines, _LANGUAGES[kind(remedy)])
        else:
            yield f"Fix: {prose(remedy)}"
    yield from map(prose, notes(group))


def _indented(block: str) -> str:
    return "\n".join(f"   {line}" for line in block.splitlines())


# What a click unfolds.


def _folds(report: Report) -> Iterator[Fold]:
    if report.way_back is not None:
        yield Fold("The way back to the baseline", [*_way_back(report.way_back)])
    yield Fold("Findings", ["\n\n".join(in_full(group)) for group in grouped(report.findings)])
    yield Fold("Not judged", [*_unjudged(report)], head("name", "before", "after", "part", "read"))
    yield Fold("Undecided", [*_undecided(report)], head("rule", "unknown", "why"))
    yield Fold("Expected, the experiment itself", [*_expected(report)])
    yield Fold("Packages", [*_packages(report)], head("name", "before", "after", "role"))
    yield Fold("Other changes", [*_changes(report)], head("path", "before", "after"))
    yield Fold("Advice", ["\n\n".join(_advice(group)) for group in grouped(report.advice)])
    yield Fold("Ignored by the policy", [*_ignored(report)], head("rule", "reason", "until"))
    yield Fold("Policy", [f"* {prose(note)}" for note in report.policy_notes])
    yield Fold("Machines", [*_machines(report)], head("", "before", "after"))


def _way_back(way: WayBack) -> Iterator[str]:
    for step in way.steps:
        about = ": ".join(filter(None, (", ".join(step.removes), step.note)))
        yield "\n\n".join((*([prose(about)] if about else []), fenced([step.command], "sh")))
    for inside in way.in_program:
        yield f"In the program ({code(inside.removes)}):\n\n{fenced([inside.code], 'python')}"
    for gap in way.without:
        yield f"Without a command: {code(gap.rule)}: {code(gap.message)}. {prose(gap.remedy)}"


def in_full(group: Sequence[Finding]) -> Iterator[str]:
    """Everything about findings that say the same."""
    first = group[0]
    yield f"{_title(first)}: {_happened(group)}"
    for label, text in (
        ("Not seen", first.probed_equal),
        ("Why", first.why),
        ("Unless", first.not_when),
    ):
        if text:
            yield f"{label}: {prose(text)}"
    yield from fix(group)
    if first.evidence:
        sources = "; ".join(map(_source, first.evidence))
        yield f"Evidence ({first.confidence.value}): {sources}"


def _source(text: str) -> str:
    return link(text) if text.startswith("https://") else prose(text)


def _unjudged(report: Report) -> Iterator[str]:
    for entry in report.unjudged:
        read = link(entry.read) if entry.read else ""
        steps = code(short(entry.before)), code(short(entry.after))
        yield row(code(entry.name), *steps, prose(entry.part), read)


def _undecided(report: Report) -> Iterator[str]:
    for entry in report.undecided:
        yield row(code(entry.rule), code(entry.path), code(entry.reason))


def _expected(report: Report) -> Iterator[str]:
    for entry in report.expected:
        rule = f" ({code(entry.rule)})" if entry.rule else ""
        yield f"* {code(with_arrows(entry.message))}: {prose(entry.reason)}{rule}"
    if report.also_changed:
        names = ", ".join(map(code, report.also_changed))
        yield f"* These came with it and may be the actual cause: {names}"


def _packages(report: Report) -> Iterator[str]:
    for name, before, after, role in package_rows(report):
        yield row(code(name), code(before), code(after), prose(role))


def _changes(report: Report) -> Iterator[str]:
    for change in report.changes:
        before = "added" if change.kind == "added" else code(short(change.before))
        after = "removed" if change.kind == "removed" else code(short(change.after))
        yield row(code(change.path), before, after)


def _advice(group: Sequence[Finding]) -> Iterator[str]:
    yield f"* {_happened(group)} ({code(group[0].rule)})"
    yield from map(_indented, fix(group))


def _ignored(report: Report) -> Iterator[str]:
    for entry in report.ignored:
        yield row(code(entry.rule), prose(entry.reason), prose(entry.expires or ""))


def _machines(report: Report) -> Iterator[str]:
    old, new = report.baseline, report.current
    before = dict(old.lines) if old else {}
    for topic, text in new.lines:
        yield row(prose(topic), code(before[topic]) if topic in before else "", code(text))
    yield row("digest", _digest(old), _digest(new))


def _digest(side: Summary | None) -> str:
    return code(side.digest) if side else ""
