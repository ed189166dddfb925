"""Facts about versions, devices and compatibility, as data instead of code.

Each table is a JSON file in this folder, validated by a test against its schema in `schemas/`. Each
entry is one line and names its source and the date it was read. A table is loaded at the first
lookup, so a job on a CPU never loads those about GPUs; of the large ones about packages only the
lines of the packages in question are parsed. `docs/knowledge.md` says how an entry is written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import cache

from envprint.core.errors import EnvprintError
from envprint.core.json_text import loads
from envprint.core.typed import Any
from envprint.machine.files import read_file, reason

Entry = Mapping[str, Any]
FOLDER = os.path.dirname(__file__)
AS_OF = "2026-11-28"
"""The newest date in `newest_releases`, by which versions count as newer. A test compares the two,
so that no run has to read the table for it."""
NO_PART = frozenset(["records", "serves", "tooling", "transitive"])
"""Roles in the table `roles` that take no part in a result."""


@cache
def entries(table: str) -> tuple[Entry, ...]:
    """All entries of a table, in file order.

    Raises `EnvprintError` if the file is not installed.
    """
    return tuple(loads(_content(table))["entries"])


@cache
def _lines(table: str) -> Mapping[str, Sequence[bytes]]:
    """The lines of a table by the text that its entries begin with, such as a package's name."""
    found: dict[str, list[bytes]] = {}
    # {"distribution": "absl-py", "roles": ["transitive"], "source": …
    for line in _content(table).split(b'\n    {"')[1:]:
        found.setdefault(line.split(b'"', 3)[2].decode("utf-8"), []).append(line)
    return found


def names(table: str) -> Set[str]:
    """The texts that the entries of a table begin with, in file order."""
    return _lines(table).keys()


def about(table: str, name: str) -> tuple[Entry, ...]:
    """The entries of a table that begin with this text, in file order. No other is parsed."""
    return _parsed(table, name) if name in _lines(table) else ()


@cache
def _parsed(table: str, name: str) -> tuple[Entry, ...]:
    lines = (line.partition(b"\n")[0].rstrip(b",") for line in _lines(table)[name])
    return tuple(loads(b'{"' + line) for line in lines)


@cache
def kinds(table: str) -> tuple[str, ...]:
    """The beginnings of names for which a table has an entry that ends with a star."""
    return tuple(name[:-1] for name in names(table) if name.endswith("*"))


def forget() -> None:
    """Read every table anew at its next lookup."""
    for kept in (entries, _lines, _parsed, kinds):
        kept.cache_clear()


def _content(table: str) -> bytes:
    try:
        return read_file(os.path.join(FOLDER, f"{table}.json"))
    except OSError as error:
        text = f"the table {table}.json of envprint: {reason(error)}; reinstall envprint"
        raise EnvprintError(text) from None


def find(table: str, **wanted: str) -> Entry | None:
    """The first entry whose fields have the wanted values; None if there is none."""
    fields = wanted.items()
    return next((entry for entry in entries(table) if fields <= entry.items()), None)


def owners(distribution: str) -> tuple[str, ...]:
    """All distributions that install the same import package as this one, itself included."""
    one = find("package_owners", distribution=distribution)
    if one is None:
        return (distribution,)
    listed = entries("package_owners")
    return tuple(entry["distribution"] for entry in listed if entry["package"] == one["package"])


def covering(table: str, version: tuple[int, ...], **wanted: str) -> Iterator[Entry]:
    """The entries with the wanted values whose range `first` to `last` includes `version`.

    A range without `first` or `last` is open at that end. Only the first two components of a
    version count, so a patch release belongs to its minor release.
    """
    release, fields = version[:2], wanted.items()
    for entry in entries(table):
        if fields <= entry.items():
            is_since = "first" not in entry or _places(entry["first"]) <= release
            if is_since and ("last" not in entry or release <= _places(entry["last"])):
                yield entry


def _places(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))
