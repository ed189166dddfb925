"""What a record holds, in the sections and fields of a fingerprint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from envprint.core.typed import Any, NamedTuple

Sections = Mapping[str, Mapping[str, Any]]


class Found(NamedTuple):
    """What a record holds. Whatever is left out is unknown, because the record does not hold it."""

    facts: Sections
    live: Sections = MappingProxyType({})
    unknown: Mapping[str, str] = MappingProxyType({})
    """Path to reason, where there is a better one."""
    is_declared: bool = False
    """Whether it says what is to be installed, which need not be what is."""


def combined(several: Sequence[Found]) -> Found:
    """What several records of one environment hold together; the first one that knows counts."""
    facts: dict[str, Any] = {}
    live: dict[str, Any] = {}
    unknown: dict[str, str] = {}
    for found in several:
        facts = _merged(facts, found.facts)
        live = _merged(live, found.live)
        unknown = {**found.unknown, **unknown}
    known = {"facts": facts, "live": live}
    gaps = {path: why for path, why in unknown.items() if not _holds(known, path)}
    return Found(facts, live, gaps, any(found.is_declared for found in several))


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**second, **first}
    for key in first.keys() & second.keys():
        if isinstance(first[key], dict) and isinstance(second[key], dict):
            merged[key] = _merged(first[key], second[key])
    return merged


def _holds(known: Mapping[str, Any], path: str) -> bool:
    from envprint.core.fingerprint import split_path

    value: Any = known
    for key in split_path(path):
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True
