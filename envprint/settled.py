"""What numeric probes have settled: where arithmetic was expected to differ, and did not.

A forecast is lowered only when every framework that its rule reaches was probed on both sides, on
the device of the workload, and gave the same bits in every operation.
"""

from __future__ import annotations

from envprint.errors import Undetermined
from envprint.model import COARSE, Comparison, Fingerprint, Impact, Workload, is_inside
from envprint.report import Finding
from envprint.rule import Rule
from envprint.wording import DEVICES

_NUMERIC = "facts.probes.numeric"


def lowered(finding: Finding, rule: Rule, comparison: Comparison, workload: Workload) -> Finding:
    """The finding of a `probed` rule; where probes saw nothing of it, without impact, and why."""
    if finding.impact is not Impact.NUMERIC:
        return finding
    reached = [
        name
        for name in workload.frameworks
        if rule.applies.holds(workload._replace(frameworks=(name,)))
    ]
    equal = {name: _equal_operations(name, comparison, workload.device) for name in reached}
    if not equal or None in equal.values():
        return finding
    what = " and ".join(f"{count} of {name}" for name, count in equal.items())
    text = (
        f"{finding.impact.word} was expected, but probes on both sides gave the same bits in all "
        f"operations that they cover on {DEVICES[workload.device]}: {what}"
    )
    return finding._replace(impact=Impact.NONE, not_seen=text)


def _equal_operations(framework: str, comparison: Comparison, device: str) -> int | None:
    """How many operations both sides probed, all with the same bits; None when that is not so."""
    before, after = comparison.before, comparison.after
    try:
        probes = (before.value(_NUMERIC) or {}, after.value(_NUMERIC) or {})
        keys = sorted({key for told in probes for key in told if _is_of(key, framework, device)})
        counts = [_equal_in(f"{_NUMERIC}[{key}]", before, after) for key in keys]
    except Undetermined:
        return None
    equal = [count for count in counts if count]
    return sum(equal) if equal and len(equal) == len(counts) else None


def _equal_in(place: str, before: Fingerprint, after: Fingerprint) -> int | None:
    """The same of one probe; raises `Undetermined` where it is unknown as a whole."""
    sides = (before, after)
    told = [side.value(place) or {} for side in sides]
    # What neither side can compute, no job there does; what one alone could not, is open.
    unknown = [{path for path in side.unknown if is_inside(path, place)} for side in sides]
    # One run in which an operation that varies agreed says nothing of the next.
    varies = any(side.get("varying") for side in told)
    same = len({side.get("revision") for side in told}) == 1
    digests = [side.get("digests", {}) for side in told]
    if not same or varies or unknown[0] != unknown[1] or digests[0] != digests[1]:
        return None
    return sum(not operation.endswith(COARSE) for operation in digests[0])


def _is_of(key: str, framework: str, device: str) -> bool:
    name, _, where = key.partition(" on ")
    return name == framework and where.startswith("gpu") == (device == "gpu")
