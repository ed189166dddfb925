"""The result of judging: findings, undecided rules, and the report that holds them."""

from typing import Any, NamedTuple

from envprint.core.comparison import Change
from envprint.core.impact import Confidence, Impact
from envprint.core.workload import Workload


class Finding(NamedTuple):
    """A rule's statement about one comparison or one state."""

    rule: str
    impact: Impact
    confidence: Confidence
    title: str
    message: str
    paths: tuple[str, ...]
    before: Any
    after: Any
    why: str
    not_when: str
    remedy: str
    evidence: tuple[str, ...]
    not_seen: str | None = None
    """The expected effect, which probes on both sides did not show; the impact is lowered."""


HIDDEN_VALUE = "hidden-value"
"""Replaces the rule's id when a value is hidden on both sides and no rule is undecided about it."""


class Undecided(NamedTuple):
    """A rule that could not be decided, the path that was unknown, and why."""

    rule: str
    path: str
    reason: str
    impact: Impact
    """The worst the rule could have found under the policy; none for advice, and for what the
    policy ignores or expects."""


class Ignored(NamedTuple):
    """A finding that the policy ignores, with the reason given there."""

    rule: str
    reason: str
    expires: str | None
    message: str


class Expected(NamedTuple):
    """A difference that the policy declares to be the experiment itself."""

    rule: str | None
    """None for a change that no rule knows."""
    path: str
    message: str
    reason: str


class Summary(NamedTuple):
    """Identifies a fingerprint in a report."""

    label: str | None
    digest: str
    captured_at: str
    lines: tuple[tuple[str, str], ...]
    """What a reader wants to know about that machine first: (topic, text)."""


class Report(NamedTuple):
    """The result of judging. `findings` are in a total order: impact, rule, path."""

    impact: Impact
    summary: str
    baseline: Summary | None
    current: Summary
    workload: Workload
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    undecided: tuple[Undecided, ...]
    advice: tuple[Finding, ...]
    ignored: tuple[Ignored, ...]
    policy: str | None = None
    """The policy file in force; None for the defaults."""
    likely_causes: tuple[str, ...] = ()
    """Rules that best explain different results, most likely first; at most three."""
    look_next: tuple[str, ...] = ()
    """Where to look if results differ and no finding explains it."""
    expected: tuple[Expected, ...] = ()
    lockstep: tuple[str, ...] = ()
    """Rules whose findings appeared together with an expected change: may be the actual cause."""
    policy_notes: tuple[str, ...] = ()
    """Problems of the policy itself: entries that have expired or match nothing."""

    def exit_code(
        self, fail_on: Impact, fail_on_unknown: bool = False, strict: bool = False
    ) -> int:
        """1 if a finding (with `strict`, advice too) is at or above `fail_on`, else 3 or 0.

        3 means that an undecided rule could have reached it, and `fail_on_unknown` is set.
        """
        if self.reaching(fail_on, strict):
            return 1
        return 3 if fail_on_unknown and self.doubtful(fail_on) else 0

    def reaching(self, fail_on: Impact, strict: bool = False) -> tuple[Finding, ...]:
        """The findings (with `strict`, advice too) at or above `fail_on`, worst first."""
        counted = self.findings + (self.advice if strict else ())
        reached = (finding for finding in counted if finding.impact >= fail_on)
        return tuple(sorted(reached, key=lambda finding: -finding.impact))

    def doubtful(self, fail_on: Impact) -> tuple[Undecided, ...]:
        """The undecided rules that could have reached `fail_on`."""
        return tuple(doubt for doubt in self.undecided if doubt.impact >= fail_on)
