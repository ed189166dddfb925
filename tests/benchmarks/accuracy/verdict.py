"""Verdicts beside the truth, and the figures that come of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

PUBLISHED = "published"
"""The part of the data that cannot be measured here."""
ORDER = ("none", "numeric", "diverges", "breaks")


class Verdict(NamedTuple):
    """What envprint says of a pair, beside what is true."""

    part: str
    id: str
    measured: str | None
    forecast: str
    rules: tuple[str, ...]
    is_conditional: bool = False
    is_mentioned: bool = True
    unjudged: tuple[str, ...] = ()
    """Libraries whose change is listed as not judged, in the report's order."""
    is_cause_first: bool | None = None
    """Whether what is named first is the true cause; None where none is known, or none is there."""

    @property
    def outcome(self) -> str:
        """exact, MISS, over; for rows that are not counted: conditional, SILENT, unmeasured."""
        if self.is_conditional:
            return "conditional" if self.is_mentioned else "SILENT"
        if self.measured is None:
            return "unmeasured"
        # Equal bits at another speed are equal bits.
        forecast = ORDER.index("none" if self.forecast == "perf" else self.forecast)
        truth = ORDER.index(self.measured)
        return "exact" if forecast == truth else "MISS" if forecast < truth else "over"


class Tally(NamedTuple):
    """The figures of one part."""

    part: str
    counted: int
    misses: int
    over: int
    exact: int
    causes: int = 0
    """How many changed the result by a cause that is known."""
    first: int = 0
    """For how many of these the true cause is named first."""

    def __str__(self) -> str:
        return (
            f"{self.part}: {self.counted} counted, {self.misses} missed, {self.over} over-warned "
            f"({self.share(self.over)}), {self.exact} exact ({self.share(self.exact)}), "
            f"cause first in {self.cause_first}"
        )

    @property
    def cause_first(self) -> str:
        """How often the true cause is named first, with the rate."""
        if not self.causes:
            return "–"
        return f"{self.first} of {self.causes} ({100 * self.first / self.causes:.0f} %)"

    def share(self, count: int) -> str:
        """`count` of those counted, in percent."""
        return f"{100 * count / self.counted:.0f} %" if self.counted else "–"


def tallies(verdicts: Iterable[Verdict]) -> list[Tally]:
    """The figures of each part that occurs."""
    by_part: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_part.setdefault(verdict.part, []).append(verdict)
    return [_tally(part, found) for part, found in by_part.items()]


def _tally(part: str, verdicts: Collection[Verdict]) -> Tally:
    outcomes = [verdict.outcome for verdict in verdicts]
    first = [verdict.is_cause_first for verdict in verdicts if not verdict.is_conditional]
    return Tally(
        part,
        sum(outcome in ("exact", "MISS", "over") for outcome in outcomes),
        outcomes.count("MISS"),
        outcomes.count("over"),
        outcomes.count("exact"),
        first.count(True) + first.count(False),
        first.count(True),
    )


def table(verdicts: Iterable[Verdict]) -> str:
    """One line for each verdict."""
    return "\n".join(
        f"{v.outcome:<11} {v.id:<28} measured {v.measured or '?':<8} verdict {v.forecast:<8} "
        + ", ".join(v.rules)
        for v in verdicts
    )
