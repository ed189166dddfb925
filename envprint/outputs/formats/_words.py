"""Findings, values and environments in the words of the text report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from envprint.core.fingerprint import split_path
from envprint.core.impact import Impact
from envprint.core.report import Finding, Placement, Report, Summary, counted
from envprint.core.shell import commands, kind
from envprint.core.summary import UNKNOWN, code_in_words
from envprint.core.text import block, plain, wrapped
from envprint.core.typed import Any
from envprint.core.units import size
from envprint.core.workload import ON_GPU
from envprint.outputs.formats import ALL, View

COLOURS = {
    Impact.NONE: "32",
    Impact.PERF: "32",
    Impact.NUMERIC: "33",
    Impact.DIVERGES: "31",
    Impact.BREAKS: "1;31",
}
MAX_ITEMS = 8
"""Items that are named of a list or map; the document has all."""
MAX_NEWER = 3
"""Packages that are newer than the knowledge, named on the first screen."""
_OUTLINE = 4
_ENTRY = "facts.packages.distributions["


def counted_findings(report: Report, view: View) -> tuple[Finding, ...]:
    """The findings, and with `strict` the advice, in the order of likelihood.

    Likely causes first; advice that outweighs all findings decides the verdict, so it is the first.
    """
    ranks = {rule: number for number, rule in enumerate(report.likely_causes)}

    def order(finding: Finding) -> tuple[int, int]:
        return ranks.get(finding.rule, len(ranks)), -finding.impact

    worse = [advice for advice in report.advice if view.strict and advice.impact > report.impact]
    other = [advice for advice in report.advice if view.strict and advice.impact <= report.impact]
    worse.sort(key=lambda advice: -advice.impact)
    return (*worse, *sorted((*report.findings, *other), key=order))


def grouped(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Findings that say the same of several variables, GPUs or packages, together."""
    alike: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        same = (finding.rule, finding.impact, finding.title, finding.why, finding.not_when)
        alike.setdefault((*same, finding.confidence, finding.probed_equal), []).append(finding)
    return list(alike.values())


def remedies(group: Iterable[Finding]) -> list[str]:
    """What to do about the findings of a group, each once."""
    return list(dict.fromkeys(finding.remedy for finding in group if finding.remedy))


def notes(group: Iterable[Finding]) -> list[str]:
    """What to know about these remedies, each once."""
    return list(dict.fromkeys(finding.note for finding in group if finding.note))


def to_paste(remedy: str) -> list[str]:
    """The commands, or the lines of Python, of a remedy; empty if it is text."""
    if kind(remedy) == "text":
        return []
    return [plain(line) for line in commands(remedy) or remedy.splitlines()]


def wrapped_remedy(remedy: str, width: int) -> list[str]:
    """The remedy in lines. A command is never split: half of one may be pasted as a whole."""
    return to_paste(remedy) or wrapped(remedy, width)


def happened(finding: Finding) -> str:
    """What was found here, with `before → after` wherever something changed."""
    text = with_arrows(finding.message or finding.title)
    values = finding.before, finding.after
    if "→" in text or None in values or _says_both(finding):
        return text
    return f"{text}: {' → '.join(short(readable(_place(finding), value)) for value in values)}"


def with_arrows(message: str) -> str:
    """`A was 1, is 2; B was 3, is 4` as `A 1 → 2; B 3 → 4`."""
    if " was " not in message:
        return message
    clauses = re.split(r"((?:;|:|, so) )", message)
    return "".join(re.sub(r"^(.+?) was (.+), is (.+)$", r"\1 \2 → \3", one) for one in clauses)


def _says_both(finding: Finding) -> bool:
    """Whether the message already contains both values, or there are none to show."""
    values = finding.before, finding.after
    simple = not any(isinstance(value, (dict, list, bool)) for value in values)
    has_both = all(str(readable(_place(finding), value)) in finding.message for value in values)
    return not simple or has_both


def _place(finding: Finding) -> str:
    return finding.paths[0] if finding.paths else ""


def readable(name: str, value: Any) -> Any:
    """A byte count with a unit; other values unchanged."""
    return size(value) if type(value) is int and name.endswith("_bytes") else value


def short(value: Any) -> str:
    """A value in a few words; of a list or map its items."""
    if isinstance(value, dict):
        return listed([f"{key} {short(item)}" for key, item in value.items()]) or "empty"
    if isinstance(value, list):
        return listed([short(item) for item in value]) or "empty"
    text = "unset" if value is None else "empty" if value == "" else plain(str(value))
    return text if len(text) <= 60 else f"{text[:57]}…"


def outline(value: dict[str, Any] | list[Any]) -> str:
    """The plain values inside a map or list that came or went: enough to recognise it by."""
    items = value.items() if isinstance(value, dict) else (("", item) for item in value)
    texts = [
        f"{key} {short(readable(key, item))}".strip()
        for key, item in items
        if item is not None and not isinstance(item, (dict, list))
    ]
    return listed(texts, _OUTLINE)


def listed(texts: Sequence[str], limit: int = MAX_ITEMS) -> str:
    """The texts with commas, and how many more there are."""
    shown = ", ".join(texts[:limit])
    return f"{shown} and {len(texts) - limit} more" if len(texts) > limit else shown


def inside(before: Any, after: Any, name: str = "") -> str:
    """What changed from one value to another, to the inside of lists and maps."""
    if isinstance(before, dict) and isinstance(after, dict):
        return "; ".join(_in_map(before, after))
    if isinstance(before, list) and isinstance(after, list):
        return "; ".join(_in_list(before, after)) or "the same in a different order"
    return f"{short(readable(name, before))} → {short(readable(name, after))}"


def _in_map(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    yield from _gone_and_new(
        [f"{key} ({short(before[key])})" for key in before if key not in after],
        [f"{key} ({short(after[key])})" for key in after if key not in before],
    )
    both = [key for key in before if key in after and before[key] != after[key]]
    if both:
        yield listed([f"{key} {inside(before[key], after[key])}" for key in both])


def _in_list(before: list[Any], after: list[Any]) -> Iterator[str]:
    old, new = ([short(item) for item in items] for items in (before, after))
    has_old, has_new = set(old), set(new)
    yield from _gone_and_new(
        [text for text in old if text not in has_new],
        [text for text in new if text not in has_old],
    )
    if has_old == has_new and len(old) != len(new):
        yield f"repeated differently: {len(old)} → {len(new)} entries"


def _gone_and_new(gone: list[str], new: list[str]) -> Iterator[str]:
    if gone:
        yield f"no longer {listed(gone)}"
    if new:
        yield f"new {listed(new)}"


def package_of(path: str) -> str | None:
    """The distribution of whose version or presence a path speaks."""
    if not path.startswith(_ENTRY):
        return None
    name, _, rest = path[len(_ENTRY) :].partition("]")
    return name if rest in ("", ".version") else None


def name_of(path: str) -> str:
    """The end of a path in words, without what its section says already."""
    words = " ".join(split_path(path)[1 if path.startswith("live.") else 2 :])
    return words.removeprefix("distributions ").removeprefix("variables ").removesuffix(" version")


# Which two environments a report compares, and what they run on.


def environments(report: Report, view: View) -> Iterator[str]:
    """Both sides, the code, the machine, the device and the policy, each in a line."""
    for topic, text in compared(report, view):
        yield from block(topic, text, width=view.width)


def compared(report: Report, view: View) -> Iterator[tuple[str, str]]:
    """The same as topics and texts, without those that are empty."""
    old, new = report.baseline, report.current
    for topic, text in (
        ("before", _side(old, with_python=old.python != new.python) if old else ""),
        (_topic_of_current(report), _side(new, with_now=old is not None)),
        ("code", _code(old, new)),
        ("machine", _machine(old, new)),
        ("runs on", _runs_on(report)),
        ("job", listed(report.workload.libraries)),
        ("only", _only("before", report.workload.only_baseline)),
        ("only", _only("now", report.workload.only_current)),
        ("policy", report.policy or ""),
        ("knowledge", _knowledge(report, view)),
    ):
        if text:
            yield topic, text


def _knowledge(report: Report, view: View) -> str:
    """`as of 2026-11-28; 1 changed package is newer: timm 1.0.32`.

    Said where a changed package is newer, and with all details.
    """
    known, is_all = report.knowledge, view.details == ALL
    if known is None or not (known.newer or is_all):
        return ""
    if not known.newer:
        return f"as of {known.as_of}"
    names = listed(known.newer, len(known.newer) if is_all else MAX_NEWER)
    are = "is" if len(known.newer) == 1 else "are"
    return f"as of {known.as_of}; {counted(known.newer, 'changed package')} {are} newer: {names}"


def _topic_of_current(report: Report) -> str:
    if report.baseline:
        return "after"
    return "now" if report.current.reference in (None, "now") else "looked at"


def _side(side: Summary, *, with_python: bool = True, with_now: bool = True) -> str:
    """`monday.json "last good run", 2026-11-23 09:12 UTC, ~/venvs/train, python 3.11.7`."""
    is_now = side.reference == "now"
    reference = "" if is_now and not with_now else side.reference
    run = f"run of {side.program}" if side.program else ""
    name = " ".join(filter(None, (reference, f'"{side.label}"' if side.label else "", run)))
    when = "" if is_now else f"{side.captured_at[:16].replace('T', ' ')} UTC"
    if side.record:  # which rarely says when it was made
        when = f"{side.record}, imported {when}"
    chosen = f", {side.chosen}" if side.chosen else ""
    prefix = f"{side.prefix}{chosen}" if side.prefix else ""
    python = f"python {side.python}" if side.python and with_python else ""
    return ", ".join(filter(None, (name, when, prefix, python)))


def _code(old: Summary | None, new: Summary) -> str:
    if old is None or old.code is None or new.code is None:
        one = new.code if old is None else None
        return code_in_words(one, one) if one else _code_of_one_side(old, new)
    same = "the same: " if old.code == new.code else ""
    return same + code_in_words(old.code, new.code)


def _code_of_one_side(old: Summary | None, new: Summary) -> str:
    sides = [side.code and code_in_words(side.code, side.code) for side in (old or new, new)]
    return f"{sides[0] or 'none'} → {sides[1] or 'none'}" if any(sides) else ""


def _machine(old: Summary | None, new: Summary) -> str:
    """What differs, before → after, then what does not, and what neither side knows."""
    if old is None:
        return ", ".join(new.machine)
    pairs = list(zip(old.machine, new.machine, strict=False))
    differs = [f"{before} → {after}" for before, after in pairs if before != after]
    equal = [after for before, after in pairs if before == after]
    same = ", ".join(part for part in equal if not part.startswith(UNKNOWN))
    unknown = ", ".join(part.removeprefix(UNKNOWN) for part in equal if part.startswith(UNKNOWN))
    texts = (", ".join(differs), same and f"the same: {same}")
    open_ones = unknown and f"unknown on both sides: {unknown}"
    return "; ".join(filter(None, (*texts, open_ones)))


def _runs_on(report: Report) -> str:
    """`torch → CPU (a CPU build); jax → GPU 0, 1`, frameworks of one place together."""
    together: dict[str, list[str]] = {}
    for one in report.computes_on:
        together.setdefault(_where(one), []).append(one.framework)
    return "; ".join(f"{', '.join(names)} → {where}" for where, names in together.items())


def _where(one: Placement) -> str:
    reason = plain(one.reason)
    if one.device == "gpu" and reason.startswith("GPU "):
        return f"GPU {_numbers(reason.removeprefix('GPU ').split(', '))}"
    if one.framework not in ON_GPU:
        return "CPU"
    return f"{one.device.upper() if one.device else 'unknown'} ({reason})"


def _only(side: str, names: Sequence[str]) -> str:
    """Frameworks that one side alone has, and the option that judges them."""
    if not names:
        return ""
    them = "it" if len(names) == 1 else "them"
    options = " ".join(f"--framework {name}" for name in names)
    return f"{side}: {', '.join(names)}, not judged; if the job uses {them}: {options}"


def _numbers(keys: Sequence[str]) -> str:
    """`0, 1`, or `0 to 7` for many in a row."""
    in_a_row = [str(number) for number in range(len(keys))]
    is_row = len(keys) > 2 and list(keys) == in_a_row
    return f"{keys[0]} to {keys[-1]}" if is_row else listed(keys)
