"""The names of a fingerprint's sections: `gpu` stands for `facts.gpu`, beside `live.gpu`."""

from __future__ import annotations

from collections.abc import Iterable

from envprint.core.errors import EnvprintError
from envprint.core.fields import Record, inner
from envprint.core.suggest import did_you_mean


def name_of(path: str) -> str:
    """What the section at `path` is called."""
    return path.removeprefix("facts.")


def path_of(name: str) -> str:
    """The path of the section that `name_of` calls so."""
    return name if name.startswith("live.") else f"facts.{name}"


def section_paths(shape: Record) -> list[str]:
    """The paths of all sections in the shape of a fingerprint."""
    places = ((place, inner(shape, place)) for place in ("facts", "live"))
    return [
        f"{place}.{field.name}"
        for place, sections in places
        if isinstance(sections, Record)
        for field in sections.fields
    ]


def sections_named(names: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """The paths of the sections with these names, without duplicates. Raises `EnvprintError`.

    `known` are the paths of all sections. `gpu` is `facts.gpu`; `host`, which has no facts, is
    `live.host`.
    """
    paths = sorted(known, reverse=True)  # of two with the same last step, the fact comes last
    by_name = {path.partition(".")[2]: path for path in paths} | {path: path for path in paths}
    found: dict[str, None] = {}
    for name in names:
        if name not in by_name:
            near = did_you_mean(name.lower(), map(name_of, paths))
            raise EnvprintError(f"no section {name[:60]!r}; {near}")
        found[by_name[name]] = None
    return tuple(found)
