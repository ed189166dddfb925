"""The result of judging: findings, undecided rules, and the report that holds them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from envprint.core.comparison import Change, Comparison
from envprint.core.errors import EnvprintError
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence
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
    """Text, or a `core.shell.Command` or `Code` to paste as it is."""
    evidence: tuple[str, ...]
    probed_equal: str | None = None
    """The expected effect, which probes on both sides did not show; the impact is lowered."""
    note: str = ""
    """What to know about the remedy."""


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


class Unjudged(NamedTuple):
    """A change of what takes part in training, of which nobody has judged what it does."""

    name: str
    """The distribution."""
    path: str
    before: Any
    after: Any
    kind: str
    """`package`."""
    role: str
    """The part it takes, as in `knowledge/roles.json`; `unknown` if that cannot be determined."""
    read: str | None
    """Address of its release notes, or of its project."""


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
    reference: str | None = None
    """How the user named it: a file, `@monday`, `now`; None for a value of the API."""
    prefix: str | None = None
    """The environment's `sys.prefix`; None if it is unknown."""


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
    also_changed: tuple[str, ...] = ()
    """Rules whose findings appeared together with an expected change: may be the actual cause."""
    policy_notes: tuple[str, ...] = ()
    """Problems of the policy itself: entries that have expired or match nothing."""
    not_checked: str | None = None
    """Why no framework's rules could apply; None if they could, so that the verdict counts."""
    unjudged: tuple[Unjudged, ...] = ()
    """Changes of what takes part in training, for which no rule, measurement or known break exists.
    They are in no other list."""

    def exit_code(
        self, fail_on: Impact, fail_on_unknown: bool = False, strict: bool = False
    ) -> int:
        """1 if a finding (with `strict`, advice too) is at or above `fail_on`, else 3 or 0.

        3 means that an undecided rule could have reached it, and `fail_on_unknown` is set.
        """
        if self.reaching(fail_on, strict):
            return 1
        return 3 if fail_on_unknown and self.undecided_reaching(fail_on) else 0

    def reaching(self, fail_on: Impact, strict: bool = False) -> tuple[Finding, ...]:
        """The findings (with `strict`, advice too) at or above `fail_on`, worst first."""
        counted = self.findings + (self.advice if strict else ())
        reached = (finding for finding in counted if finding.impact >= fail_on)
        return tuple(sorted(reached, key=lambda finding: -finding.impact))

    def undecided_reaching(self, fail_on: Impact) -> tuple[Undecided, ...]:
        """The undecided rules that could have reached `fail_on`."""
        return tuple(entry for entry in self.undecided if entry.impact >= fail_on)


class DriftError(EnvprintError):
    """Raised by `envprint.check` when a finding reaches the threshold; `.report` has it all.

    Its text names each reason in a line of its own, and what to do about it.
    """

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is copied from its `args`, which are the message alone. Pools of workers
        # hang or break when what a worker raised cannot be unpickled.
        return type(self), (str(self), self.report), self.__dict__


MEANING = {
    Impact.NONE: "the same bits",
    Impact.PERF: "the same bits, at another speed",
    Impact.NUMERIC: "other rounding: equal at first, further apart with every step",
    Impact.DIVERGES: "a different run from the first step",
    Impact.BREAKS: "probably does not run",
}
"""What each impact means for the same code on the same data."""
DEVICES = {"cpu": "the CPU", "gpu": "a GPU"}
"""The name of each device inside a sentence."""
HOW_WELL_KNOWN = {
    Confidence.DOCUMENTED: "a vendor, a project or its maintainers say so",
    Confidence.MEASURED: "seen in a measurement",
    Confidence.INFERRED: "concluded from a like case",
}
"""What each confidence means."""


def headline(
    findings: Sequence[Finding],
    causes: Sequence[str],
    otherwise: str,
    look: str,
    undecided: Sequence[Undecided],
) -> str:
    """The verdict in one sentence: the likeliest cause, or `otherwise` if there is no finding.

    `findings` are in the order of a report, worst first; `look` is where else to look.
    """
    text = _findings_text(findings, causes) if findings else otherwise
    look = f"if results differ, {look}" if look else ""
    return "; ".join(filter(None, (text, look, count_undecided(undecided))))


def without_findings(comparison: Comparison | None, some_ignored: bool) -> str:
    """The verdict without findings: no change, only live values changed, or harmless changes."""
    if comparison is None:
        return "nothing found here that changes a training result"
    if not comparison.changes:
        return "no difference"
    if not some_ignored and all(change.path.startswith("live.") for change in comparison.changes):
        return "no difference but in values of the moment"
    but = ", but for what the policy leaves out," if some_ignored else ""
    return f"nothing that differs{but} is known to change a training result"


def verdict(report: Report, strict: bool) -> tuple[Impact, str]:
    """The impact and the headline; with `strict`, those of the worst advice if that is worse."""
    worst = max(report.advice, key=lambda advice: advice.impact, default=None) if strict else None
    if worst is None or worst.impact <= report.impact:
        return report.impact, report.summary
    others = len(report.advice) - 1
    more = f", and {others} more" if others else ""
    advice = f"{_inside_sentence(worst.title)} (advice, which --strict counts{more})"
    text = f"{MEANING[worst.impact]}: {advice}; without advice: {report.summary}"
    return worst.impact, text


def _findings_text(findings: Sequence[Finding], causes: Sequence[str]) -> str:
    """What the worst finding means, the likeliest cause, and how many more there are."""
    is_seen = not all(finding.probed_equal for finding in findings)
    impact = findings[0].impact
    meaning = MEANING[impact] if is_seen else "not seen here, as both sides were probed"
    first = next(iter(causes), findings[0].rule)
    title = next(finding.title for finding in findings if finding.rule == first)
    others = len(findings) - 1
    more = f" (and {others} more)" if others else ""
    return f"{meaning}: {_inside_sentence(title)}{more}"


def count_undecided(undecided: Sequence[Undecided]) -> str:
    """How many rules could not be decided, advice not counted; empty if there are none."""
    rules = undecided_rules(undecided)
    return f"{counted(rules, 'rule')} could not be decided" if rules else ""


def undecided_rules(undecided: Iterable[Undecided]) -> set[str]:
    """The rules that could not be decided, without advice."""
    return {entry.rule for entry in undecided if entry.impact > Impact.NONE}


def counted(things: Collection[object], noun: str) -> str:
    """A count with its noun: `1 rule`, `3 rules`."""
    return f"{len(things)} {noun}" + ("" if len(things) == 1 else "s")


def source(evidence: Evidence) -> str:
    """The source of a claim: a URL, or the outcome of a measurement of this project."""
    if evidence.measured is None:
        return evidence.url or "no other source"
    from envprint.core.measurements import OUTCOMES

    outcome = OUTCOMES.get(evidence.measured, "as its row says")
    return f"measured {outcome} ({evidence.measured})"


def _inside_sentence(title: str) -> str:
    """`title` as it continues after a colon: names such as NumPy and LD_PRELOAD keep their case."""
    word = title.partition(" ")[0].partition("'")[0]
    return title if word != word.capitalize() else title[0].lower() + title[1:]
