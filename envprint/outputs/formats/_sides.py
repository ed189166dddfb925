"""Which two environments a report compares, and what they run on."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.report import Report, Summary
from envprint.core.summary import code_in_words
from envprint.core.text import block
from envprint.outputs.formats import View
from envprint.outputs.formats._words import listed


def environments(report: Report, view: View) -> Iterator[str]:
    """Both sides, the code, the machine, the device and the policy, each in a line."""
    old, new = report.baseline, report.current
    for topic, text in (
        ("before", _side(old, with_python=old.python != new.python) if old else ""),
        (_topic_of_current(report), _side(new, with_now=old is not None)),
        ("code", _code(old, new)),
        ("machine", _machine(old, new)),
        ("runs on", _runs_on(report)),
        ("policy", report.policy or ""),
    ):
        if text:
            yield from block(topic, text, width=view.width)


def _topic_of_current(report: Report) -> str:
    if report.baseline:
        return "after"
    return "now" if report.current.reference in (None, "now") else "looked at"


def _side(side: Summary, *, with_python: bool = True, with_now: bool = True) -> str:
    """`monday.json "last good run", 2026-11-23 09:12 UTC, ~/venvs/train, python 3.11.7`."""
    is_now = side.reference == "now"
    reference = "" if is_now and not with_now else side.reference
    name = " ".join(filter(None, (reference, f'"{side.label}"' if side.label else "")))
    when = "" if is_now else f"{side.captured_at[:16].replace('T', ' ')} UTC"
    chosen = f" ({side.chosen})" if side.chosen else ""
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
    """What differs, before → after, and then what does not."""
    if old is None:
        return ", ".join(new.machine)
    pairs = list(zip(old.machine, new.machine, strict=False))
    differs = [f"{before} → {after}" for before, after in pairs if before != after]
    same = ", ".join(after for before, after in pairs if before == after)
    return "; ".join(filter(None, (", ".join(differs), same and f"the same: {same}")))


def _runs_on(report: Report) -> str:
    workload, gpus = report.workload, report.current.gpus
    if not workload.frameworks:
        return ""
    if workload.device == "gpu":
        device = f"GPU {listed(gpus, 4)}" if gpus else "a GPU"
    else:
        device = "the CPU"
    return f"{', '.join(workload.frameworks)} → {device}"
