"""A rule and its parts: when it applies, what it found, where its claim comes from.

A `Rule` yields a `Match` for each thing it finds and an `UnknownValue` for each one it cannot
decide; the engine (`envprint.judging.judge`) turns them into findings and undecided entries.
"""

from collections.abc import Callable, Iterable, Iterator

from envprint.core.comparison import Comparison
from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.typed import Any, NamedTuple, TypeVar
from envprint.core.workload import Condition, Workload

Item = TypeVar("Item")


class Evidence(NamedTuple):
    """The source of a rule's claim: a page, or a measurement of this project."""

    what: str
    url: str | None = None
    measured: str | None = None
    """The id of a measured pair in the project's accuracy data."""


def source(evidence: Evidence) -> str:
    """The source of a claim: a URL, or the outcome of a measurement of this project."""
    if evidence.measured is None:
        return evidence.url or "no other source"
    from envprint.core.measurements import OUTCOMES

    outcome = OUTCOMES.get(evidence.measured, "see its row")
    return f"measured {outcome} ({evidence.measured})"


class Match(NamedTuple):
    """What a rule found, before the engine adds id, impact and confidence."""

    message: str
    paths: tuple[str, ...]
    before: Any = None
    after: Any = None
    impact: Impact | None = None
    """Overrides the rule's impact where this case is weaker or stronger."""
    remedy: str | None = None
    """Overrides the rule's remedy and note, for the versions at hand."""
    note: str = ""
    """What to know about that remedy."""
    not_when: str | None = None
    """Overrides when the rule does not apply."""
    was_equal: bool = False
    """Whether a measurement of the project gave equal bits in this case, which makes it advice."""
    is_conditional: bool = False
    """Whether it counts only if the job does what few jobs do, or uses a library that is not named
    for it: it is advice, and the change itself remains not judged."""
    confidence: Confidence | None = None
    """Overrides the rule's confidence, where each case has a source of its own."""
    evidence: tuple[str, ...] = ()
    """Replaces the rule's evidence by the sources of this case."""
    about: str | None = None
    """Which of several similar things, such as GPUs: a stronger rule about a different one does not
    silence this match."""
    imports: tuple[str, ...] = ()
    """Distributions of which one could not be imported if this is right: where all of them were
    seen to be imported, the forecast is refuted."""


class UnknownValue(NamedTuple):
    """A value that a rule needs and that is unknown: its path, and the reason.

    A rule that yields one continues with its next item; a raised `UnknownValueError` ends the rule.
    """

    path: str
    reason: str

    @classmethod
    def of(cls, error: UnknownValueError) -> "UnknownValue":
        """The unknown value that `error` is about."""
        return cls(error.path, error.reason)


Result = Match | UnknownValue
"""What a rule yields."""
Drift = Callable[[Comparison, Workload], Iterable[Result]]
"""Compares two fingerprints."""
State = Callable[[Fingerprint, Workload], Iterable[Result]]
"""Examines one fingerprint."""


def for_each(items: Iterable[Item], look: Callable[[Item], Iterable[Result]]) -> Iterator[Result]:
    """What `look` yields for each item. An unknown value ends only its own item."""
    for item in items:
        try:
            yield from look(item)
        except UnknownValueError as error:
            yield UnknownValue.of(error)


class Rule(NamedTuple):
    """A named reason why a change or a state matters.

    Give `drift` (compares two fingerprints), `state` (examines one) or neither: then any change at
    a watched path matches. With both, `drift` weighs a state that is new since the baseline.
    `advice` marks what is not wrong in itself and never decides the exit code. `yields_to` names
    stronger rules that silence this one, unless the two are about different things.
    """

    id: str
    title: str
    impact: Impact
    confidence: Confidence
    applies: Condition
    watches: tuple[str, ...]
    why: str
    not_when: str
    remedy: str
    evidence: tuple[Evidence, ...]
    drift: Drift | None = None
    state: State | None = None
    advice: bool = False
    yields_to: tuple[str, ...] = ()
    note: str = ""
    """What to know about the remedy: where, when and on which side. The remedy itself is text, or a
    `Command` or `Code` to paste as it is."""
    probed: bool = False
    """It affects arithmetic in every process of the environment, so numeric probes of both sides
    show its effect, or that it has none here."""
