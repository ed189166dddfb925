"""What is kept of each document: who it is, what it is like, and what was true of it then.

The map of a fleet: documents in any order and in any number of processes become cards, and
`envprint.fleet.grouping` makes groups of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime

from envprint.core.errors import DocumentError
from envprint.core.fingerprint import Fingerprint, Location, digest_facts, section_digest
from envprint.core.fleet import Unread
from envprint.core.report import Finding
from envprint.core.typed import Any, NamedTuple
from envprint.documents.codec import loads
from envprint.documents.outline import Outline, outline_from, outline_of, section_in
from envprint.fleet.alike import Likeness
from envprint.fleet.sources import Document, read_error
from envprint.fleet.states import States
from envprint.knowledge.launchers import process_of

ROLE = "role"
BY = (ROLE, "label", "tag")
FIRST = "rank 0"
"""The role of the process that leads a job, where no tag names another."""
KEPT = 4096
"""So many different sets of digests are remembered; a fleet has few, unless each is its own."""
_PYTHON, _ENVIRON = "python", "environ"


class Key(NamedTuple):
    """What members of one group have in common; equal keys are one object in a `Reader`."""

    role: str
    sections: tuple[tuple[str, str], ...]
    """Name and digest of each section, without what is meant to differ."""


class Place(NamedTuple):
    """Which process of a job a document is of; None for what it does not say."""

    rank: int | None
    node: str | None


class Card(NamedTuple):
    """One document, without its facts."""

    document: Document
    key: Key
    host: str | None
    rank: int | None
    captured_at: str
    machine_id: str | None
    started: float | None
    """When the machine was started, in seconds since 1970, as far as the document says it."""
    ended: float | None
    """When it was captured."""
    uptime: float | None
    memory: int | None
    """How many bytes of main memory the machine has."""
    digest: str
    version: str
    """Of the document's form: an earlier one lacks fields."""
    unknown: tuple[str, ...]
    """Paths of facts."""
    states: tuple[Finding, ...]
    unseen: tuple[str, ...] = ()
    """Paths of the live state that a rule needs, and that are unknown."""
    verified: bool = False
    """Whether its digests were computed here."""
    forged: str = ""
    """Which digests were not those of the facts; empty if they were, or were not computed."""


class Reader:
    """Makes cards. It remembers digests, so that a section is looked at once."""

    def __init__(
        self, likeness: Likeness, states: States, by: tuple[str, ...] = (), *, verify: bool = False
    ) -> None:
        self._likeness, self._states, self._by, self._verify = likeness, states, by, verify
        self._normal: dict[tuple[str, str], str] = {}
        self._places: dict[str, Place] = {}
        self._keys: dict[Key, Key] = {}
        self._seen: set[Key] = set()
        self._sections: dict[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]] = {}
        self._texts: dict[Any, Any] = {}

    def card(self, document: Document) -> Card | Unread:
        """The card of a document, or why it has none."""
        try:
            content = Content(document)
            outline = None if self._verify else content.outline()
            known = self._known(content, outline) if outline is not None else None
            if known is not None:
                return known
            # The first of each kind stands for the others.
            outline, forged = content.computed()
            card = self._card(content, outline)._replace(forged=forged, verified=True)
            self._seen.add(card.key)
            return card
        except (DocumentError, OSError) as error:
            return read_error(document, error)

    def _known(self, content: Content, outline: Outline) -> Card | None:
        """The card of a document of a known kind, of which only the outline is read."""
        try:
            card = self._card(content, outline)
        except (TypeError, ValueError, KeyError, AttributeError):
            return None  # values of other types than declared, of which a strict reader says more
        return card if card.key in self._seen else None

    def _card(self, content: Content, outline: Outline) -> Card:
        listed = tuple(outline.section_digests.items())
        sections = self._sections.get(listed)
        if sections is None:
            sections = tuple(
                (name, self._alike(content, name, digest)) for name, digest in sorted(listed)
            )
            sections = self._once(sections)
            if len(self._sections) < KEPT:
                self._sections[listed] = sections
        place = self._place(content, outline)
        key = Key(role_of(outline, place.rank, self._by), sections)
        key = self._keys.setdefault(key, key)
        ended = _seconds(outline.captured_at)
        host = outline.live.get("host")
        said = host if isinstance(host, Mapping) else {}
        seconds, memory = said.get("uptime_s"), said.get("memory_total_bytes")
        uptime = float(seconds) if isinstance(seconds, (int, float)) else None
        unknown = tuple(sorted(path for path in outline.unknown if path.startswith("facts.")))
        return Card(
            document=content.document,
            key=key,
            host=outline.identity.get("host_name") or place.node,
            rank=place.rank,
            captured_at=outline.captured_at,
            machine_id=outline.machine_id,
            started=None if ended is None or uptime is None else ended - uptime,
            ended=ended,
            uptime=uptime,
            memory=memory if isinstance(memory, int) else None,
            digest=self._once(outline.digest),
            version=self._once(outline.version),
            unknown=self._once(unknown),
            states=self._states.of(key, outline, content),
            unseen=self._states.unseen(key, outline, content),
        )

    def _once(self, value: Any) -> Any:
        """The first value that is equal: thousands of documents say the same."""
        return self._texts.setdefault(value, value)

    def _alike(self, content: Content, name: str, digest: str) -> str:
        if name not in self._likeness.sections:
            return self._once(digest)  # type: ignore[no-any-return]
        found = self._normal.get((name, digest))
        if found is None:
            section = content.section(name)
            found = digest
            if section is not None:
                normal = self._likeness.normal(name, section)
                found = section_digest(name, normal, content.location())
            found = self._normal[name, digest] = self._once(found)
        return found

    def _place(self, content: Content, outline: Outline) -> Place:
        """By the tags, else by the variables of a launcher."""
        digest = outline.section_digests.get(_ENVIRON, "")
        place = self._places.get(digest)
        if place is None:
            section = content.section(_ENVIRON) if digest else None
            place = self._places[digest] = _place_by(section)
        return Place(_tagged_rank(outline, place), place.node)


def rank_of(fingerprint: Fingerprint) -> int | None:
    """The rank of the process that a fingerprint is of, by its tags or its variables."""
    return _tagged_rank(fingerprint, _place_by(fingerprint.facts.get(_ENVIRON)))


def role_of(described: Outline | Fingerprint, rank: int | None, by: tuple[str, ...]) -> str:
    """What keeps this member apart from others, in words."""
    words = [described.tags.get(ROLE) or (FIRST if rank == 0 else "")]
    if by:
        words = [word for key in by for word in _named(key, described, words[0])]
    return ", ".join(filter(None, words))


def _tagged_rank(described: Outline | Fingerprint, place: Place) -> int | None:
    rank = described.tags.get("rank", "")
    return int(rank) if _is_number(rank) else place.rank


def _named(key: str, outline: Outline | Fingerprint, role: str) -> Iterator[str]:
    if key == ROLE:
        yield role
    elif key == "label":
        yield outline.label or ""
    elif key == "tag":
        yield from (f"{name}={value}" for name, value in sorted(outline.tags.items()))
    else:
        name = key.partition(":")[2]
        yield f"{name}={outline.tags.get(name, 'none')}"


def _place_by(environ: Any) -> Place:
    variables = environ.get("variables") if isinstance(environ, Mapping) else None
    texts = {name: text for name, text in (variables or {}).items() if isinstance(text, str)}
    process = process_of(texts)
    return Place(process.rank, process.node) if process else Place(None, None)


def _is_number(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) < 10


def _seconds(captured_at: str) -> float | None:
    try:
        return datetime.fromisoformat(captured_at.replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return None


class Content:
    """One document while its card is made; it is read no further than necessary."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._whole: bytes | None = None
        self._parsed: Fingerprint | None = None

    def outline(self) -> Outline | None:
        """By the ends of the file, or by a line that is parsed as a whole."""
        ends = self.document.ends()
        if ends is not None:
            with ends:
                return outline_of(ends)
        try:
            return outline_from(json.loads(self.whole().decode("utf-8")))
        except (ValueError, RecursionError):
            return None  # a strict reader says what is wrong

    def computed(self) -> tuple[Outline, str]:
        """With digests of the facts as they are, and which of those in the document are not."""
        found = self.fingerprint()
        sections, digest = digest_facts(found.facts)
        claimed = {**found.section_digests, "the environment": found.digest}
        made = {**sections, "the environment": digest}
        wrong = [name for name, value in claimed.items() if made.get(name, value) != value]
        outline = Outline(
            captured_at=found.captured_at,
            label=found.label,
            tags=found.tags,
            identity=found.identity or {},
            machine_id=found.machine_id,
            live=found.live,
            unknown=found.unknown,
            digest=digest,
            section_digests=sections,
            version=found.schema_version,
        )
        return outline, ", ".join(sorted(wrong))

    def whole(self) -> bytes:
        """All bytes."""
        if self._whole is None:
            self._whole = self.document.whole()
        return self._whole

    def fingerprint(self) -> Fingerprint:
        """All of it, checked. Raises `DocumentError`."""
        if self._parsed is None:
            self._parsed = loads(self.whole(), self.document.source)
        return self._parsed

    def section(self, name: str) -> Any:
        """One section of the facts."""
        try:
            return section_in(self.whole(), name)
        except KeyError:
            return self.fingerprint().facts.get(name)

    def location(self) -> Location:
        """Where its environment lies."""
        return Location.of({_PYTHON: self.section(_PYTHON)})
