"""Many fingerprints at once: the groups of machines that are alike, and what sets them apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envprint.core.impact import Impact
from envprint.core.report import Finding, Report, Summary, Undecided
from envprint.core.typed import NamedTuple

MAJORITY = "majority"
"""The baseline if none is named: the largest group of each role."""


class Member(NamedTuple):
    """One machine, or one process of a job."""

    name: str
    """Its host where the document has one, else the stem of its file."""
    source: str
    """Where its document is, as errors name it."""
    captured_at: str
    machine_id: str | None
    unknown: tuple[str, ...] = ()
    """Paths of facts that are unknown on it and known of the group, and paths of its live state
    without which a rule could not be decided."""


class Group(NamedTuple):
    """Members that are alike in everything that is not meant to differ."""

    role: str
    """Empty where no role is known."""
    members: tuple[Member, ...]
    """Sorted by name, numbers by value."""
    digest: str
    """Of the fingerprint that stands for the group."""
    sections: Mapping[str, str]
    """The digest of each section of facts, without what is meant to differ."""
    against: int | None = None
    """The number of the group it was compared with; None for the first and for a baseline that is
    no member."""
    differs: tuple[str, ...] = ()
    """Names of the sections in which it differs from its baseline."""
    report: Report | None = None
    """What the differences do; None for a baseline."""
    undecided: tuple[Undecided, ...] = ()
    """Of a baseline: the rules that need facts which are unknown on all of its members."""

    @property
    def is_odd(self) -> bool:
        """Whether anything sets it apart from its baseline; another role alone does not."""
        report = self.report
        return report is not None and bool(
            self.differs or report.findings or report.unjudged or report.changes
        )

    def open_rules(self) -> tuple[Undecided, ...]:
        """The rules that could not be decided for lack of a fact; live states are of a member."""
        found = self.report.undecided if self.report is not None else self.undecided
        return tuple(one for one in found if not one.path.startswith("live."))


class State(NamedTuple):
    """What was true of some members at their capture, of which no digest knows."""

    finding: Finding
    members: tuple[str, ...]


class Unread(NamedTuple):
    """A document that could not be read."""

    source: str
    reason: str


class Older(NamedTuple):
    """A document that does not count, because a newer one is of the same machine."""

    source: str
    captured_at: str
    newer: str
    """The source of the one that counts."""


class Fleet(NamedTuple):
    """The verdict about many machines."""

    groups: tuple[Group, ...]
    """The largest first."""
    baseline: int | None
    """The number of the group that the others are compared with, each role's own apart; None if
    the baseline is no member."""
    reference: Summary | None = None
    """The baseline that a user named; None for the majority."""
    states: tuple[State, ...] = ()
    """The worst first."""
    unreadable: tuple[Unread, ...] = ()
    older: tuple[Older, ...] = ()
    forged: tuple[Unread, ...] = ()
    """Documents whose digests were not those of their facts, which were computed again."""
    by: tuple[str, ...] = ()
    """What keeps members apart, as the user named it."""
    verified: bool = False
    """Whether the digests of every document were computed again."""
    policy: str | None = None
    not_checked: str | None = None
    """Why no framework's rules apply to the machines that others are compared with."""
    only: str = ""
    """Which sections alone were looked at, in words; empty if every one was."""
    broken: tuple[str, ...] = ()
    """Why the largest group itself probably does not run, where it is the baseline unnamed."""

    def __repr__(self) -> str:
        """Short: the members fill pages."""
        return f"<{type(self).__name__} {self.impact.word}: {self.size} in {len(self.groups)}>"

    @property
    def size(self) -> int:
        """How many members were compared."""
        return sum(len(group.members) for group in self.groups)

    @property
    def impact(self) -> Impact:
        """The worst of all findings."""
        return max((finding.impact for finding in self.findings()), default=Impact.NONE)

    def findings(self) -> Iterator[Finding]:
        """Those of the groups and of the states."""
        for report in self.reports():
            yield from report.findings
        yield from (state.finding for state in self.states)

    def reports(self) -> Iterator[Report]:
        """The reports of all groups that are no baseline."""
        return (group.report for group in self.groups if group.report is not None)

    def odd(self) -> tuple[Group, ...]:
        """The groups that differ from their baseline, the worst first, then the smallest."""
        found = [group for group in self.groups if group.is_odd]
        return tuple(sorted(found, key=lambda one: (-_weight(one), len(one.members))))

    def partly_unknown(self) -> tuple[str, ...]:
        """The members of which something is not known that a rule or their group needs."""
        return tuple(
            one.name
            for group in self.groups
            for one in group.members
            if one.unknown or group.open_rules()
        )

    def ties(self) -> int:
        """How many groups are as large as the largest, where that is the baseline; else 0."""
        if self.reference or not self.groups:
            return 0
        first = self.groups[0]
        rivals = [
            group
            for group in self.groups
            if group.role == first.role and len(group.members) == len(first.members)
        ]
        return len(rivals) if len(rivals) > 1 else 0

    def exit_code(
        self, fail_on: Impact, fail_on_unknown: bool = False, strict: bool = False
    ) -> int:
        """As `Report.exit_code`; what could not be read or is not known counts as undecided."""
        codes = {report.exit_code(fail_on, fail_on_unknown, strict) for report in self.reports()}
        if 1 in codes or any(state.finding.impact >= fail_on for state in self.states):
            return 1
        members = (one for group in self.groups for one in group.members)
        rules = (rule for group in self.groups for rule in group.undecided)
        is_open = bool(
            3 in codes
            or self.unreadable
            or self.not_checked
            or any(one.unknown for one in members)
            or any(rule.impact >= fail_on for rule in rules)
        )
        return 3 if fail_on_unknown and is_open else 0


def _weight(group: Group) -> float:
    assert group.report is not None
    is_open = bool(group.report.unjudged or group.report.not_checked)
    return max(float(group.report.impact), 1.5 if is_open else 0.0)
