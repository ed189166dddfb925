"""What a team has agreed on: impacts of their own, findings left out, the threshold.

These are the values and their meaning, used by diff, check and the API alike; how they are read
from a file is in `envprint.policy_file`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from envprint.model import Impact
from envprint.patterns import matches
from envprint.report import Finding, Ignored

UNKNOWN_ACTIONS = ("ignore", "warn", "fail")
"""What an undecided rule does: nothing, be told, or decide the exit code."""


class Ignore(NamedTuple):
    """Findings of a rule, or about a path, that the team leaves out."""

    rule: str
    path: str
    reason: str
    expires: str | None

    def covers(self, finding: Finding) -> bool:
        """Whether both patterns fit: the rule's id, and one of the paths."""
        return matches(self.rule, finding.rule) and any(
            matches(self.path, p) for p in finding.paths
        )


class Policy(NamedTuple):
    """How a judgement is turned into an exit code, and what the team has decided beforehand."""

    fail_on: Impact = Impact.NUMERIC
    on_unknown: str = "warn"
    frameworks: tuple[str, ...] = ()
    device: str | None = None
    impacts: Mapping[str, Impact] = {}
    ignores: tuple[Ignore, ...] = ()

    def unknown_rules(self, known: Iterable[str]) -> list[str]:
        """The rule ids and patterns, sorted, that fit none of the ids in `known`."""
        ids = list(known)
        named = {*self.impacts, *(ignore.rule for ignore in self.ignores)}
        return sorted(name for name in named if not any(matches(name, id) for id in ids))

    def impact_of(self, rule: str, impact: Impact) -> Impact:
        """The team's impact for `rule`, or the catalogue's."""
        return self.impacts.get(rule, impact)

    def ignore_for(self, finding: Finding) -> Ignored | None:
        """The entry that leaves `finding` out, with its reason."""
        for ignore in self.ignores:
            if ignore.covers(finding):
                return Ignored(finding.rule, ignore.reason, ignore.expires, finding.message)
        return None
