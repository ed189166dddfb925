"""From a host to a fingerprint: what every collector reported, checked and without secrets.

If a collector raises or does not answer in time, only the fields of its own section become unknown,
with the reason. What a document cannot hold, its reader would refuse, so it is never written: it is
unknown too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envprint.collectors import Collector, collectors
from envprint.collectors._asking import Sealing, Section, ask_host
from envprint.core.errors import EnvprintError
from envprint.core.fields import (
    MapOf,
    NotWholeError,
    Record,
    Shape,
    inner,
    require,
    size_of_whole,
    step,
)
from envprint.core.fingerprint import CAPTURE_TIMEOUT_S, Fingerprint, Unknown, digest_facts
from envprint.core.redact import Seal, gather, replaced, replacements, safe_tags
from envprint.core.text import TOO_LARGE, recordable, size_of, unicode_text
from envprint.core.typed import Any
from envprint.core.version import __version__
from envprint.machine.bounded import bounded
from envprint.machine.host import Host
from envprint.machine.interpreter import one_line

MAX_SIZE, MAX_FIELD = 16_000_000, 4_000_000
"""The most that a document and one field may hold, as `size_of` counts: far above what a machine
has, and below what a reader of documents accepts."""
MAX_REASON = 2000
NOT_REPORTED = "the collector did not report it"


class Written:
    """What a document holds so far."""

    def __init__(self, room: int) -> None:
        self.room = room
        """What may still be added."""
        self.texts: dict[str, set[str]] = {}
        """The texts in each field."""


def capture(
    host: Host,
    *,
    via: str = "python",
    label: str | None = None,
    note: str | None = None,
    tags: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
    identify: bool = False,
) -> Fingerprint:
    """Everything the collectors find on `host`, within `timeout_s`, whatever hangs there."""
    limit_s = CAPTURE_TIMEOUT_S if timeout_s is None else timeout_s
    asked = ask_host(bounded(host), collectors(), limit_s)
    if isinstance(asked.now, Unknown):
        raise EnvprintError(f"cannot capture: the time is unknown: {asked.now.reason}")
    found: dict[str, dict[str, Any]] = {"facts": {}, "live": {}}
    unknown: dict[str, str] = {}
    written = Written(MAX_SIZE)
    for collector, values in asked.sections:
        place = f"{collector.kind}.{collector.section}"
        known = dict(_known(collector, values, place, unknown, written))
        found[collector.kind][collector.section] = known
    identity = None if isinstance(asked.identity, Unknown) or not identify else asked.identity
    if isinstance(asked.identity, Unknown) and identify:
        unknown["identity"] = asked.identity.reason
    beside = {"label": label, "note": note, "tags": dict(tags or {}), "unknown": unknown}
    seal = Sealing(host)
    if tags:
        beside["tags"] = safe_tags(recordable(beside["tags"]), seal)
    beside = recordable(beside)
    parts = _cleaned(found, beside, written, unicode_text(asked.home), seal)
    section_digests, digest = digest_facts(parts["facts"])
    return Fingerprint(
        **parts,
        captured_at=asked.now,
        captured_via=f"{via}:{asked.engine}" if asked.engine else via,
        machine_id=asked.machine_id,
        envprint_version=__version__,
        digest=digest,
        section_digests=section_digests,
        identity=recordable(dict(identity)) if identity else None,
    )


def _cleaned(
    found: Mapping[str, dict[str, dict[str, Any]]],
    beside: Mapping[str, Any],
    written: Written,
    home: str,
    seal: Seal,
) -> dict[str, Any]:
    """Facts, live values and what is beside them as `clean` makes them: most fields stay."""
    texts = set().union(*written.texts.values())
    gather([beside], texts)
    other = replacements(texts, home, seal)
    parts: dict[str, Any] = replaced(beside, other)
    for kind, sections in found.items():
        parts[kind] = {
            section: {
                name: value
                if written.texts[f"{kind}.{section}.{name}"].isdisjoint(other)
                else replaced(value, other)
                for name, value in fields.items()
            }
            for section, fields in sections.items()
        }
    return parts


def _known(
    collector: Collector,
    values: Section,
    place: str,
    unknown: dict[str, str],
    written: Written,
) -> Iterator[tuple[str, Any]]:
    """The known fields in plain JSON types; adds the reasons of the others to `unknown`."""
    for field in collector.fields:
        path = f"{place}.{field.name}"
        if isinstance(values, Unknown):
            unknown[path] = _reason(values)
        elif field.name not in values:
            unknown[path] = NOT_REPORTED
        elif isinstance(values[field.name], Unknown):
            unknown[path] = _reason(values[field.name])
        else:
            reasons: dict[str, str] = {}
            try:
                value = _checked(values[field.name], field.shape, path, reasons, written)
            # A field of a stranger's making may raise anything when it is looked at.
            except Exception as fault:  # noqa: BLE001  see the reason above
                what = one_line(fault) or type(fault).__name__
                unknown[path] = f"the collector reported something a document cannot hold: {what}"
            else:
                unknown.update(reasons)
                yield field.name, value


def _checked(
    reported: Any, shape: Shape, path: str, unknown: dict[str, str], written: Written
) -> Any:
    """The value as a document holds it. Raises for one that no document can hold."""
    limit = min(MAX_FIELD, written.room)
    texts: set[str] = set()
    try:
        # Nearly every value is of its shape, and holds nothing unknown.
        size = size_of_whole(shape, [reported], texts, limit)
    except NotWholeError:
        return _looked_through(reported, shape, path, unknown, written)
    if size > limit:
        raise ValueError(TOO_LARGE)
    written.room -= size
    written.texts[path] = texts
    return reported


def _looked_through(
    reported: Any, shape: Shape, path: str, unknown: dict[str, str], written: Written
) -> Any:
    """The same for a value of which any part may be unknown or of another type."""
    size, is_plain = size_of(reported, min(MAX_FIELD, written.room))
    value = _without_unknowns(reported, shape, path, unknown)
    require(shape, value)
    written.room -= size
    value = value if is_plain else recordable(value)
    texts = written.texts[path] = set()
    gather([value], texts)
    return value


def _reason(unknown: Unknown) -> str:
    return str(unknown.reason)[:MAX_REASON]


def _without_unknowns(value: Any, shape: Shape | None, path: str, unknown: dict[str, str]) -> Any:
    """`value` with each `Unknown` inside it moved to `unknown` under its path.

    A declared field that is left out is unknown too.
    """
    if type(value) is dict and isinstance(shape, (MapOf, Record)):
        for key, item in list(value.items()):
            if type(item) is Unknown:
                unknown[path + step(shape, key)] = _reason(value.pop(key))
            elif type(item) is dict:
                _without_unknowns(item, inner(shape, key), path + step(shape, key), unknown)
        for field in shape.fields if isinstance(shape, Record) else ():
            if field.name not in value:
                unknown.setdefault(path + step(shape, field.name), NOT_REPORTED)
    return value
