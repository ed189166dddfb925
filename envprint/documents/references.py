"""Resolves references: `@monday`, `@last`, `@last-good`, `@~2` and the beginning of a digest.

Damaged entries are skipped, and named in the result. The error for a reference that matches
nothing states what was looked for, where, and what exists instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from envprint.core.errors import DocumentError, NothingYetError, StoreError, suppress
from envprint.core.report import counted
from envprint.core.suggest import closest
from envprint.documents.codec import loads
from envprint.documents.store import LAST_GOOD, PROMOTION, RESERVED, Saved, Store, is_name
from envprint.machine.files import Input

LISTS = "`envprint log` lists what is"
SAVES = "`envprint capture --save NAME` saves something"
PROMOTES = "`envprint run` saves one, `envprint promote REF` chooses one"
DIGITS = 12
"""Digits of a digest that reports print."""


def resolve(reference: str, store: Store | None = None) -> Input:
    """The document that `reference` means in `store` (default: the project's).

    Raises `StoreError`.
    """
    passed_over: list[str] = []
    try:
        store = Store(warn=passed_over.append) if store is None else store
        found = _looked_up(reference, store)
    except StoreError as error:
        raise type(error)("; ".join((str(error), *passed_over))) from None
    return found._replace(skipped=(*passed_over, *found.skipped))


def _looked_up(reference: str, store: Store) -> Input:
    looked_up = _Reference(reference, store)
    word = reference.removeprefix("@")
    if word == reference:
        return looked_up.by_digest(f"sha256:{word.removeprefix('sha256:')}")
    if word == "last":
        return looked_up.counted(0)
    if word == LAST_GOOD:
        return looked_up.last_good()
    if word.startswith("~"):
        if not word[1:].isdecimal() or len(word) > 10:
            raise StoreError(f"{reference}: expected a number after @~, such as @~2")
        return looked_up.counted(int(word[1:]))
    return looked_up.by_name(word)


def good_ones(store: Store) -> Iterator[Saved]:
    """What `@last-good` means, and then what it meant before. Raises `StoreError`."""
    return (saved for saved, _ in _Reference(f"@{LAST_GOOD}", store).good())


class _Reference:
    """One reference, the store it is resolved in, and the damaged entries skipped on the way."""

    def __init__(self, text: str, store: Store) -> None:
        self.text = text
        self.store = store
        self.skipped: list[str] = []

    def counted(self, back: int) -> Input:
        """The fingerprint `back` saves before the last."""
        found = list(islice(self._readable(self._saves()), back + 1))
        if not found:
            raise self._nothing("nothing is saved", SAVES)
        if len(found) <= back:
            raise self._nothing(f"only {counted(found, 'fingerprint')} saved", LISTS)
        return self._input(*found[back])

    def last_good(self) -> Input:
        """The last good run, or what was promoted since."""
        for saved, content in self.good():
            # Else it was saved by a version that did not record it.
            is_known = saved.good or saved.kind == PROMOTION
            caveat = None if is_known else f"{self.text} is {saved.in_words()}"
            return self._input(saved, content)._replace(caveat=caveat)
        nothing = self._nothing("no good run is saved", PROMOTES)
        raise nothing if self.skipped else NothingYetError(str(nothing))

    def good(self) -> Iterator[tuple[Saved, bytes]]:
        """The good runs and promotions that can be read, newest first."""
        return self._readable(saved for saved in self._entries() if saved.is_good)

    def by_name(self, name: str) -> Input:
        """The fingerprint saved under `name`."""
        object_id = self.store.named(name) if is_name(name) else None
        if object_id is None:
            raise self._nothing(
                "nothing is saved under this name", _instead(name, self.store.names())
            )
        return self._input(None, self.store.read(object_id))

    def by_digest(self, prefix: str) -> Input:
        """The fingerprint whose bytes or facts have a digest that begins with `prefix`."""
        objects = self.store.objects(prefix.removeprefix("sha256:"))
        found = {object_id: [Saved("", "", object_id, "")] for object_id in objects}
        for saved in self._saves():
            if saved.digest.startswith(prefix):
                found.setdefault(saved.digest, []).append(saved)
        if not found:
            found = self._by_recomputed_digest(prefix)
        if not found:
            raise StoreError(
                f"{self.text}: no such file, and no digest in {self.store.place} starts with it; "
                f"{LISTS}"
            )
        if len(found) > 1:
            shown = ", ".join(digest[: len(prefix) + DIGITS] for digest in sorted(found)[:5])
            raise StoreError(
                f"{self.text}: {len(found)} digests in {self.store.place} start with it: {shown}"
            )
        # An unchanged environment has one digest, however often it was saved: the newest save
        # represents it.
        same = next(iter(found.values()))
        readable = next(self._readable(same), None)
        return self._input(*(readable or (None, self.store.read(same[0].object))))

    def _saves(self) -> Iterator[Saved]:
        """The entries that saved something; a promotion only points to what was saved."""
        return (saved for saved in self._entries() if saved.kind != PROMOTION)

    def _by_recomputed_digest(self, prefix: str) -> dict[str, list[Saved]]:
        """Saves of earlier versions, by the digest that this version makes of their facts.

        Reads every document, so it comes last.
        """
        found: dict[str, list[Saved]] = {}
        for saved in self.store.saved():
            if isinstance(saved, Saved):
                with suppress(DocumentError, StoreError):
                    digest = loads(self.store.read(saved.object), self.text).digest
                    if digest != saved.digest and digest.startswith(prefix):
                        found.setdefault(digest, []).append(saved)
        return found

    def _entries(self) -> Iterator[Saved]:
        for saved in self.store.saved():
            if isinstance(saved, Saved):
                yield saved
            else:
                self.skipped.append(f"{self.store.place}: {saved.reason}")

    def _readable(self, entries: Iterable[Saved]) -> Iterator[tuple[Saved, bytes]]:
        for saved in entries:
            try:
                yield saved, self.store.read(saved.object)
            except StoreError as error:
                self.skipped.append(str(error))

    def _input(self, saved: Saved | None, content: bytes) -> Input:
        program = saved.program if saved else None
        return Input(content, self.text, tuple(self.skipped), program)

    def _nothing(self, what: str, instead: str) -> StoreError:
        damage = f" ({len(self.skipped)} damaged, {self.skipped[0]})" if self.skipped else ""
        return StoreError(f"{self.text}: {what} in {self.store.place}{damage}; {instead}")


def _instead(name: str, names: list[str]) -> str:
    """What the user may have meant, or what to do instead."""
    near = closest(name, [*names, *(word for word in RESERVED if word != "now")])
    return f"did you mean @{near[0]}?" if near else LISTS if names else SAVES
