"""The words that every form of a fleet's verdict shares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from envprint.core.fleet import Fleet, Group
from envprint.core.impact import Impact
from envprint.core.report import MEANING, NOT_CHECKED_WORD, NOT_JUDGED_WORD, counted, first_word

BASELINE = "baseline"
SHOWN = 4
"""Names in one line; of more, how many there are."""


def folded(names: Iterable[str]) -> list[str]:
    """Names with numbers in a row as one: `node[003-017]`. Those that stand alone stay."""
    runs: list[tuple[str, str, str, str]] = []
    for name in names:
        found = re.fullmatch(r"(.*?)(\d{1,9})(\D*)", name, re.DOTALL)
        if found is None:
            runs.append((name, "", "", ""))
            continue
        before, number, after = found.groups()
        if runs and _follows(runs[-1], before, number, after):
            runs[-1] = (before, runs[-1][1], number, after)
        else:
            runs.append((before, number, number, after))
    return [
        f"{before}{first}{after}" if first == last else f"{before}[{first}-{last}]{after}"
        for before, first, last, after in runs
    ]


def _follows(run: tuple[str, str, str, str], before: str, number: str, after: str) -> bool:
    if not run[2]:
        return False
    is_next = int(number) == int(run[2]) + 1
    # Without leading zeros, the next number may have a digit more.
    is_same_form = len(number) == len(run[2]) or not (number[0] == "0" or run[2][0] == "0")
    return (run[0], run[3]) == (before, after) and is_next and is_same_form


def in_short(names: Sequence[str], limit: int = SHOWN) -> str:
    """The first names, folded, and how many more there are."""
    parts = folded(names)
    if len(parts) <= limit:
        return ", ".join(parts)
    return f"{', '.join(parts[:limit])} and {len(parts) - limit} more"


def members_of(group: Group) -> list[str]:
    """Their names."""
    return [member.name for member in group.members]


def word(fleet: Fleet) -> str:
    """The first word of the verdict: the impact, unless nobody knows it."""
    impact = fleet.impact
    if impact >= Impact.NUMERIC:
        return impact.word.upper()
    if fleet.not_checked or (fleet.size == 1 and not fleet.reference and not fleet.states):
        return NOT_CHECKED_WORD
    words = {first_word(report, impact) for report in fleet.reports()}
    for unknown in (NOT_CHECKED_WORD, NOT_JUDGED_WORD):
        if unknown in words:
            return unknown
    return impact.word.upper()


def verdict(fleet: Fleet) -> str:
    """The verdict in one sentence: how many differ, and what that means."""
    text = "; ".join(clauses(fleet))
    return f"{text[0].upper()}{text[1:]}."


def clauses(fleet: Fleet) -> list[str]:
    """The parts of that sentence: who differs, what was true at the capture, what is not known."""
    texts = [*_who_differs(fleet), *_had_states(fleet)]
    texts = texts or [_all_alike(fleet, counted(range(fleet.size), "machine"))]
    if fleet.broken and fleet.size > 1:
        itself = "the largest group itself" if fleet.odd() else "each by itself"
        more = f" and {len(fleet.broken) - 1} more" if len(fleet.broken) > 1 else ""
        texts.append(f"{itself} {MEANING[Impact.BREAKS]} ({fleet.broken[0]}{more})")
    if fleet.only:
        texts.append(fleet.only)
    if fleet.unreadable:
        texts.append(f"{counted(fleet.unreadable, 'document')} unreadable")
    if fleet.not_checked:
        texts.append(fleet.not_checked)
    if partly := fleet.partly_unknown():
        texts.append(f"of {counted(partly, 'machine')} not all is known")
    return texts


def _who_differs(fleet: Fleet) -> Iterator[str]:
    odd = fleet.odd()
    total = counted(range(fleet.size), "machine")
    if odd:
        several = sum(len(group.members) for group in odd)
        differ = "differs" if several == 1 else "differ"
        others = _against(fleet)
        yield f"{several} of {total} {differ} from {others}: {_meaning(fleet, odd)}"
    elif fleet.states and fleet.size > 1:
        yield f"all {total} are alike"


def _had_states(fleet: Fleet) -> Iterator[str]:
    if not fleet.states:
        return
    names = {name for state in fleet.states for name in state.members}
    had = f"{len(names)} had a state" if fleet.size > 1 else "it had a state"
    worst = fleet.states[0].finding.impact
    # What it means is not written twice.
    is_said = any(group.report and group.report.impact >= worst for group in fleet.odd())
    what = f" ({worst.word})" if is_said else f": {MEANING[worst]}"
    yield f"at the capture {had} that matters{what}"


def _all_alike(fleet: Fleet, total: str) -> str:
    if fleet.size == 1:
        return "Only one machine: nothing to compare"
    what = " as the baseline" if fleet.reference else ""
    return f"All {total} are the same{what} in everything that is not meant to differ"


def _against(fleet: Fleet) -> str:
    if fleet.reference:
        return f"the baseline {fleet.reference.reference or ''}".rstrip()
    size = len(fleet.groups[0].members)
    if ties := fleet.ties():
        return f"the first of {ties} groups of {size}, of which none is the majority"
    return f"the largest group of {size}"


def mark_of(group: Group) -> str:
    """What a group is in a table: a baseline, alike in another role, or the worst of its report."""
    if group.report is None:
        return BASELINE
    return first_word(group.report, group.report.impact).lower() if group.is_odd else "alike"


def open_paths(group: Group) -> tuple[str, ...]:
    """Paths of facts for lack of which rules about this group could not be decided."""
    return tuple(dict.fromkeys(one.path for one in group.open_rules()))


def _meaning(fleet: Fleet, odd: Sequence[Group]) -> str:
    worst = max(group.report.impact for group in odd if group.report)
    if worst < Impact.NUMERIC and word(fleet) in (NOT_CHECKED_WORD, NOT_JUDGED_WORD):
        is_open = word(fleet) == NOT_JUDGED_WORD
        return "not all of it is judged" if is_open else "nothing could be checked"
    return MEANING[worst]
