"""Verdicts beside the truth, and the three figures that come of them."""

from __future__ import annotations

from collections.abc import Iterable
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
    """The three figures of one part."""

    part: str
    counted: int
    misses: int
    over: int
    exact: int

    def __str__(self) -> str:
        return (
            f"{self.part}: {self.counted} counted, {self.misses} missed, {self.over} over-warned "
            f"({self.share(self.over)}), {self.exact} exact ({self.share(self.exact)})"
        )

    def share(self, count: int) -> str:
        """`count` of those counted, in percent."""
        return f"{100 * count / self.counted:.0f} %" if self.counted else "–"


def tallies(verdicts: Iterable[Verdict]) -> list[Tally]:
    """The figures of each part that occurs."""
    by_part: dict[str, list[str]] = {}
    for verdict in verdicts:
        by_part.setdefault(verdict.part, []).append(verdict.outcome)
    return [
        Tally(
            part,
            sum(outcome in ("exact", "MISS", "over") for outcome in outcomes),
            outcomes.count("MISS"),
            outcomes.count("over"),
            outcomes.count("exact"),
        )
        for part, outcomes in by_part.items()
    ]


def table(verdicts: Iterable[Verdict]) -> str:
    """One line for each verdict."""
    return "\n".join(
        f"{v.outcome:<11} {v.id:<28} measured {v.measured or '?':<8} verdict {v.forecast:<8} "
        + ", ".join(v.rules)
        for v in verdicts
    )
