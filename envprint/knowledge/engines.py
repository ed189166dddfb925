"""In which engine a process runs, and what that set in it: the table `engines.json`."""

from __future__ import annotations

from collections.abc import Mapping

from envprint import knowledge
from envprint.core.known_variables import ENGINES
from envprint.knowledge.launchers import process_of

TABLE = "engines"


def engine_of(variables: Mapping[str, str]) -> str | None:
    """The engine or launcher that has started this process; None outside of one.

    An engine may itself run in a job of a launcher: the inner one counts.
    """
    for name, engine in ENGINES:
        if name in variables:
            return engine
    process = process_of(variables)
    return process.launcher if process else None


def set_by(engine: str) -> tuple[str, ...]:
    """The variables that the engine sets of its own accord, as far as they matter."""
    found = (entry for entry in knowledge.entries(TABLE) if entry["engine"] == engine)
    return tuple(name for entry in found for name in entry["sets"])
