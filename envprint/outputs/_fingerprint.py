"""A fingerprint for people: every section, its fields, and what is unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from envprint.describe import summarise
from envprint.model import Fingerprint, is_inside
from envprint.outputs._layout import block, heading
from envprint.units import size


def render(fingerprint: Fingerprint, colour: bool = False) -> str:
    """The fingerprint as text that ends with a newline."""
    return "\n".join(_lines(fingerprint, colour)) + "\n"


def _lines(fingerprint: Fingerprint, colour: bool) -> Iterator[str]:
    name = f"{fingerprint.label}, " if fingerprint.label else ""
    yield from block(
        "captured", f"{name}{fingerprint.captured_at} by envprint {fingerprint.envprint_version}"
    )
    yield from block("digest", fingerprint.digest)
    if fingerprint.note:
        yield from block("note", fingerprint.note)
    for topic, text in summarise(fingerprint).lines:
        yield from block(topic, text)
    for place in ("facts", "live"):
        for section, fields in sorted(getattr(fingerprint, place).items()):
            yield from heading(
                section if place == "facts" else f"{section}, at this moment", colour
            )
            yield from _fields(fields)
            yield from _unknown(fingerprint.unknown, f"{place}.{section}")


def _fields(fields: Mapping[str, Any]) -> Iterator[str]:
    for name, value in fields.items():
        if value is not None:
            yield from block("  ", f"{name.removesuffix('_bytes')}: {_text(name, value)}")


def _unknown(unknown: Mapping[str, str], section: str) -> Iterator[str]:
    for path, reason in sorted(unknown.items()):
        if is_inside(path, section):
            yield from block("  ", f"{path[len(section) + 1 :]}: unknown, {reason}")


def _text(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return (
            "; ".join(
                f"{key} {_text(key, item)}" for key, item in value.items() if item is not None
            )
            or "none"
        )
    if isinstance(value, list):
        return ", ".join(_text(name, item) for item in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_bytes") and isinstance(value, int):
        return size(value)
    return str(value) if value != "" else "empty"
