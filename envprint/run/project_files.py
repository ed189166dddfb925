"""Files of projects and of environment managers, as what looks into environments reads them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from envprint.core.errors import EnvprintError
from envprint.core.typed import Any, NamedTuple
from envprint.judging.policy.toml import parse_toml
from envprint.machine.files import read_regular
from envprint.run.command_options import NotKnown
from envprint.run.program_files import Call


class Entered(NamedTuple):
    """An environment, and the command that starts in it."""

    prefix: str
    argv: tuple[str, ...]


def python_of(prefix: str) -> str:
    """The interpreter of an environment."""
    return os.path.join(prefix, "bin", "python")


def is_conda_base(call: Call) -> bool:
    """Whether the active environment of conda is its base, which other managers pass over."""
    return call.variables.get("CONDA_DEFAULT_ENV") in ("base", "root")


def find_project(start: str, manager: str, file: str) -> tuple[str, Mapping[str, Any]]:
    """The nearest directory upwards with the file of a project, and what the file says."""
    for folder in parents(start):
        if os.path.isfile(os.path.join(folder, file)):
            return folder, read_toml(folder, file)
    raise NotKnown(f"no {manager} project was found")


def parents(directory: str) -> Iterator[str]:
    """The directory and each above it."""
    folder = os.path.normpath(directory)
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent


def list_names(folder: str) -> list[str]:
    """The sorted names in a directory; none if it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def read_text(folder: str, name: str) -> str:
    """A file of a manager; empty if there is none that can be read."""
    try:
        return read_regular(os.path.join(folder, name)).decode("utf-8", "replace")
    except OSError:
        return ""


def read_toml(folder: str, name: str) -> dict[str, Any]:
    """The tables of a file, none if there is no such file. Raises `NotKnown`."""
    try:
        return parse_toml(read_text(folder, name), name)
    except EnvprintError:
        raise NotKnown(f"{os.path.join(folder, name)} is not TOML") from None


def value_at(table: Any, *keys: str) -> Any:
    """The value at a path of keys, or None."""
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table


def inner_tables(table: Any) -> list[dict[str, Any]]:
    """The tables inside a table."""
    return (
        [one for one in table.values() if isinstance(one, dict)] if isinstance(table, dict) else []
    )
