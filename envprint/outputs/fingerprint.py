"""A fingerprint for people: every section, its fields, and what is absent or unknown."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from envprint.core.fingerprint import Fingerprint, is_inside, split_path
from envprint.core.redact import clean, safe_tags
from envprint.core.summary import summarise
from envprint.core.text import block, heading
from envprint.core.typed import Any
from envprint.core.units import size

_EMPTY: tuple[Any, ...] = (None, {}, [])


def without_secrets(fingerprint: Fingerprint) -> Fingerprint:
    """The same without what looks like a secret: people write documents by hand, too."""
    safe = {name: clean(part) for name, part in fingerprint._asdict().items()}
    safe["tags"] = safe_tags(safe["tags"])
    return fingerprint._replace(**safe)


def render(
    fingerprint: Fingerprint, colour: bool = False, only: Collection[str] | None = None
) -> str:
    """The fingerprint as text that ends with a newline; or the sections at the paths `only`."""
    return "\n".join(_lines(fingerprint, colour, only)) + "\n"


def _lines(fingerprint: Fingerprint, colour: bool, only: Collection[str] | None) -> Iterator[str]:
    summary = summarise(fingerprint)
    label = f"{summary.label}, " if summary.label else ""
    version = fingerprint.envprint_version
    yield from block("captured", f"{label}{summary.captured_at} by envprint {version}")
    if only is None:
        yield from _head(fingerprint)
    for path, fields in sections(fingerprint):
        if only is None or path in only:
            note = ", at this moment" if path.startswith("live.") else ""
            yield from heading(path.partition(".")[2] + note, colour)
            yield from _section(fields, fingerprint.unknown, path)


def _head(fingerprint: Fingerprint) -> Iterator[str]:
    yield from block("digest", fingerprint.digest)
    if fingerprint.note:
        yield from block("note", fingerprint.note)
    for key, value in fingerprint.tags.items():
        yield from block("tag", f"{key} = {value}")
    for topic, text in summarise(fingerprint).lines:
        yield from block(topic, text)


def sections(fingerprint: Fingerprint) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The path and the fields of each section, also of one that is unknown as a whole.

    Without those of a newer version, which may be of any form.
    """
    unknown = {".".join(split_path(path)[:2]) for path in fingerprint.unknown}
    undeclared = frozenset(fingerprint.undeclared)
    for place in ("facts", "live"):
        known = getattr(fingerprint, place)
        missing = {path.partition(".")[2] for path in unknown if path.startswith(f"{place}.")}
        for section in sorted({*known, *missing}):
            path = f"{place}.{section}"
            if path not in undeclared:
                yield path, known.get(section, {})


def _section(fields: Mapping[str, Any], unknown: Mapping[str, str], path: str) -> Iterator[str]:
    for name, text in present(fields):
        yield from block("", f"{name}: {text}")
    if empty := absent(fields):
        yield from block("  none", ", ".join(empty))
    for name, reason in unknown_inside(path, unknown):
        yield from block("  unknown", f"{name}: {reason}")


def present(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The fields of a section that hold anything, in words; some take several entries."""
    for name, value in fields.items():
        if value not in _EMPTY:
            yield from _field(name, value)


def absent(fields: Mapping[str, Any]) -> list[str]:
    """The fields of a section that hold nothing."""
    return [name for name, value in fields.items() if value in _EMPTY]


def unknown_inside(path: str, unknown: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is unknown in the section at `path`, without that path, and the reason."""
    for place, reason in sorted(unknown.items()):
        if is_inside(place, path):
            yield place[len(path) + 1 :] or "all of it", reason


def _field(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if are_versions(value):
        yield name, ", ".join(with_version(key, entry) for key, entry in value.items())
    elif isinstance(value, Mapping) and all(isinstance(v, Mapping) for v in value.values()):
        for key, entry in value.items():
            yield f"{name} {key}", text_of(name, entry)
    elif isinstance(value, list) and isinstance(value[0], Mapping):
        for entry in value:
            yield name, text_of(name, entry)
    else:
        yield name.removesuffix("_bytes"), text_of(name, value)


def are_versions(value: Any) -> bool:
    """Whether it is a map of things with versions, such as packages."""
    entries = value.values() if isinstance(value, Mapping) else ()
    return bool(entries) and all(isinstance(one, Mapping) and "version" in one for one in entries)


def with_version(name: str, entry: Mapping[str, Any]) -> str:
    """`numpy 2.4.6`, and where it came from when that is not an index."""
    origin = entry.get("origin")
    kind = origin.get("kind") if isinstance(origin, Mapping) else None
    return f"{name} {entry.get('version', 'of unknown version')}" + (
        "" if kind in (None, "index") else f" ({kind})"
    )


def text_of(name: str, value: Any) -> str:
    """The value of the field `name` in words, without what is empty inside it."""
    if isinstance(value, Mapping):
        known = {key: item for key, item in value.items() if item not in _EMPTY}
        return "; ".join(f"{key} {text_of(key, item)}" for key, item in known.items()) or "none"
    if isinstance(value, list):
        return ", ".join(text_of(name, item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_bytes") and isinstance(value, int):
        return size(value)
    return str(value) if value != "" else "empty"
