"""A fingerprint for people: every section, its fields, and what is absent or unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from envprint.core.fingerprint import Fingerprint, is_inside
from envprint.core.summary import summarise
from envprint.core.text import block, heading
from envprint.core.units import size


def render(fingerprint: Fingerprint, colour: bool = False) -> str:
    """The fingerprint as text that ends with a newline."""
    return "\n".join(_lines(fingerprint, colour)) + "\n"


def _lines(fingerprint: Fingerprint, colour: bool) -> Iterator[str]:
    summary = summarise(fingerprint)
    label = f"{summary.label}, " if summary.label else ""
    version = fingerprint.envprint_version
    yield from block("captured", f"{label}{summary.captured_at} by envprint {version}")
    yield from block("digest", fingerprint.digest)
    if fingerprint.note:
        yield from block("note", fingerprint.note)
    for key, value in fingerprint.tags.items():
        yield from block("tag", f"{key} = {value}")
    for topic, text in summary.lines:
        yield from block(topic, text)
    foreign = frozenset(fingerprint.undeclared)
    for place, note in (("facts", ""), ("live", ", at this moment")):
        for section, fields in sorted(getattr(fingerprint, place).items()):
            path = f"{place}.{section}"
            if path not in foreign:  # of a newer version, and of any form
                yield from heading(section + note, colour)
                yield from _section(fields, fingerprint.unknown, path)


def _section(fields: Mapping[str, Any], unknown: Mapping[str, str], path: str) -> Iterator[str]:
    absent = []
    for name, value in fields.items():
        if value in (None, {}, []):
            absent.append(name)
        else:
            yield from _field(name, value)
    if absent:
        yield from block("  none", ", ".join(absent))
    for place, reason in sorted(unknown.items()):
        if is_inside(place, path):
            yield from block("  unknown", f"{place[len(path) + 1 :]}: {reason}")


def _field(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and _are_versions(value):
        listed = ", ".join(_with_version(key, entry) for key, entry in value.items())
        yield from block("", f"{name}: {listed}")
    elif isinstance(value, Mapping) and all(isinstance(v, Mapping) for v in value.values()):
        for key, entry in value.items():
            yield from block("", f"{name} {key}: {_text(name, entry)}")
    elif isinstance(value, list) and isinstance(value[0], Mapping):
        for entry in value:
            yield from block("", f"{name}: {_text(name, entry)}")
    else:
        yield from block("", f"{name.removesuffix('_bytes')}: {_text(name, value)}")


def _are_versions(value: Mapping[str, Any]) -> bool:
    return all(isinstance(entry, Mapping) and "version" in entry for entry in value.values())


def _with_version(name: str, entry: Mapping[str, Any]) -> str:
    """`numpy 2.4.6`, and where it came from when that is not an index."""
    origin = entry.get("origin")
    kind = origin.get("kind") if isinstance(origin, Mapping) else None
    return f"{name} {entry['version']}" + ("" if kind in (None, "index") else f" ({kind})")


def _text(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        known = {key: item for key, item in value.items() if item not in (None, {}, [])}
        return "; ".join(f"{key} {_text(key, item)}" for key, item in known.items()) or "none"
    if isinstance(value, list):
        return ", ".join(_text(name, item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_bytes") and isinstance(value, int):
        return size(value)
    return str(value) if value != "" else "empty"
