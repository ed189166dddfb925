"""What was true of one machine at its capture, and no digest knows: memory held by others, a GPU
that was lost, a driver that did not answer.

A document holds what was seen; what that means is judged here, by the rules of today.
"""

from __future__ import annotations

from collections.abc import Mapping

from envprint.core.fingerprint import SCHEMA_VERSION, Fingerprint
from envprint.core.report import Finding
from envprint.core.rule import Rule
from envprint.core.typed import Any, Protocol
from envprint.core.workload import Workload
from envprint.documents.outline import Outline
from envprint.judging.context import Context
from envprint.judging.evaluate import on_fingerprint
from envprint.rules import catalogue

_KEPT = 64
"""Facts of so many groups are kept: in a directory, members of a group stand side by side."""
_SEEN = ("gpu", "host")
"""Parts of the live state about which there are rules."""
_OWN = ("gpu", "environ")
"""Sections that name cards and processes, which a member does not share with its group."""


class Source(Protocol):
    """A document that can be read as far as is necessary."""

    def section(self, name: str) -> Any:
        """One section of the facts."""

    def fingerprint(self) -> Fingerprint:
        """All of it."""


class States:
    """Finds what was true of a machine at its capture."""

    def __init__(self, context: Context) -> None:
        self._context = context
        rules = [rule for rule in catalogue() if rule.state and not rule.advice]
        self._of_gpus = [rule for rule in rules if _watches(rule, "live.gpu")]
        self._of_hosts = [
            rule for rule in rules if _watches(rule, "live.host") and rule not in self._of_gpus
        ]
        self._ids = {rule.id for rule in (*self._of_gpus, *self._of_hosts)}
        self._facts: dict[Any, Mapping[str, Any]] = {}
        self._workloads: dict[Any, Workload] = {}
        self._found: dict[tuple[str, str], Finding] = {}
        self._unseen: dict[Any, tuple[str, ...]] = {}

    def unseen(self, key: Any, outline: Outline, source: Source) -> tuple[str, ...]:
        """Paths of the live state that are unknown of a machine, if a rule about it needs them.

        They depend on the group and on what is unknown, so machines alike in both are judged once.
        """
        listed = [path for path in outline.unknown if path.startswith("live.")]
        missing = [f"live.{name}" for name in _SEEN if name not in outline.live]
        unknown = tuple(sorted({*missing, *listed})) if missing or listed else ()
        if not unknown and outline.version == SCHEMA_VERSION:
            return ()
        place = (key, unknown, outline.version)
        if place not in self._unseen:
            report = self._context.state(source.fingerprint(), None)
            paths = {one.path for one in report.undecided if one.rule in self._ids}
            self._unseen[place] = tuple(sorted(p for p in paths if p.startswith("live.")))
        return self._unseen[place]

    def of(self, key: Any, outline: Outline, source: Source) -> tuple[Finding, ...]:
        """The findings of a machine, under the policy; `key` is that of its group."""
        if not self._may_have_any(key, outline, source):
            return ()
        found = self._context.state(source.fingerprint(), None).findings
        states = (finding for finding in found if finding.rule in self._ids)
        return tuple(self._found.setdefault((one.rule, one.message), one) for one in states)

    def _may_have_any(self, key: Any, outline: Outline, source: Source) -> bool:
        """Whether a rule finds something, judged with as little as possible."""
        quiet, rules = _is_quiet(outline.live.get("gpu")), self._of_hosts
        if not quiet:
            rules = rules + self._of_gpus
        facts: Mapping[str, Any] = {}
        if not quiet:
            facts = self._shared(key, source)
            facts = {**facts, **{name: source.section(name) for name in _OWN}}
        now = Fingerprint(facts, outline.live, outline.unknown, "", "", "", "", {})
        workload = self._workload(None if quiet else key, now)
        return any(on_fingerprint(rule, now, workload).matches for rule in rules)

    def _workload(self, key: Any, now: Fingerprint) -> Workload:
        """Of a group; of no group where no GPU is looked at, as hosts are judged for any work."""
        if key not in self._workloads:
            self._workloads[key] = self._context.workload(now, None)
        return self._workloads[key]

    def _shared(self, key: Any, source: Source) -> Mapping[str, Any]:
        facts = self._facts.get(key)
        if facts is None:
            if len(self._facts) >= _KEPT:
                del self._facts[next(iter(self._facts))]
            facts = self._facts[key] = source.fingerprint().facts
        return facts


def _watches(rule: Rule, place: str) -> bool:
    return any(path.startswith(place) for path in rule.watches)


def _is_quiet(gpu: Any) -> bool:
    """Whether there is no GPU of which anything could be said."""
    if not isinstance(gpu, Mapping):
        return gpu is None
    said = (gpu.get("devices"), gpu.get("lost"), gpu.get("silence"))
    return not any(said) and gpu.get("answer") in (None, "ok")
