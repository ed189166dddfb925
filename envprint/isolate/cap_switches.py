"""Limits of libraries as switches: what of another processor a process can imitate.

The side that was recorded on a processor with fewer instructions gets a limit for each library. The
trials of that side have it and the others do not. Names for NumPy are those of both versions: one
that a version does not know has no effect.
"""

from __future__ import annotations

from envprint.core.fingerprint import Fingerprint
from envprint.core.isolation import CAP, Fixed, Plan, Switch
from envprint.core.report import Report
from envprint.documents.inputs import NOW
from envprint.isolate.caps import Caps, caps_for
from envprint.isolate.variables import RECORDED

PROCESSOR = "facts.cpu."


def with_caps(
    plan: Plan, sides: tuple[Fingerprint, Fingerprint], report: Report, python: str
) -> Plan:
    """The plan with a switch for each limit that stands for a difference of the processors."""
    recorded = [one for one in sides if one.reference != NOW]
    if len(recorded) != 1:
        return plan  # which of the processors is this one is unknown, or both are
    here = next(one for one in sides if one.reference == NOW)
    given = {**recorded[0].get(RECORDED, {}), **here.get(RECORDED, {})}
    found = caps_for(recorded[0], here, python, given)
    if not found.variables:
        return plan
    values = _values(found, caps_for(recorded[0], here, None, given))
    is_before = recorded[0] is sides[0]
    rules = _rules(report)
    switches = []
    for name, value in values.items():
        before, after = (value, None) if is_before else (None, value)
        switches.append(Switch(f"{CAP} {name}", CAP, name, before, after, rules))
    at = _place(plan, report, rules)
    claims = (Fixed("the processor as limited", claim) for claim in found.claims)
    return Plan((*plan.switches[:at], *switches, *plan.switches[at:]), (*plan.fixed, *claims))


def _values(installed: Caps, table: Caps) -> dict[str, str]:
    """Each limit with the names of the installed version and of the recorded one."""
    others = {cap.name: cap.value for cap in table.variables}
    return {
        cap.name: " ".join(dict.fromkeys(f"{cap.value} {others.get(cap.name, '')}".split()))
        for cap in installed.variables
    }


def _rules(report: Report) -> tuple[str, ...]:
    """The rules that found the processors different."""
    found = (one for one in report.findings if any(p.startswith(PROCESSOR) for p in one.paths))
    return tuple(dict.fromkeys(one.rule for one in found))


def _place(plan: Plan, report: Report, rules: tuple[str, ...]) -> int:
    """Where the limits stand among the switches: before what their rules come before."""
    order = [one.rule for one in report.findings]
    first = min((order.index(rule) for rule in rules), default=len(order))
    earlier = set(order[:first])
    return sum(bool(earlier.intersection(one.rules)) for one in plan.switches)
