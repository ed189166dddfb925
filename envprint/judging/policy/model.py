"""What a team has agreed on: impacts of their own, what is required, left out or expected.

These are the values and their meaning, used by diff, check and the API alike; how they are read
from a file is in `envprint.judging.policy.parse`, where the file is found in
`envprint.judging.policy.find`.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from envprint.core.glob import matches
from envprint.core.impact import Impact
from envprint.core.report import Finding, Ignored, Undecided
from envprint.core.workload import Requirements

UNKNOWN_ACTIONS = ("ignore", "warn", "fail")
"""What an undecided rule does: nothing, be told, or decide the exit code."""


class Entry(NamedTuple):
    """Findings of a rule, or about a path, of which the team has said something."""

    place: str
    """Where it stands, such as `ignore[0]`."""
    rule: str
    path: str
    reason: str
    expires: str | None = None
    has_expired: bool = False

    def covers(self, rule: str, paths: Iterable[str]) -> bool:
        """Whether both patterns fit: the rule's id, and one of the paths."""
        return matches(self.rule, rule) and any(matches(self.path, path) for path in paths)


class Policy(NamedTuple):
    """How a judgement is turned into an exit code, and what the team has decided beforehand."""

    fail_on: Impact = Impact.NUMERIC
    on_unknown: str = "warn"
    frameworks: tuple[str, ...] = ()
    device: str | None = None
    impacts: Mapping[str, Impact] = {}
    """By rule id or pattern."""
    required: Requirements = Requirements()
    ignores: tuple[Entry, ...] = ()
    """Findings left out."""
    expects: tuple[Entry, ...] = ()
    """Differences that are the experiment itself."""
    notes: tuple[str, ...] = ()
    """What its reader should know of it, wherever it is applied."""
    file: str | None = None
    """Where it was read from; None for the defaults."""

    def impact_of(self, rule: str, impact: Impact) -> Impact:
        """The team's impact for `rule`, or the catalogue's."""
        own = self.own_impact(rule)
        return impact if own is None else own

    def own_impact(self, rule: str) -> Impact | None:
        """The team's impact for `rule`: of the entries that fit, the most exact one's.

        That is the one of the rule's own id, else the pattern with most letters (the first of
        several).
        """
        fitting = [name for name in self.impacts if matches(name, rule)]
        best = max(fitting, key=lambda name: (name == rule, len(name.replace("*", ""))), default="")
        return self.impacts.get(best)

    def reach(self, undecided: Undecided) -> Impact:
        """What an undecided rule could have counted at most; none where its findings would not."""
        entries = (entry for entry in (*self.ignores, *self.expects) if not entry.has_expired)
        if any(entry.covers(undecided.rule, (undecided.path,)) for entry in entries):
            return Impact.NONE
        return self.impact_of(undecided.rule, undecided.impact)

    def ignore_for(self, finding: Finding) -> Ignored | None:
        """The entry that leaves `finding` out, with its reason; one that has expired does not."""
        for entry in self.ignores:
            if not entry.has_expired and entry.covers(finding.rule, finding.paths):
                return Ignored(finding.rule, entry.reason, entry.expires, finding.message)
        return None

    def expected(self, rule: str, paths: Iterable[str]) -> Entry | None:
        """The entry that declares this difference to be the experiment itself."""
        places = tuple(paths)
        return next((entry for entry in self.expects if entry.covers(rule, places)), None)
