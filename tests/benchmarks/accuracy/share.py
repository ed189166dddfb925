"""The share of real changes that is left not judged: figures that `lists.py` keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

KEPT = Path(__file__).with_name("lists.json")


class Share(NamedTuple):
    """What came of judging a series of package lists, each with the one before it."""

    date: str
    about: str
    """What the lists are."""
    lists: int
    pairs: int
    moved: int
    """Versions that changed, in all pairs together."""
    unjudged: int
    """How many of these changes are listed as not judged."""
    silent: int
    """Changes of a library that takes part, of which nothing is said."""
    pairs_by_role: Mapping[str, int]
    """How many pairs leave a library of this role not judged."""

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """The figures as a page shows them."""
        yield (
            f"{self.lists} lists, {self.pairs} pairs of neighbours, {self.moved} versions changed, "
            f"{self.unjudged} of them not judged, {self.silent} silent."
        )
        yield from ("", "| role | pairs that leave one not judged |", "|---|---|")
        for role, count in sorted(self.pairs_by_role.items(), key=lambda item: -item[1]):
            yield f"| {role} | {count} ({100 * count / self.pairs:.0f} %) |"


def kept() -> Share:
    """The figures that were written down last."""
    return Share(**json.loads(KEPT.read_text(encoding="utf-8")))
