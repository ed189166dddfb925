"""The reduce of a fleet: cards become groups of members that are alike.

A value that is unknown on one member does not set it apart: it goes with the largest group that
has the same of everything it knows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from envprint.core.errors import DocumentError
from envprint.core.fingerprint import SCHEMA_VERSION, section_digest, split_path
from envprint.core.fleet import Older
from envprint.core.typed import Any
from envprint.documents.codec import loads
from envprint.fleet.alike import Likeness, without
from envprint.fleet.cards import Card, Content, Key

SAME_START_S = 10.0
"""How far apart the start of one machine may seem: times are whole seconds, and clocks are set."""
Holes = frozenset[str]
"""Paths of facts that are unknown."""


def newest(cards: Iterable[Card]) -> tuple[list[Card], list[Older]]:
    """The cards that count, and those of a machine of which a newer one is there."""
    kept: list[Card] = []
    older: list[Older] = []
    of_machine: dict[tuple[str, str], list[Card]] = {}
    for card in cards:
        if card.machine_id is None:
            kept.append(card)
        else:
            of_machine.setdefault((card.machine_id, card.key.role), []).append(card)
    for found in of_machine.values():
        counting: list[Card] = []
        for card in sorted(found, key=_age, reverse=True):
            newer = next((one for one in counting if _is_same(one, card)), None)
            if newer is None:
                counting.append(card)
            else:
                source = card.document.source
                older.append(Older(source, card.captured_at, newer.document.source))
        kept += counting
    return kept, older


def _age(card: Card) -> tuple[float, str]:
    """When it was captured; what is no time is older than all."""
    return -math.inf if card.ended is None else card.ended, card.captured_at


def _is_same(newer: Card, older: Card) -> bool:
    """Whether two documents with one id are of the same machine and process.

    Machines that share a home directory share the id. But no machine runs twice at the same time:
    two starts at different times, of which the later one is before the end of the other, are of
    two machines. Nor does its memory or do all of its cards change while it runs.
    """
    if newer.rank != older.rank or (newer.host and older.host and newer.host != older.host):
        return False
    close = _is_close(newer.started, older.started) or _is_close(newer.ended, older.ended)
    if close and _has_other_hardware(newer, older):
        return False
    if newer.started is None or older.started is None or older.ended is None:
        return True
    apart = not _is_close(newer.started, older.started)
    is_copy = newer.uptime == older.uptime
    return is_copy or not (apart and newer.started < older.ended - SAME_START_S)


def _is_close(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) <= SAME_START_S


def _has_other_hardware(newer: Card, older: Card) -> bool:
    if newer.memory and older.memory and newer.memory != older.memory:
        return True
    cards, others = _uuids(newer), _uuids(older)
    return bool(cards and others) and cards.isdisjoint(others)


def _uuids(card: Card) -> frozenset[str]:
    try:
        gpu = Content(card.document).section("gpu")
    except (OSError, DocumentError):
        return frozenset()
    devices = gpu.get("devices") if isinstance(gpu, Mapping) else None
    found = devices.values() if isinstance(devices, Mapping) else ()
    uuids = (one.get("uuid") for one in found if isinstance(one, Mapping))
    return frozenset(uuid for uuid in uuids if isinstance(uuid, str))


class Merger:
    """Groups by key, and then those that only differ where one of them does not know."""

    def __init__(self, likeness: Likeness) -> None:
        self._likeness = likeness
        self._masked: dict[tuple[str, str, tuple[str, ...]], str] = {}

    def groups(self, cards: Sequence[Card]) -> list[list[Card]]:
        """The groups, the largest first; in each the member that knows most comes first."""
        by_key: dict[Key, list[Card]] = {}
        for card in cards:
            by_key.setdefault(card.key, []).append(card)
        found = [sorted(members, key=_order) for members in by_key.values()]
        found.sort(key=lambda members: (-len(members), _order(members[0])))
        by_role: dict[str, list[list[Card]]] = {}
        for members in found:
            by_role.setdefault(members[0].key.role, []).append(members)
        merged = [one for groups in by_role.values() for one in self._merged(groups)]
        return sorted(merged, key=lambda members: (-len(members), _order(members[0])))

    def _merged(self, groups: list[list[Card]]) -> list[list[Card]]:
        """The groups of one role; those that know least are looked at last."""
        if len(groups) < 2:
            return groups
        holes = {id(group): _holes(group[0]) for group in groups}
        roots: dict[Holes, list[list[Card]]] = {}
        for group in sorted(groups, key=lambda one: len(holes[id(one)])):
            mine = holes[id(group)]
            home = self._home(group[0], mine, roots)
            if home is None:
                roots.setdefault(mine, []).append(group)
            else:
                home += group
        return [group for found in roots.values() for group in found]

    def _home(
        self, card: Card, mine: Holes, roots: Mapping[Holes, list[list[Card]]]
    ) -> list[Card] | None:
        """The largest group that agrees with `card` in all that both know."""
        found: list[list[Card]] = []
        for theirs, groups in roots.items():
            if theirs != mine:
                wanted = self._known(card, theirs - mine, mine | theirs)
                fits = partial(self._fits, wanted, mine - theirs, mine | theirs)
                found += filter(fits, groups)
        return max(found, key=len, default=None)

    def _fits(
        self, wanted: Mapping[str, str], holes: Holes, every: Holes, group: Sequence[Card]
    ) -> bool:
        return self._known(group[0], holes, every) == wanted

    def _known(self, card: Card, holes: Holes, every: Holes) -> dict[str, str]:
        """The digest of each section that both sides know, without the `holes` of the other."""
        whole = {name for name in map(_section, every) if f"facts.{name}" in every}
        touched: dict[str, list[str]] = {}
        for path in sorted(holes):
            touched.setdefault(_section(path), []).append(path)
        return {
            name: self._without(card, name, digest, tuple(touched.get(name, ())))
            for name, digest in card.key.sections
            if name not in whole
        }

    def _without(self, card: Card, name: str, digest: str, holes: tuple[str, ...]) -> str:
        if not holes:
            return digest
        place = (name, digest, holes)
        if place not in self._masked:
            content = Content(card.document)
            section = content.section(name)
            less: Any = self._likeness.normal(name, section)
            for path in holes:
                less = without(less, split_path(path.removesuffix("[*]"))[2:])
            same = less == self._likeness.normal(name, section)
            self._masked[place] = digest if same else section_digest(name, less, content.location())
        return self._masked[place]


def _order(card: Card) -> tuple[bool, int, str]:
    return not card.verified, len(card.unknown), card.document.source


def _section(path: str) -> str:
    return split_path(path)[1]


def _holes(card: Card) -> Holes:
    """What is unknown on a member; an earlier form of the document lacks fields as well."""
    known = {name for name, _ in card.key.sections}
    paths = card.unknown
    if card.version != SCHEMA_VERSION:
        unknown = loads(card.document.whole(), card.document.source).unknown
        paths = tuple(path for path in unknown if path.startswith("facts."))
    missing = {f"facts.{_section(path)}" for path in paths if _section(path) not in known}
    return frozenset(paths) | missing
