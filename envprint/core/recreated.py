"""What was recreated of a recorded environment, and what could not be had."""

from __future__ import annotations

from envprint.core.typed import NamedTuple


class NotHad(NamedTuple):
    """A distribution or a variable of the record that is not here, and why."""

    name: str
    version: str | None
    """None for a variable, and if it is not recorded."""
    reason: str


class Recreated(NamedTuple):
    """What there is in the end, beside what the report says."""

    folder: str
    files: tuple[str, ...]
    not_locked: str | None
    """Why there is no `pylock.toml`; None if there is one."""
    python: str | None
    """The recorded version; None if it is unknown."""
    place: str | None
    """The environment that was built; None if none was wanted."""
    built_python: str | None
    """The version of its Python."""
    lacking: tuple[NotHad, ...]
    """Distributions that cannot be had here."""
    other: tuple[str, ...]
    """What was built and is not as recorded, in words."""
    not_set: tuple[NotHad, ...]
    """Variables that the launcher does not set."""
    notes: tuple[str, ...]
    limits: dict[str, str]
    """Variables that limit a library to the recorded processor's instructions."""
    reach: tuple[str, ...]
    """How far each framework then computes as recorded, in words."""
