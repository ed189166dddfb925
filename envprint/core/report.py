"""The result of judging: findings, undecided rules, and the report that holds them."""

from collections.abc import Collection, Iterable, Sequence

from envprint.core.comparison import OF_RECORDS, Change, Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.text import inside_sentence
from envprint.core.typed import Any, NamedTuple
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
    advice: bool = False
    """Whether it is advice, and not a finding that counts."""
    probed_equal: str | None = None
    """The expected effect, which probes did not show; the impact is lowered."""
    note: str = ""
    """What to know about the remedy."""


HIDDEN_VALUE = "hidden-value"
"""Replaces the rule's id when a value is hidden on both sides and no rule is undecided about it."""
OTHER_ENVIRONMENT = "python-environment-differs"
"""The rule that finds two installations instead of one that changed; a headline begins with it."""
NOT_JUDGED = "not-judged"
"""Stands for the rule's id where a change of what takes part in training has no rule."""
NOT_CHECKED_WORD = "NOT CHECKED"
"""Stands for the impact in a verdict where no framework's rules could apply."""
NOT_JUDGED_WORD = "NOT JUDGED"
"""Stands for the impact in a verdict while something is left that nobody has judged."""
VARIABLE = "variable"
"""The kind of a changed variable, beside changed packages."""
UNKNOWN_PART = "unknown"
"""The role of a distribution that nobody has looked at."""


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
    """The distribution or the variable."""
    path: str
    before: Any
    after: Any
    kind: str
    """`package` or `variable`."""
    role: str
    """The part that it, or the library that reads the variable, takes, as in
    `knowledge/roles.json`; `unknown` if that cannot be determined."""
    read: str | None
    """Address of its release notes, of its project, or of what is known of the variable."""
    derived: bool = False
    """Whether it takes part by its own metadata alone, so that its role is unknown."""

    @property
    def message(self) -> str:
        """What changed, in a few words."""
        if self.kind == VARIABLE:
            before, after = ("unset" if side is None else side or "empty" for side in self[2:4])
            return f"{self.name} {before} → {after}"
        if self.before is None or self.after is None:
            version, step = (self.after, "added") if self.before is None else (self[2], "removed")
            return " ".join(filter(None, (self.name, version, step)))
        if self.path.endswith(".version"):
            return f"{self.name} {self.before} → {self.after}"
        return f"{self.name}: a different build of the same version"

    @property
    def reason(self) -> str:
        """Why it is open."""
        is_step = self.kind != VARIABLE
        return f"nobody has measured {'this step' if is_step else 'what this variable does'}"

    @property
    def part(self) -> str:
        """The part it takes, in words."""
        if self.role != UNKNOWN_PART:
            return self.role
        return "takes part by its metadata" if self.derived else "its part is unknown"


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


class Code(NamedTuple):
    """The commit of the work tree that a fingerprint was captured in."""

    branch: str | None
    """None if detached, or unknown."""
    commit: str | None
    """Its first characters; None before the first one."""
    uncommitted: str
    """In words, such as `2 files not committed`; empty if there are none."""
    digest: str | None
    """Of what is not committed."""


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
    program: str | None = None
    """Name of the program whose run saved it."""
    chosen: str | None = None
    """Why this environment was captured; None for a document and for a value of the API."""
    hint: str | None = None
    """Another environment that may be meant, and the command that looks at it."""
    python: str | None = None
    """Python's version; None if it is unknown."""
    machine: tuple[str, ...] = ()
    """System, processor, CPUs and GPUs, each in a few words."""
    code: Code | None = None
    """None outside a Git work tree, and if it is unknown."""
    record: str | None = None
    """The form of somebody else's record, such as `pip-freeze`; None for envprint's own."""


class Placement(NamedTuple):
    """Where a framework of the workload will compute."""

    framework: str
    device: str | None
    """`cpu` or `gpu`; None if it is unknown."""
    reason: str


class Knowledge(NamedTuple):
    """How old the knowledge behind a report is."""

    as_of: str
    """The day on which the newest releases were looked up."""
    newer: tuple[str, ...] = ()
    """Name and version of each changed package that was not released yet, as far as is known."""


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
    only: tuple[str, ...] = ()
    """Names of the sections that were looked at, if the user wanted these only; else none."""
    computes_on: tuple[Placement, ...] = ()
    """Where each framework of the workload will compute on the current side."""
    knowledge: Knowledge | None = None
    """How old the knowledge is, and what is newer."""
    way_back: Any = None
    """A `core.way_back.WayBack`, the way back to the baseline, if it was wanted (`--remedy`)."""
    recreated: Any = None
    """A `core.recreated.Recreated`, if the current side was recreated from the baseline."""
    sides: tuple[Fingerprint, ...] = ()
    """The fingerprints that were judged, the baseline first, for what shows them side by side."""

    def __repr__(self) -> str:
        """Short: the fields of a report fill pages."""
        found = f"{counted(self.findings, 'finding')}, {len(self.unjudged)} not judged"
        not_checked = "" if self.not_checked is None else ", not checked"
        return f"<{type(self).__name__} {self.impact.word}: {found}{not_checked}>"

    def only_in_words(self) -> str:
        """`only gpu was looked at`; empty if every section was."""
        if not self.only:
            return ""
        *most, last = self.only
        were = f"{', '.join(most)} and {last} were" if most else f"{last} was"
        return f"only {were} looked at"

    def exit_code(
        self, fail_on: Impact, fail_on_unknown: bool = False, strict: bool = False
    ) -> int:
        """1 if a finding (with `strict`, advice too) is at or above `fail_on`, else 3 or 0.

        3 means that `fail_on_unknown` is set, and that an undecided rule could have reached it,
        that something was not judged, or that nothing was checked.
        """
        if self.reaching(fail_on, strict):
            return 1
        is_open = self.undecided_reaching(fail_on) or self.unjudged or self.not_checked
        return 3 if fail_on_unknown and is_open else 0

    def reaching(self, fail_on: Impact, strict: bool = False) -> tuple[Finding, ...]:
        """The findings (with `strict`, advice too) at or above `fail_on`, worst first."""
        counted = self.findings + (self.advice if strict else ())
        reached = (finding for finding in counted if finding.impact >= fail_on)
        return tuple(sorted(reached, key=lambda finding: -finding.impact))

    def undecided_reaching(self, fail_on: Impact) -> tuple[Undecided, ...]:
        """The undecided rules that could have reached `fail_on`."""
        return tuple(entry for entry in self.undecided if entry.impact >= fail_on)


MEANING = {
    Impact.NONE: "the same bits",
    Impact.PERF: "the same bits, at another speed",
    Impact.NUMERIC: "results differ by rounding: equal at first, further apart with every step",
    Impact.DIVERGES: "a different run from the first step",
    Impact.BREAKS: "probably does not run",
}
"""What each impact means for the same code on the same data."""
DEVICES = {"cpu": "the CPU", "gpu": "a GPU"}
"""The name of each device inside a sentence."""
HOW_WELL_KNOWN = {
    Confidence.DOCUMENTED: "a vendor, a project or its maintainers say so",
    Confidence.MEASURED: "seen in a measurement",
    Confidence.INFERRED: "inferred from a similar case",
}
"""What each confidence means."""


def headline(
    findings: Sequence[Finding],
    causes: Sequence[str],
    otherwise: str,
    look: str,
    undecided: Sequence[Undecided],
    *,
    unjudged: Sequence[Unjudged] = (),
) -> str:
    """The verdict in one sentence: the likeliest cause, or `otherwise` if there is no finding.

    `findings` are in the order of a report, worst first; `look` is where else to look. What nobody
    has judged comes first if no finding changes a result.
    """
    if unjudged and (not findings or findings[0].impact < Impact.NUMERIC):
        known = f"otherwise {_findings_text(findings, causes)}" if findings else ""
        texts = [_unjudged_text(unjudged), known]
    else:
        text = _findings_text(findings, causes) if findings else otherwise
        texts = [text, f"{len(unjudged)} not judged" if unjudged else ""]
    look = f"if results differ, {look}" if look else ""
    return "; ".join(filter(None, (*texts, look, count_undecided(undecided))))


SHOWN_UNJUDGED = 3
"""So many changes that nobody has judged are named in the headline."""


def _unjudged_text(unjudged: Sequence[Unjudged]) -> str:
    """How many changes nobody has judged, and the first of them."""
    shown = taking_part(unjudged)
    have = "has" if len(shown) == 1 else "have"
    names = [entry.message for entry in shown[:SHOWN_UNJUDGED]]
    more = len(shown) - len(names)
    names += [f"and {more} more"] if more else []
    text = f"{count_unjudged(shown)} {have} not been judged: {', '.join(names)}"
    others = len(unjudged) - len(shown)
    return f"{text} (and {others} of packages that may take part)" if others else text


def taking_part(unjudged: Sequence[Unjudged]) -> Sequence[Unjudged]:
    """Those that are known to take part in training; all of them if that is known of none."""
    return [one for one in unjudged if one.role != UNKNOWN_PART or one.derived] or unjudged


def count_unjudged(alike: Sequence[Unjudged]) -> str:
    """`2 changes of libraries that take part`; `alike` is what `taking_part` returns."""
    is_one, may = len(alike) == 1, alike[0].role == UNKNOWN_PART and not alike[0].derived
    kinds = {entry.kind for entry in alike}
    if kinds == {VARIABLE}:
        what = "a variable whose library takes" if is_one else "variables whose libraries take"
        return f"{counted(alike, 'change')} of {what} part"
    one, many = ("a package", "packages") if may else ("a library", "libraries")
    noun = (one if is_one else many) + (", or of their variables," if VARIABLE in kinds else "")
    verb = "may take" if may else "takes" if is_one else "take"
    return f"{counted(alike, 'change')} of {noun} that {verb} part"


def first_word(report: Report, impact: Impact) -> str:
    """The word of a verdict: the impact, unless nobody knows it."""
    if report.not_checked is not None:
        return NOT_CHECKED_WORD
    return NOT_JUDGED_WORD if report.unjudged and impact < Impact.NUMERIC else impact.word.upper()


def without_findings(comparison: Comparison | None, some_ignored: bool) -> str:
    """The verdict without findings: no change, only live values changed, or harmless changes."""
    if comparison is None:
        return "nothing found here that changes a training result"
    of_records = OF_RECORDS if comparison.has_record else ""
    if not comparison.changes:
        return f"no difference{of_records}"
    if not some_ignored and all(change.path.startswith("live.") for change in comparison.changes):
        return "no difference except in momentary values"
    but = ", apart from what the policy leaves out," if some_ignored else ""
    return f"nothing that differs{of_records}{but} is known to change a training result"


def _findings_text(findings: Sequence[Finding], causes: Sequence[str]) -> str:
    """What the worst finding means, the likeliest cause, and how many more there are."""
    is_seen = not all(finding.probed_equal for finding in findings)
    impact = findings[0].impact
    meaning = MEANING[impact] if is_seen else "not seen here, as it was probed"
    first = next(iter(causes), findings[0].rule)
    title = next(finding.title for finding in findings if finding.rule == first)
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    elsewhere = another_environment(findings)
    if elsewhere is None:
        return f"{meaning}: {inside_sentence(title)}{more}"
    place = f"another environment is looked at: {elsewhere.before} → {elsewhere.after}"
    return f"{place}; {meaning}" if impact else place


def another_environment(findings: Iterable[Finding]) -> Finding | None:
    """That another environment than the baseline's is looked at, where it comes before all other
    findings: if that one lacks a framework, or nothing else is found.
    """
    found = [finding for finding in findings if finding.impact or finding.rule == OTHER_ENVIRONMENT]
    elsewhere = next((one for one in found if one.rule == OTHER_ENVIRONMENT), None)
    return elsewhere if len(found) == 1 or (elsewhere and len(elsewhere.paths) > 1) else None


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
