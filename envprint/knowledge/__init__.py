"""Tables of the world: versions, devices and what fits what, as data and not as code.

Each table is a JSON file in this folder, with its schema in `schemas/`; a test validates them. Each
entry stands on one line and says where it was read, and when. A table is read when something is
looked up in it for the first time, so that a job on a CPU never reads those of GPUs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from envprint.core.errors import EnvprintError
from envprint.machine.files import read_file, reason

Entry = Mapping[str, Any]
FOLDER = os.path.dirname(__file__)


@cache
def entries(table: str) -> tuple[Entry, ...]:
    """All entries of a table, in the order of its file.

    Raises `EnvprintError` when the file was not installed.
    """
    try:
        content = read_file(os.path.join(FOLDER, f"{table}.json"))
    except OSError as error:
        text = f"the table {table}.json of envprint: {reason(error)}; reinstall envprint"
        raise EnvprintError(text) from None
    return tuple(json.loads(content)["entries"])


def find(table: str, **wanted: str) -> Entry | None:
    """The first entry whose fields have the wanted values."""
    fields = wanted.items()
    return next((entry for entry in entries(table) if fields <= entry.items()), None)


def covering(table: str, version: tuple[int, ...], **wanted: str) -> Iterator[Entry]:
    """The entries with the wanted values whose span of releases, `first` to `last`, has `version`.

    A span without `first` or `last` is open at that end. Only the first two places of a version
    count, so that every patch release belongs to its minor one.
    """
    release, fields = version[:2], wanted.items()
    for entry in entries(table):
        if fields <= entry.items():
            is_since = "first" not in entry or _places(entry["first"]) <= release
            if is_since and ("last" not in entry or release <= _places(entry["last"])):
                yield entry


def _places(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))
