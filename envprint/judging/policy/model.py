"""A team's policy: impacts of its own, requirements, and findings to ignore or expect.

These are the values and their meaning, shared by diff, check and the API.
`envprint.judging.policy.find` finds the file and `envprint.judging.policy.parse` reads it.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from envprint.core.glob import matches
from envprint.core.impact import Impact
from envprint.core.report import Finding, Ignored, Undecided
from envprint.core.workload import Requirements

UNKNOWN_ACTIONS = ("ignore", "warn", "fail")
"""What an undecided rule does: nothing, print a warning, or decide the exit code."""


class Entry(NamedTuple):
    """A decision of the team about the findings of a rule or about a path."""

    place: str
    """Its position in the file, such as `ignore[0]`."""
    rule: str
    path: str
    reason: str
    expires: str | None = None
    has_expired: bool = False

    def covers(self, rule: str, paths: Iterable[str]) -> bool:
        """Whether both patterns match: the rule's id, and at least one of the paths."""
        return matches(self.rule, rule) and any(matches(self.path, path) for path in paths)


class Policy(NamedTuple):
    """How a judgement becomes an exit code, and what the team has decided in advance."""

    fail_on: Impact = Impact.NUMERIC
    on_unknown: str = "warn"
    frameworks: tuple[str, ...] = ()
    device: str | None = None
    impacts: Mapping[str, Impact] = {}
    """By rule id or pattern."""
    required: Requirements = Requirements()
    ignores: tuple[Entry, ...] = ()
    """Findings to leave out."""
    expects: tuple[Entry, ...] = ()
    """Differences that are the experiment itself."""
    notes: tuple[str, ...] = ()
    """What users of the policy should know about it, such as rule ids that do not exist."""
    file: str | None = None
    """The file it was read from; None for the defaults."""

    def impact_of(self, rule: str, impact: Impact) -> Impact:
        """The team's impact for `rule`, or the catalogue's."""
        own = self.own_impact(rule)
        return impact if own is None else own

    def own_impact(self, rule: str) -> Impact | None:
        """The team's impact for `rule`, from the most specific matching entry.

        That is the entry with the rule's own id, else the pattern with the most letters (the first
        if several have as many).
        """
        fitting = [name for name in self.impacts if matches(name, rule)]
        best = max(fitting, key=lambda name: (name == rule, len(name.replace("*", ""))), default="")
        return self.impacts.get(best)

    def reach(self, doubt: Undecided) -> Impact:
        """The highest impact an undecided rule could have; none if its findings would not count."""
        entries = (entry for entry in (*self.ignores, *self.expects) if not entry.has_expired)
        if any(entry.covers(doubt.rule, (doubt.path,)) for entry in entries):
            return Impact.NONE
        return self.impact_of(doubt.rule, doubt.impact)

    def ignore_for(self, finding: Finding) -> Ignored | None:
        """The unexpired entry that ignores `finding`, with its reason; None without one."""
        for entry in self.ignores:
            if not entry.has_expired and entry.covers(finding.rule, finding.paths):
                return Ignored(finding.rule, entry.reason, entry.expires, finding.message)
        return None

    def expected(self, rule: str, paths: Iterable[str]) -> Entry | None:
        """The entry that declares this difference to be the experiment itself; None without one."""
        places = tuple(paths)
        return next((entry for entry in self.expects if entry.covers(rule, places)), None)
