"""The first screen of a report: what it means, why, what to do, and what was compared.

At most 24 lines of 80 columns: where that is too little for three causes, it names fewer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from envprint.core.comparison import OF_RECORDS
from envprint.core.impact import Impact
from envprint.core.report import (
    MEANING,
    OTHER_ENVIRONMENT,
    Finding,
    Report,
    Undecided,
    another_environment,
    count_unjudged,
    counted,
    first_word,
    taking_part,
    undecided_rules,
)
from envprint.core.text import (
    TOPIC,
    block,
    inside_sentence,
    paint,
    plain,
    wrapped,
)
from envprint.outputs.formats import ALL, QUIET, View
from envprint.outputs.formats._words import (
    COLOURS,
    counted_findings,
    environments,
    grouped,
    happened,
    listed,
    remedies,
    to_paste,
    with_arrows,
    wrapped_remedy,
)

LINES = 24
"""Of the smallest terminal in use."""
CAUSES = 3
MAX_LISTED = 3
"""Entries of any other block."""
_FIX = "fix: "
_MISSING = "framework-missing"
_ELSEWHERE = "if results differ   "
_NUMBER = 3
"""Columns of a number and the blanks behind it."""

Group = list[Finding]


def first_screen(report: Report, view: View) -> list[str]:
    """The lines of the first screen."""
    lines: list[str] = []
    for causes, fix_lines in ((CAUSES, 2), (CAUSES, 1), (2, 1), (1, 1)):
        lines = list(_lines(report, view, causes, fix_lines))
        if len(lines) <= LINES:
            break
    return lines


def _lines(report: Report, view: View, causes: int, fix_lines: int) -> Iterator[str]:
    groups = grouped(counted_findings(report, view))
    # That it is another environment causes nothing; what it lacks is said with it.
    is_elsewhere = another_environment(report.findings) is not None
    said = {OTHER_ENVIRONMENT, _MISSING} if is_elsewhere else {OTHER_ENVIRONMENT}
    causes_of = [group for group in groups if group[0].rule not in said]
    yield from _verdict(report, view)
    if report.not_checked is not None and _impact(report, view):
        yield from _verdict(report._replace(not_checked=None), view)
    blocks = (
        _hint(report, view),
        _another_environment(report, view),
        _causes(causes_of, view, causes, fix_lines),
        _unjudged(report, view),
        _undecided(report, view),
        _look_next(report, view),
        _expected(report, view),
        environments(report, view),
        _counts(report, view),
    )
    for lines in map(list, blocks):
        if lines:
            yield ""
            yield from lines


def _verdict(report: Report, view: View) -> Iterator[str]:
    indent = len(verdict_word(report, view._replace(colour=False))) + 1
    first, *others = wrapped(verdict_sentence(report, view), view.width - indent)
    yield f"{verdict_word(report, view)} {first}"
    yield from (" " * TOPIC + line for line in others)


def verdict_word(report: Report, view: View) -> str:
    """The first word of a report, padded: the impact, or that nobody knows it."""
    impact = _impact(report, view)
    # A verdict about some sections only is not as good as it would be about all of them.
    shade = max(impact, Impact.NUMERIC) if report.only else impact
    word, colour = f"{impact.word.upper():{TOPIC - 1}}", COLOURS[shade]
    named = first_word(report, impact)
    if named != impact.word.upper():
        shade = Impact.BREAKS if report.not_checked is not None else Impact.NUMERIC
        word, colour = f"{named} ", COLOURS[shade]
    name = word.rstrip()
    return paint(name, colour, view.colour) + word[len(name) :]


def _impact(report: Report, view: View) -> Impact:
    counted = report.advice if view.strict else ()
    return max((report.impact, *(advice.impact for advice in counted)))


def verdict_sentence(report: Report, view: View) -> str:
    """What the verdict means, and a single cause; several causes follow in lines of their own.

    In a quiet text nothing follows, so it names the first of several, too.
    """
    groups, impact = grouped(counted_findings(report, view)), _impact(report, view)
    if report.not_checked is not None:
        return _not_checked(report.not_checked, report, view)
    if elsewhere := another_environment(report.findings):
        old = report.baseline
        named = f" ({old.reference})" if old and old.reference else ""
        text = f"another environment is looked at: {elsewhere.before}{named} → {elsewhere.after}"
    elif report.unjudged and impact < Impact.NUMERIC:
        shown = taking_part(report.unjudged)
        are = "is" if len(shown) == 1 else "are"
        text = f"{count_unjudged(shown)} in training {are} not judged"
    elif not groups:
        text = _nothing_found(report)
    else:
        text = _meaning(report, view)
        if len(groups) == 1 or view.details == QUIET:
            more = f" (and {len(groups) - 1} more)" if len(groups) > 1 else ""
            text += f": {inside_sentence(groups[0][0].title)}{more}"
    if report.only:
        text = f"{report.only_in_words()}: {text}"
    text = text[0].upper() + text[1:]
    return text if text.endswith((".", "?")) else f"{text}."


def _not_checked(reason: str, report: Report, view: View) -> str:
    """The reason as it is, because it may end with what to type.

    In a quiet text, which has no second line, what was found all the same stands behind it.
    """
    if view.details == QUIET and (impact := _impact(report, view)):
        found = verdict_sentence(report._replace(not_checked=None), view)
        return f"{reason}; {impact.word.upper()}: {inside_sentence(found)}"
    return reason


def _meaning(report: Report, view: View) -> str:
    impact = _impact(report, view)
    if not view.strict and all(finding.probed_equal for finding in report.findings):
        return "not seen here, as it was probed"
    if report.baseline is None and impact == Impact.NUMERIC:  # there is nothing to be equal to
        return "results can differ by rounding from those of other runs"
    return MEANING[impact]


def _nothing_found(report: Report) -> str:
    undecided = len(undecided_rules(report.undecided))
    counts = f"0 findings, 0 not judged, {undecided} undecided"
    if report.baseline is None:
        return f"nothing found here that changes a result: 0 findings, {undecided} undecided"
    same = not (report.changes or report.advice or report.ignored or report.expected)
    of_records = OF_RECORDS if report.baseline.record or report.current.record else ""
    known = "" if same else " that is known to change a result"
    return f"no difference{of_records}{known}: {counts}"


# What was looked at is not what trains.


def _hint(report: Report, view: View) -> Iterator[str]:
    if report.current.hint:
        text, colon, command = plain(report.current.hint).partition(": ")
        yield from wrapped(text + colon.rstrip(), view.width)
        if command:
            yield " " * TOPIC + command


def _another_environment(report: Report, view: View) -> Iterator[str]:
    """What is missing there, and the command that looks at the environment of the baseline."""
    elsewhere = another_environment(report.findings)
    if elsewhere:
        lacks = elsewhere.message.removeprefix(f"{elsewhere.before} → {elsewhere.after}: ")
        yield from block("", f"{lacks}.", width=view.width)
        for line in wrapped_remedy(elsewhere.remedy, view.width - TOPIC):
            yield " " * TOPIC + line


# Why, and what to do.


def _causes(groups: Sequence[Group], view: View, limit: int, fix_lines: int) -> Iterator[str]:
    """The likeliest causes with what changed and the fix; the others by name."""
    if not groups:
        return
    shown, others = groups[:limit], groups[limit:]
    topics = [_kind(group) for group in shown]
    texts = _cause_texts(shown, len(groups) == 1, view)
    for number, (group, text) in enumerate(zip(shown, texts, strict=True), 1):
        topic = topics[number - 1] if topics[number - 1] not in topics[: number - 1] else ""
        yield from _numbered(topic, f"{number}  ", _cut(text, _room(view), 2))
        yield from (" " * (TOPIC + _NUMBER) + line for line in _fix(group, view, fix_lines))
    if others:
        names = [_brief(group) for group in others]
        text = f"and {len(others)} more: {'; '.join(names[:MAX_LISTED])}"
        text += "; …" if len(names) > MAX_LISTED else ""
        yield from (" " * TOPIC + line for line in _cut(text, view.width - TOPIC, 2))


def _kind(group: Group) -> str:
    """What a finding is: only what can change a result explains another one."""
    return "likely" if group[0].impact >= Impact.NUMERIC else "found"


def _room(view: View) -> int:
    return view.width - TOPIC - _NUMBER


def _cause_texts(groups: Sequence[Group], single: bool, view: View) -> list[str]:
    """Title and change of each group, in two columns where all of them fit.

    The verdict is that of the worst, so a title says where the impact of its group is another one.
    """
    worst = max(group[0].impact for group in groups)
    titles = [_title(group, worst) for group in groups]
    changed = [_changed(group) for group in groups]
    if single:  # its title is in the verdict
        return [changed[0] if changed[0] else titles[0]]
    column = max(map(len, titles)) + 2
    if all(column + len(text) <= _room(view) for text in changed):
        return [f"{title:{column}}{text}" for title, text in zip(titles, changed, strict=True)]
    return [f"{title}: {text}" for title, text in zip(titles, changed, strict=True)]


def _title(group: Group, worst: Impact) -> str:
    first = group[0]
    return first.title if first.impact == worst else f"{first.title} ({first.impact.word})"


def _changed(group: Group) -> str:
    return "; ".join(dict.fromkeys(happened(finding) for finding in group))


def _brief(group: Group) -> str:
    text = _changed(group)
    return text if "→" in text and len(text) <= 40 else group[0].title


def _fix(group: Group, view: View, limit: int) -> Iterator[str]:
    """The fix in few lines; a command is never cut, because half of one may be pasted."""
    found = remedies(group)
    if not found:
        return
    width = _room(view) - len(_FIX)
    lines = [line for remedy in found for line in to_paste(remedy)]
    if len(lines) > limit:
        lines = ["; ".join(lines)]
    for number, line in enumerate(lines or _cut(found[0], width, limit)):
        yield f"{'' if number else _FIX:{len(_FIX)}}{line}"


def _cut(text: str, width: int, limit: int) -> list[str]:
    """`text` in at most so many lines."""
    lines = wrapped(text, width)
    if len(lines) > limit:
        lines = wrapped(text, width - 2)[:limit]
        lines[-1] += " …"
    return lines


def _numbered(topic: str, number: str, lines: Sequence[str]) -> Iterator[str]:
    yield f"{topic:{TOPIC}}{number}{lines[0]}"
    for line in lines[1:]:
        yield " " * (TOPIC + len(number)) + line


# What is not known.


def _unjudged(report: Report, view: View) -> Iterator[str]:
    entries = report.unjudged
    texts = [f"{entry.message} ({entry.part})" for entry in entries[:MAX_LISTED]]
    if len(entries) == 1:
        read = entries[0].read
        texts[0] += f": {entries[0].reason}" if read else ""
        texts.append(f"read: {read}" if read else entries[0].reason)
    more = [entry.name for entry in entries[MAX_LISTED:]]
    texts += [f"and {len(more)} more: {listed(more, 6)}"] if more else []
    if not texts:
        return
    lines = [line for text in texts for line in wrapped(text, view.width - TOPIC)]
    for topic, line in zip_longest(("not", "judged"), lines, fillvalue=""):
        yield f"{topic:{TOPIC}}{line}"


def _undecided(report: Report, view: View) -> Iterator[str]:
    """Each reason once: a driver that does not answer leaves many values unknown."""
    reasons: dict[str, list[Undecided]] = {}
    for entry in report.undecided:
        if entry.impact > Impact.NONE:
            reasons.setdefault(entry.reason, []).append(entry)
    most_first = sorted(reasons.items(), key=lambda item: -len(item[1]))
    for number, (reason, entries) in enumerate(most_first):
        topic = "" if number else "undecided"
        if number == MAX_LISTED - 1 and len(reasons) > MAX_LISTED:
            yield from block("", f"and {len(reasons) - number} more reasons", width=view.width)
            return
        paths = list(dict.fromkeys(entry.path for entry in entries))
        text = f"{counted({entry.rule for entry in entries}, 'rule')}: {reason}"
        with_paths = f"{text} ({listed(paths, 1)})"
        fits = len(wrapped(with_paths, view.width - TOPIC)) <= 2
        yield from _numbered(topic, "", _cut(with_paths if fits else text, view.width - TOPIC, 2))


def _look_next(report: Report, view: View) -> Iterator[str]:
    indent = len(_ELSEWHERE)
    for number, text in enumerate(report.look_next, 1):
        lines = wrapped(text, view.width - indent - _NUMBER)
        yield f"{_ELSEWHERE if number == 1 else '':{indent}}{number}  {lines[0]}"
        yield from (" " * (indent + _NUMBER) + line for line in lines[1:])


def _expected(report: Report, view: View) -> Iterator[str]:
    if report.expected:
        names = [with_arrows(entry.message) for entry in report.expected]
        yield from block("expected", listed(names, MAX_LISTED), width=view.width)
    if report.also_changed:
        names = list(report.also_changed)
        text = f"these came with it and may be the actual cause: {listed(names, MAX_LISTED)}"
        yield from block("  but", text, width=view.width)


# What there is in all.


def _counts(report: Report, view: View) -> Iterator[str]:
    text, hint = counts(report, view), "" if view.details == ALL else "-v shows all"
    if text and len(text) + 3 + len(hint) <= view.width:
        yield f"{text}   {hint}".rstrip()
    elif text:
        yield from (*wrapped(text, view.width), *filter(None, (hint,)))


def counts(report: Report, view: View) -> str:
    """How many there are of everything, so that nothing is hidden; empty where nothing is left."""
    has_baseline = report.baseline is not None
    numbers = [
        (len(report.findings), "finding", "findings", True),
        (len(report.unjudged), "not judged", "not judged", has_baseline),
        (len(undecided_rules(report.undecided)), "undecided", "undecided", True),
        (len(report.changes), "other change", "other changes", has_baseline),
        (len(report.expected), "expected", "expected", False),
        (len(report.ignored), "ignored", "ignored", False),
        (len(report.advice), "piece of advice", "pieces of advice", False),
        (len(report.policy_notes), "note on the policy", "notes on the policy", False),
    ]
    if report.not_checked is None and not grouped(counted_findings(report, view)):
        numbers = [(*count[:3], False) for count in numbers[3:]]  # the verdict has the others
    texts = [
        f"{number} {one if number == 1 else many}"
        for number, one, many, always in numbers
        if number or always
    ]
    return f"{', '.join(texts)}." if texts else ""
