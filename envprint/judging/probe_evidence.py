"""Lowers the impact of findings that probes refute.

A forecast that a library does not start is lowered if the library was imported. A forecast of
different arithmetic is lowered only if every framework that its rule affects was probed on both
sides, on the workload's device, and every operation gave the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from envprint.core.comparison import Comparison
from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import COARSE, Fingerprint, around
from envprint.core.impact import Impact
from envprint.core.report import DEVICES, Finding
from envprint.core.rule import Rule
from envprint.core.workload import Workload

_NUMERIC = "facts.probes.numeric"
_IMPORTS = "facts.probes.imports"


def refuted(finding: Finding, names: Sequence[str], now: Fingerprint) -> Finding:
    """The finding, without impact and with the reason if all these distributions were imported."""
    found = {name: now.get(f"{_IMPORTS}[{name}]") or {} for name in names}
    works = all(
        one.get("ok") and one.get("version") == _version(now, name) for name, one in found.items()
    )
    if finding.impact is not Impact.BREAKS or not works:
        return finding
    what = " and ".join(f"{name} {one['version'] or ''}".rstrip() for name, one in found.items())
    text = f"{finding.impact.word} was expected, but here {what} can be imported"
    return finding._replace(impact=Impact.NONE, probed_equal=text)


def _version(now: Fingerprint, name: str) -> str | None:
    version: str | None = now.get(f"facts.packages.distributions[{name}].version")
    return version


class ProbeEvidence:
    """Evidence from the probes of both sides about rules that expect different rounding."""

    def __init__(self, comparison: Comparison, workload: Workload) -> None:
        self._comparison = comparison
        self._workload = workload
        self._equal: dict[str, int | None] = {}

    def lowered(self, finding: Finding, rule: Rule) -> Finding:
        """The finding of a `probed` rule; without impact, with the reason, if probes refute it."""
        if finding.impact is not Impact.NUMERIC:
            return finding
        reached = [
            name
            for name in self._workload.frameworks
            if rule.applies.holds(self._workload._replace(frameworks=(name,)))
        ]
        equal = {name: self._equal_operations(name) for name in reached}
        if not equal or None in equal.values():
            return finding
        what = " and ".join(f"{count} of {name}" for name, count in equal.items())
        text = (
            f"{finding.impact.word} was expected, but probes on both sides gave the same bits in "
            f"all operations they cover on {DEVICES[self._workload.device]}: {what}"
        )
        return finding._replace(impact=Impact.NONE, probed_equal=text)

    def _equal_operations(self, framework: str) -> int | None:
        """`_equal_operations`, counted once per framework."""
        if framework not in self._equal:
            device = self._workload.device
            self._equal[framework] = _equal_operations(framework, self._comparison, device)
        return self._equal[framework]


def _equal_operations(framework: str, comparison: Comparison, device: str) -> int | None:
    """How many operations both sides probed; None unless all of them gave the same bits."""
    before, after = comparison.before, comparison.after
    try:
        probes = (before.value(_NUMERIC) or {}, after.value(_NUMERIC) or {})
        keys = sorted({key for probe in probes for key in probe if _is_of(key, framework, device)})
        places = [f"{_NUMERIC}[{key}]" for key in keys]
        unknown = _unknown_in(before, places), _unknown_in(after, places)
        counts = [_equal_in(place, before, after, unknown) for place in places]
    except UnknownValueError:
        return None
    equal = [count for count in counts if count]
    return sum(equal) if equal and len(equal) == len(counts) else None


_ByPlace = Mapping[str, set[str]]


def _unknown_in(side: Fingerprint, places: Sequence[str]) -> _ByPlace:
    """The unknown paths inside each place."""
    found: dict[str, set[str]] = {place: set() for place in places}
    for path in side.unknown if places else ():
        for place in around(path):
            if place in found:
                found[place].add(path)
    return found


def _equal_in(
    place: str, before: Fingerprint, after: Fingerprint, unknown: tuple[_ByPlace, _ByPlace]
) -> int | None:
    """The same of one probe; raises `UnknownValueError` where it is unknown as a whole."""
    probes = [side.value(place) or {} for side in (before, after)]
    # If an operation varies between runs, one run in which it agreed proves nothing.
    varies = any(side.get("varying") for side in probes)
    same = len({side.get("revision") for side in probes}) == 1
    digests = [side.get("digests", {}) for side in probes]
    # No job uses what neither side can compute; what only one side cannot compute stays open.
    if not same or varies or unknown[0][place] != unknown[1][place] or digests[0] != digests[1]:
        return None
    return sum(not operation.endswith(COARSE) for operation in digests[0])


def _is_of(key: str, framework: str, device: str) -> bool:
    name, _, where = key.partition(" on ")
    return name == framework and where.startswith("gpu") == (device == "gpu")
