"""Takes over from the active environment what no index has: editable and local installations."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress

from envprint.collectors._dist_info import Installed, distributions
from envprint.isolate.commands import clean_variables
from envprint.machine.live import LiveHost


def borrow(wanted: Mapping[str, str | None], source: str, target: str) -> set[str]:
    """Copy distributions between the environments of two interpreters; the names of those copied.

    `wanted` has the version of each; another one is not taken. Copied is what the list of files
    of a distribution has, without scripts: they name their interpreter.
    """
    if not wanted:
        return set()
    found = {one.name: one for one in distributions(_host(source)) if _is_wanted(one, wanted)}
    place = _library(target)
    if place is None:
        return set()
    return {name for name, one in found.items() if _copy(one.directory, one.entry, place)}


def installed(python: str) -> dict[str, object]:
    """The version of each distribution that an interpreter has."""
    return {one.name: one.version for one in distributions(_host(python))}


def _is_wanted(one: Installed, wanted: Mapping[str, str | None]) -> bool:
    return one.name in wanted and wanted[one.name] in (None, one.version)


def _host(python: str) -> LiveHost:
    return LiveHost(python, variables=clean_variables())


def _library(python: str) -> str | None:
    """The directory of packages of an environment."""
    described = _host(python).interpreter()
    inside = os.path.realpath(str(described["prefix"])) + os.sep
    paths = [str(path) for path in described["path"]]
    folders = (path for path in paths if path.endswith("-packages"))
    return next((path for path in folders if os.path.realpath(path).startswith(inside)), None)


def _copy(directory: str, entry: str, place: str) -> bool:
    copied = False
    for file in _files(directory, entry):
        made = os.path.join(place, file)
        with suppress(OSError):
            os.makedirs(os.path.dirname(made), exist_ok=True)
            shutil.copy2(os.path.join(directory, file), made)
            copied = True
    return copied


def _files(directory: str, entry: str) -> Iterator[str]:
    """The files below the directory of packages."""
    try:
        with open(os.path.join(directory, entry, "RECORD"), encoding="utf-8") as record:  # noqa: PTH123
            rows = list(csv.reader(record))
    except (OSError, ValueError, csv.Error):
        return
    for row in rows:
        if row and not os.path.isabs(row[0]) and not row[0].startswith(".."):
            yield row[0]
