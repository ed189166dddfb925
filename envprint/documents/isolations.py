"""Finished searches of `isolate`, kept in the store beside the fingerprints.

isolations/20261128T221500Z-1f9c2ab07d3e.json
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

from envprint.core.errors import EnvprintError
from envprint.core.typed import Any, NamedTuple
from envprint.documents.codec import parse_json, to_json
from envprint.documents.store import Store
from envprint.machine.clock import utc

FOLDER = "isolations"
_NAME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-[0-9a-f]{12}\.json")


class Kept(NamedTuple):
    """A finished search, as far as others show it."""

    name: str
    saved_at: str
    baseline: str
    """Digest of the fingerprint."""
    current: str
    program: str
    outcome: str
    cause: tuple[str, ...]
    """What the difference is, in words; empty unless one was found."""


def keep(document: dict[str, Any], store: Store) -> str:
    """Save a finished search; returns its name. Raises `StoreError`."""
    stamp = re.sub("[-:]", "", utc())
    name = f"{stamp}-{os.urandom(6).hex()}.json"
    store.keep(f"{FOLDER}/{name}", to_json(document))
    return name


def kept(store: Store) -> Iterator[Kept]:
    """Every search that can be read, newest first."""
    for name in reversed(store.listed(FOLDER)):
        try:
            found = _read(name, parse_json(store.content(f"{FOLDER}/{name}"), name))
        except (EnvprintError, LookupError, TypeError, ValueError):
            continue  # written by hand, or by a later version
        if found:
            yield found


def _read(name: str, document: Any) -> Kept | None:
    stamp = _NAME.fullmatch(name)
    if not stamp or document["schema_version"].partition(".")[0] != "1":
        return None
    return Kept(
        name,
        "{}-{}-{}T{}:{}:{}Z".format(*stamp.groups()),
        str(document["baseline"]["digest"]),
        str(document["current"]["digest"]),
        str(document["command"][0]),
        str(document["outcome"]),
        tuple(map(_in_words, document["needed"])),
    )


def _in_words(entry: dict[str, Any]) -> str:
    from envprint.core.isolation import Switch  # where there are no searches, it is not needed

    kind, name = str(entry["switch"]), str(entry["name"])
    return Switch(name, kind, name, entry["before"], entry["after"]).in_words()


def citation(before: str, after: str, warn: Callable[[str], object]) -> str | None:
    """What the newest search has found about two fingerprints, by their digests."""
    try:
        found = (
            one for one in kept(Store(warn=warn)) if (one.baseline, one.current) == (before, after)
        )
        newest = next(found, None)
    except EnvprintError:
        return None
    if newest is None:
        return None
    when = newest.saved_at.partition("T")[0]
    what = ", ".join(newest.cause) or newest.outcome
    return f"{what} (found by running {newest.program}, {when})"
