"""Every declared field by its path."""

from __future__ import annotations

from collections.abc import Iterator

from envprint import collectors
from envprint.core.fields import Field, MapOf, Record


def declared() -> Iterator[tuple[str, Field, tuple[Field, ...]]]:
    """Every declared field with its path (`[*]` for a map's entries) and the fields around it."""
    for place in ("facts", "live"):
        for section in collectors.declared(place).fields:
            yield from inside(f"{place}.{section.name}", section.shape, ())


def inside(
    path: str, shape: object, around: tuple[Field, ...]
) -> Iterator[tuple[str, Field, tuple[Field, ...]]]:
    if isinstance(shape, MapOf):
        yield from inside(f"{path}[*]", shape.item, around)
    elif isinstance(shape, Record):
        for field in shape.fields:
            here = f"{path}.{field.name}"
            yield here, field, around
            yield from inside(here, field.shape, (*around, field))


DECLARED = {path: (field, around) for path, field, around in declared()}
