"""A team's policy: impacts of its own, requirements, and findings to ignore or expect.

These are the values and their meaning, shared by diff, check and the API.
`envprint.judging.policy.find` finds the file and `envprint.judging.policy.parse` reads it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from envprint.core.comparison import Comparison
from envprint.core.impact import Impact
from envprint.core.report import HIDDEN_VALUE, NOT_JUDGED, Finding, Ignored, Undecided, Unjudged
from envprint.core.typed import NamedTuple
from envprint.core.workload import Requirements
from envprint.judging.evaluate import Evaluation
from envprint.rules import catalogue


def matches(pattern: str, text: str) -> bool:
    """Whether `pattern` matches the whole of `text`; `*` stands for any characters.

    Not `fnmatch`: there `[` opens a character set, and paths are full of brackets. Each part is
    looked for once, behind the one before it, so many stars cost no more than few.
    """
    first, *parts = pattern.split("*")
    if not parts:
        return text == pattern
    *inner, last = parts
    end = len(text) - len(last)
    if not (text.startswith(first) and text.endswith(last) and len(first) <= end):
        return False
    place = len(first)
    for part in filter(None, inner):
        place = text.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return True


UNKNOWN_ACTIONS = ("ignore", "warn", "fail")
"""What an undecided rule does: nothing, print a warning, or decide the exit code."""


def imagined_rule(pattern: str) -> str | None:
    """What is wrong with a rule's id, or a pattern, that matches no rule; None if it matches."""
    # Loading the catalogue takes milliseconds.
    ids = [*(rule.id for rule in catalogue()), HIDDEN_VALUE, NOT_JUDGED]
    if any(matches(pattern, id) for id in ids):
        return None
    from envprint.core.suggest import did_you_mean

    near = did_you_mean(pattern, ids, "`envprint explain` lists them")
    return f"no rule is called {pattern[:80]}; {near}"


class Entry(NamedTuple):
    """A decision of the team about the findings of a rule or about a path."""

    place: str
    """Its position in the file, such as `ignore[0]`."""
    rule: str
    path: str
    reason: str
    expires: str | None = None
    has_expired: bool = False
    is_one_off: bool = False
    """Whether it is of this call alone: that it matches nothing here is always worth a note."""

    def covers(self, rule: str, paths: Iterable[str]) -> bool:
        """Whether both patterns match: the rule's id, and at least one of the paths."""
        return matches(self.rule, rule) and any(matches(self.path, path) for path in paths)


class OneOff(NamedTuple):
    """A decision for one call: a rule or a path, which may be a pattern, and the reason."""

    pattern: str
    reason: str


class Accept(NamedTuple):
    """Changes that nobody has judged and that the team has agreed to."""

    place: str
    """Its position in the file, such as `accept[0]`."""
    package: str
    """Normalised name or pattern."""
    role: str
    """`*` for any."""
    step: str
    """The largest step; `any` includes what has no size: other builds, and what came or went."""
    reason: str
    expires: str | None = None
    has_expired: bool = False


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
    accepts: tuple[Accept, ...] = ()
    """Changes that nobody has judged, and that are agreed to."""
    identity: tuple[tuple[str, str], ...] = ()
    """Paths of facts that are meant to differ between the machines of a fleet, and why."""
    trusted: tuple[str, ...] = ()
    """Repositories whose filters Git may run, by path or pattern; the user's own policy counts."""
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

    def reach(self, undecided: Undecided) -> Impact:
        """The highest impact an undecided rule could have; none if its findings would not count."""
        entries = (entry for entry in (*self.ignores, *self.expects) if not entry.has_expired)
        if any(entry.covers(undecided.rule, (undecided.path,)) for entry in entries):
            return Impact.NONE
        return self.impact_of(undecided.rule, undecided.impact)

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


def notes(
    policy: Policy,
    evaluations: Sequence[Evaluation],
    comparison: Comparison | None,
    unjudged: Sequence[Unjudged],
) -> Iterator[str]:
    """The policy's own notes, then its entries that have expired or match nothing that could be
    judged. `unjudged` has all changes that nobody has judged, also those that the policy accepts.
    """
    yield from policy.notes
    for entry in (*policy.ignores, *policy.expects):
        what = f"{entry.place} ({entry.rule if entry.rule != '*' else entry.path})"
        if entry.has_expired:
            yield f"{what} expired on {entry.expires}: {entry.reason}"
        elif any(entry.covers(NOT_JUDGED, (one.path,)) for one in unjudged):
            pass
        elif _was_judged(entry, evaluations, comparison) and not _fits(
            entry, evaluations, comparison
        ):
            yield f"{what} matches nothing here: {entry.reason}"


def _was_judged(
    entry: Entry, evaluations: Sequence[Evaluation], comparison: Comparison | None
) -> bool:
    """Whether everything that the entry could match was judged and decided."""
    judged = [e for e in evaluations if matches(entry.rule, e.rule.id)]
    if any(entry.covers(e.rule.id, (unknown.path,)) for e in judged for unknown in e.unknowns):
        return False
    if entry.is_one_off:
        return True
    if comparison:
        if any(entry.covers(HIDDEN_VALUE, (path,)) for path in comparison.hidden):
            return False
        return bool(judged)
    # Without a baseline only rules about a state are evaluated.
    rules = [rule for rule in catalogue() if matches(entry.rule, rule.id)]
    return bool(judged) and all(rule.state for rule in rules)


def _fits(entry: Entry, evaluations: Sequence[Evaluation], comparison: Comparison | None) -> bool:
    """Whether it matches a rule's finding or, without a rule, a change that no rule recognises."""
    if any(entry.covers(e.rule.id, match.paths) for e in evaluations for match in e.matches):
        return True
    changes = comparison.changes if comparison and entry.rule == "*" else ()
    return any(entry.covers("", (change.path,)) for change in changes)
