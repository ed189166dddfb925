"""What a judgement comes to: findings, doubts, and the report that holds them."""

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
    probed_equal: str | None = None
    """What was expected and that probes on both sides did not see it; the impact is lowered."""


HIDDEN_VALUE = "hidden-value"
"""Stands for the rule where no rule has a doubt of its own: a value is hidden on both sides."""


class Undecided(NamedTuple):
    """A rule that could not be decided, the path that was unknown, and why."""

    rule: str
    path: str
    reason: str
    impact: Impact
    """What the rule could have said at most, by the policy's measure; none for advice, and for
    what the policy leaves out or expects."""


class Ignored(NamedTuple):
    """A finding left out by the policy, with the reason given there."""

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
    """Which fingerprint a report speaks of, in short."""

    label: str | None
    digest: str
    captured_at: str
    lines: tuple[tuple[str, str], ...]
    """What a person wants to know of that machine first: (topic, text)."""


class Report(NamedTuple):
    """The result of a judgement. `findings` are in one total order: impact, rule, path."""

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
    """The policy file in force; None where the defaults hold."""
    likely_causes: tuple[str, ...] = ()
    """Rules that best explain other results, most likely first; at most three."""
    look_next: tuple[str, ...] = ()
    """Where to look when results differ and nothing found here explains it."""
    expected: tuple[Expected, ...] = ()
    also_changed: tuple[str, ...] = ()
    """Rules whose findings came together with what was expected: the result may be theirs."""
    policy_notes: tuple[str, ...] = ()
    """What is wrong with the policy itself: entries that have expired, or fit nothing."""

    def exit_code(
        self, fail_on: Impact, fail_on_unknown: bool = False, strict: bool = False
    ) -> int:
        """1 when a finding (with `strict`, advice too) is at or above `fail_on`, else 3 or 0.

        3 is for a rule that could have reached the threshold, where unknown must fail.
        """
        if self.reaching(fail_on, strict):
            return 1
        return 3 if fail_on_unknown and self.undecided_reaching(fail_on) else 0

    def reaching(self, fail_on: Impact, strict: bool = False) -> tuple[Finding, ...]:
        """The findings (with `strict`, advice too) at or above `fail_on`, the worst first."""
        counted = self.findings + (self.advice if strict else ())
        reached = (finding for finding in counted if finding.impact >= fail_on)
        return tuple(sorted(reached, key=lambda finding: -finding.impact))

    def undecided_reaching(self, fail_on: Impact) -> tuple[Undecided, ...]:
        """The rules that could have reached `fail_on`, and could not be decided."""
        return tuple(entry for entry in self.undecided if entry.impact >= fail_on)
