"""What a caller of the Python functions names, held to what there is.

A command line refuses a wrong word by itself; a function must, or it judges another workload than
the caller believes.
"""

from __future__ import annotations

from collections.abc import Iterable

from envprint.errors import EnvprintError
from envprint.model import FRAMEWORKS, IMPACT_WORDS, Impact
from envprint.wording import DEVICES


def frameworks_named(names: Iterable[str]) -> tuple[str, ...]:
    """The frameworks in `names`, which may be a single one. Raises `EnvprintError`."""
    several = [names] if isinstance(names, str) else names
    return tuple(_one_of("framework", name, FRAMEWORKS) for name in several)


def device_named(name: str | None) -> str | None:
    """The device of that name, or None for "as it is found". Raises `EnvprintError`."""
    return None if name is None else _one_of("device", name, tuple(DEVICES))


def impact_named(name: str | Impact) -> Impact:
    """The impact of that name. Raises `EnvprintError`."""
    if isinstance(name, Impact):
        return name
    return Impact[_one_of("impact", name, IMPACT_WORDS).upper()]


def _one_of(kind: str, name: str, known: tuple[str, ...]) -> str:
    if name not in known:
        raise EnvprintError(f"no {kind} {name!r}; known: {', '.join(known)}")
    return name
