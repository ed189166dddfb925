"""A rule and what it is made of: when it applies, what it found, where its claim comes from.

A `Rule` yields a `Match` for each thing it finds and an `UnknownValue` for each that it cannot
decide; the engine (`envprint.judging.judge`) turns them into findings and undecided entries.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

from envprint.core.comparison import Comparison
from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.workload import Condition, Workload

Item = TypeVar("Item")


class Evidence(NamedTuple):
    """Where a rule's claim comes from: a page, or a measurement of this project."""

    what: str
    url: str | None = None
    measured: str | None = None
    """The id of a measured pair in the project's accuracy data."""


class Match(NamedTuple):
    """What a rule found, before the engine stamps id, impact and confidence on it."""

    message: str
    paths: tuple[str, ...]
    before: Any = None
    after: Any = None
    impact: Impact | None = None
    """Other than the rule's own, where this case is weaker or stronger."""
    remedy: str | None = None
    """More exact than the rule's own, for the versions at hand."""
    about: str | None = None
    """Which of several like things, such as GPUs: a stronger rule about another one does not
    silence this."""


class UnknownValue(NamedTuple):
    """A value that a rule needs and that is unknown: where it would be, and why it is not known.

    A rule that yields one goes on to its next item; one that lets `UnknownValueError` pass ends
    there.
    """

    path: str
    reason: str

    @classmethod
    def of(cls, error: UnknownValueError) -> "UnknownValue":
        """The value whose absence raised `error`."""
        return cls(error.path, error.reason)


Result = Match | UnknownValue
"""What a rule yields."""
Drift = Callable[[Comparison, Workload], Iterable[Result]]
"""What a rule looks for between two fingerprints."""
State = Callable[[Fingerprint, Workload], Iterable[Result]]
"""What a rule looks for in one fingerprint."""


def for_each(items: Iterable[Item], look: Callable[[Item], Iterable[Result]]) -> Iterator[Result]:
    """What `look` finds in each item. An unknown value ends its own item and no other."""
    for item in items:
        try:
            yield from look(item)
        except UnknownValueError as error:
            yield UnknownValue.of(error)


class Rule(NamedTuple):
    """A named reason why a change or a state matters.

    Give `drift` (looks at a comparison), `state` (looks at one fingerprint) or neither: then any
    change at a watched path matches. `advice` marks what is not wrong in itself and never decides
    the exit code. `yields_to` names stronger rules beside which this one stays silent,
    where both are not about different things.
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
    probed: bool = False
    """Its effect is on arithmetic, in every process of the environment: numeric probes of both
    sides see it, or see that it has none here."""
