"""From many documents to one verdict: read, grouped, and each pair of distinct groups judged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from envprint.core.errors import DocumentError, EnvprintError
from envprint.core.fingerprint import Fingerprint
from envprint.core.fleet import MAJORITY, Fleet, Group, Member, State, Unread
from envprint.core.impact import Impact
from envprint.core.report import Finding, Undecided
from envprint.core.summary import summarise
from envprint.core.typed import NamedTuple
from envprint.documents.codec import loads
from envprint.documents.inputs import take
from envprint.fleet.alike import Likeness, places
from envprint.fleet.cards import FIRST, Card, Reader
from envprint.fleet.grouping import Merger, newest
from envprint.fleet.sources import Document, documents
from envprint.fleet.states import States
from envprint.judging.context import Context

TRAIN_TOGETHER = frozenset(["", FIRST, "rank", "worker", "chief", "trainer"])
"""Roles whose processes compute the same steps: they have to agree in everything."""
AGREE = ("code", "frameworks", "packages", "python")
"""Sections in which all roles have to agree: they send each other objects and run the same code. A
driver or a parameter server may well have another processor, no GPU, and variables of its own."""


class Wish(NamedTuple):
    """What to compare, and how."""

    baseline: str = MAJORITY
    by: tuple[str, ...] = ()
    verify: bool = False


def trains_with(*roles: str) -> bool:
    """Whether processes of these roles have to agree in everything."""
    return len({*roles}) < 2 or TRAIN_TOGETHER.issuperset(roles)


def likeness_of(context: Context) -> Likeness:
    """What is meant to differ, by the table and the policy of `context`."""
    return Likeness(places(context.policy.identity))


def reader_of(context: Context, wish: Wish) -> Reader:
    """What makes cards of documents; any number of them may work apart."""
    return Reader(likeness_of(context), States(context), wish.by, verify=wish.verify)


def compare(sources: Iterable[str], context: Context, wish: Wish) -> Fleet:
    """The verdict about all documents of the sources.

    Raises `EnvprintError` if the baseline cannot be read, and if there is no document at all.
    """
    reader = reader_of(context, wish)
    cards = (one if isinstance(one, Unread) else reader.card(one) for one in documents(sources))
    return judged(cards, context, wish)


def judged(cards: Iterable[Card | Unread], context: Context, wish: Wish) -> Fleet:
    """The same from cards, wherever they were made."""
    reference = _reference(context, wish)
    unreadable: list[Unread] = []
    kept, older = newest(_readable(cards, unreadable))
    if not kept and not unreadable:
        raise EnvprintError("fleet: no document found there; name files, directories or patterns")
    if not kept:
        first = min(unreadable)
        raise EnvprintError(f"fleet: no document can be read; {first.source}: {first.reason}")
    likeness = likeness_of(context)
    found = Merger(likeness).groups([*kept, *([reference] if reference else [])])
    judge = _Judge(context, likeness, found, reference)
    states = _states(chain.from_iterable(found), judge.names)
    return Fleet(
        groups=tuple(judge.groups()),
        baseline=judge.baseline,
        reference=summarise(judge.load(reference)) if reference else None,
        states=states,
        not_checked=judge.alike.not_checked,
        unreadable=tuple(sorted(unreadable)),
        older=tuple(sorted(older)),
        forged=tuple(
            Unread(one.document.source, f"the digests of {one.forged} are not those of its facts")
            for one in kept
            if one.forged
        )
        + tuple(judge.forged),
        by=wish.by,
        verified=wish.verify,
        policy=context.policy.file,
        only=judge.alike.only_in_words(),
        broken=() if reference else judge.broken(),
    )


def _readable(cards: Iterable[Card | Unread], unreadable: list[Unread]) -> Iterator[Card]:
    for one in cards:
        if isinstance(one, Unread):
            unreadable.append(one)
        else:
            yield one


def _reference(context: Context, wish: Wish) -> Card | None:
    if wish.baseline == MAJORITY:
        return None
    found = take(wish.baseline)
    card = reader_of(context, wish).card(Document(found.name, found.name, content=found.content))
    if isinstance(card, Unread):
        raise DocumentError(f"{card.source}: {card.reason}")
    return card._replace(machine_id=None, states=())


class _Judge:
    """Judges each group against the baseline of its role, and the roles against each other."""

    def __init__(
        self,
        context: Context,
        likeness: Likeness,
        found: Sequence[list[Card]],
        reference: Card | None,
    ) -> None:
        self._context, self._likeness, self._reference = context, likeness, reference
        self._first = [members[0] for members in found]
        self.baseline: int | None = 0 if found else None
        self.forged: list[Unread] = []
        if reference:
            home = next(number for number, one in enumerate(found) if reference in one)
            found[home].remove(reference)
            self.baseline = home if found[home] else None
        self._found = [members for members in found if members]
        if reference and not all(found):
            self._first = [members[0] for members in self._found]
        self.names = _names([card for members in self._found for card in members])
        one = self.load(reference or self._first[0])
        self.alike = context.drift(one, one)
        """What is said of machines that are like the baseline."""

    def groups(self) -> Iterator[Group]:
        """Each group with what sets it apart."""
        for number, members in enumerate(self._found):
            first, against = members[0], self._against(number)
            group = Group(
                role=first.key.role,
                members=self._members(members),
                digest=first.digest,
                sections=dict(first.key.sections),
            )
            if against is not None and against is not first and number != self.baseline:
                group = self._with_report(group, first, against)
            else:
                group = group._replace(undecided=self._undecided())
            yield group

    def _undecided(self) -> tuple[Undecided, ...]:
        """Of states, each machine has its own."""
        return tuple(one for one in self.alike.undecided if not one.path.startswith("live."))

    def _against(self, number: int) -> Card | None:
        """The member that stands for what a group is compared with."""
        if self._reference:
            return self._reference
        role = self._first[number].key.role
        of_role = next(one for one in self._first if one.key.role == role)
        return self._first[0] if of_role is self._first[number] else of_role

    def _with_report(self, group: Group, first: Card, against: Card) -> Group:
        before, after = self.load(against), self.load(first)
        context, wanted = self._context, self._wanted(first.key.role, against.key.role)
        after = self._likeness.levelled(before, after) if wanted is None or wanted else before
        report = context._replace(only=wanted or context.only).drift(before, after)
        others = dict(against.key.sections)
        differs = tuple(
            name
            for name, digest in first.key.sections
            if others.get(name) not in (None, digest)
            and (wanted is None or f"facts.{name}" in wanted)
        )
        number = None if self._reference else self._first.index(against)
        return group._replace(against=number, differs=differs, report=report._replace(sides=()))

    def _wanted(self, *roles: str) -> tuple[str, ...] | None:
        """Paths of the sections to compare between members of these roles; None for all."""
        wanted = self._context.only or None
        if trains_with(*roles):
            return wanted
        paths = (f"facts.{name}" for name in AGREE)
        return tuple(path for path in paths if wanted is None or path in wanted)

    def broken(self) -> tuple[str, ...]:
        """Why the largest group itself does not run, whatever differs from it.

        Nobody has named it as what is right: most machines may be wrong in the same way.
        """
        now = self.load(self._first[0])
        found = self._context.state(now._replace(live={}), None).findings
        return tuple(one.message for one in found if one.impact is Impact.BREAKS)

    def load(self, card: Card) -> Fingerprint:
        """The whole document of a member that stands for its group."""
        found = loads(card.document.whole(), card.document.source)
        return found._replace(reference=card.document.source)

    def _members(self, members: Sequence[Card]) -> tuple[Member, ...]:
        known = set(members[0].unknown)
        found = [
            Member(
                self.names[id(card)],
                card.document.source,
                card.captured_at,
                card.machine_id,
                (*(path for path in card.unknown if path not in known), *card.unseen),
            )
            for card in members
        ]
        return tuple(sorted(found, key=lambda one: natural(one.name)))


def _names(cards: Sequence[Card]) -> dict[int, str]:
    """Each member's name: its host or the file's stem, and more where two have the same."""
    first = {id(card): card.host or card.document.stem for card in cards}
    counts: dict[str, int] = {}
    for name in first.values():
        counts[name] = counts.get(name, 0) + 1
    for card in cards:
        name = first[id(card)]
        if counts[name] > 1:
            is_rank = card.rank is not None
            first[id(card)] = f"{name} rank {card.rank}" if is_rank else card.document.source
    return first


def natural(name: str) -> list[tuple[int, str, str]]:
    """A key by which `node9` comes before `node10`, whatever the length of a number."""
    numbers = ((part.lstrip("0"), part) for part in re.split(r"(\d+)", name))
    return [
        (len(short) if part.isdecimal() else -1, short if part.isdecimal() else part, part)
        for short, part in numbers
    ]


def _states(cards: Iterable[Card], names: Mapping[int, str]) -> tuple[State, ...]:
    """Each state with the members of which it was true, the worst first."""
    alike: dict[tuple[str, str], tuple[Finding, list[str]]] = {}
    for card in cards:
        for finding in card.states:
            _, members = alike.setdefault((finding.rule, finding.message), (finding, []))
            members.append(names[id(card)])
    states = [State(one, tuple(sorted(members, key=natural))) for one, members in alike.values()]
    return tuple(sorted(states, key=lambda s: (-s.finding.impact, s.finding.rule, s.members)))
