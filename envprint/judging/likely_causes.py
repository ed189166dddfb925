"""Which findings most likely made two results differ, best guess first.

A report lists findings by impact and name, so that two reports compare well; the question "what
was it?" needs another order. Each sort key has its reason next to it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint, Places, is_inside
from envprint.core.impact import Confidence, Impact
from envprint.core.report import Finding
from envprint.core.workload import ON_GPU

MAX_CAUSES = 3
"""Causes that are named; in a longer list none would be likely."""

_CHANGED_BETWEEN_RUNS = (
    # How the job is started, and what else runs: changes from one shell to the next.
    (
        *("facts.environ", "facts.determinism", "facts.python.hash_seed", "facts.python.flags"),
        *("facts.cpu.usable_threads", "facts.cpu.quota_cpus", "live.gpu"),
    ),
    # What an upgrade changes: weekly.
    ("facts.packages", "facts.frameworks", "facts.cuda", "facts.math", "facts.python"),
    # What an administrator changes: monthly.
    ("facts.container", "facts.os", "facts.gpu.driver_version", "live.host"),
)
"""What changes on one machine, most often first; hardware comes last."""

_COME_ALONG = tuple(f"facts.frameworks.{name}" for name in ("numpy", "scipy", "scikit_learn"))


def likely_causes(
    findings: Iterable[Finding],
    states: Container[str],
    comparison: Comparison,
    frameworks: Container[str] = (),
) -> tuple[str, ...]:
    """The ids of the rules, at most three, that best explain a different result, likeliest first.

    `states` are the rules about a state, `frameworks` those of the job. Empty if no
    finding can change a result.
    """
    own = is_same_machine(comparison.before, comparison.after)
    changed = Places(change.path for change in comparison.changes)

    trains = any(name in frameworks for name in ON_GPU)

    def order(finding: Finding) -> tuple[int, int, bool, bool, int, str]:
        return (
            # A greater effect explains more of the difference.
            -finding.impact,
            # A difference explains a different result; a state common to both sides hardly can.
            _news(finding, states, changed),
            # Where a framework trains, NumPy and what is built on it mostly came along with it.
            trains and any(is_inside(finding.paths[0], place) for place in _COME_ALONG),
            # Documented or measured causes rank before inferred ones.
            finding.confidence is Confidence.INFERRED,
            # On one machine, variables change more often than processors; two machines have
            # different hardware to begin with.
            _rarity(finding, changed) * (1 if own else -1),
            finding.rule,
        )

    strong = [finding for finding in findings if finding.impact >= Impact.NUMERIC]
    # What the probes measured is an effect; it is named only if no cause of it is found.
    causes = [f for f in strong if not is_inside(f.paths[0], "facts.probes")] or strong
    ranked = sorted(causes, key=order)
    return tuple(dict.fromkeys(finding.rule for finding in ranked))[:MAX_CAUSES]


def _news(finding: Finding, states: Container[str], changed: Places) -> int:
    """0 for a difference, 1 for a new state, 2 for a state that was there before."""
    if finding.rule not in states:
        return 0
    return 1 if any(map(changed.touch, finding.paths)) else 2


def _rarity(finding: Finding, changed: Places) -> int:
    """How rarely such a path changes on one machine; the most frequently changing one decides."""
    places = [path for path in finding.paths if changed.touch(path)] or finding.paths
    return min(map(_rarity_of, places), default=len(_CHANGED_BETWEEN_RUNS))


def _rarity_of(path: str) -> int:
    for rarity, prefixes in enumerate(_CHANGED_BETWEEN_RUNS):
        if any(is_inside(path, prefix) for prefix in prefixes):
            return rarity
    return len(_CHANGED_BETWEEN_RUNS)


def is_same_machine(before: Fingerprint, after: Fingerprint) -> bool:
    """Whether both seem to be one machine: a GPU in common, else the same processor and memory.

    No identity is recorded by default, so identical machines count as one; hardware does not
    explain a difference between those either. False if it cannot be determined.
    """
    cards = _cards(before), _cards(after)
    if all(cards):
        return not cards[0].isdisjoint(cards[1])
    alike = ("facts.cpu.model", "facts.cpu.threads", "facts.cpu.architecture")
    if any(before.get(path) is None for path in alike):
        return False
    return all(before.get(path) == after.get(path) for path in alike) and _alike(
        before.get("live.host.memory_total_bytes"),
        after.get("live.host.memory_total_bytes"),
    )


def _alike(before: int | None, after: int | None) -> bool:
    """Equal except for the part, about a hundredth, that the kernel reserves."""
    return None not in (before, after) and abs((before or 0) - (after or 0)) * 64 <= (before or 0)


def _cards(fingerprint: Fingerprint) -> set[str]:
    devices = fingerprint.get("facts.gpu.devices", {})
    found = (fingerprint.get(f"facts.gpu.devices[{index}].uuid") for index in devices)
    return {uuid for uuid in found if uuid}
