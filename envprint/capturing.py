"""From a host to a fingerprint: runs every collector and keeps each one's failure to itself.

A collector that raises, or does not come back in time, costs only its own section, whose fields
become unknown with the reason. Each runs in a thread of its own because a read that hangs in the
kernel (a dead network mount, a driver) can be left behind but not interrupted.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from envprint._version import __version__
from envprint.collectors import Collector, collectors
from envprint.document import digest_facts
from envprint.fields import Field, MapOf, Record, Shape, step
from envprint.host import Host
from envprint.model import Fingerprint, Unknown
from envprint.redact import safe_text, without_home

COLLECTOR_TIMEOUT_S = 20.0
DEEP_TIMEOUT_S = 1800.0
"""For `--deep`, which reads every installed file: gigabytes, perhaps over a network."""


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
    """Everything the collectors find on `host`. `timeout_s` is each collector's own limit."""
    if timeout_s is None:
        timeout_s = DEEP_TIMEOUT_S if host.deep() else COLLECTOR_TIMEOUT_S
    found: dict[str, dict[str, Any]] = {"facts": {}, "live": {}}
    unknown: dict[str, str] = {}
    for collector in collectors():
        values = _read(collector, host, timeout_s)
        place = f"{collector.place}.{collector.section}"
        found[collector.place][collector.section] = dict(_known(collector, values, place, unknown))
    identity = host.identity()
    facts = without_home(found["facts"], identity["home"])
    section_digests, digest = digest_facts(facts)
    return Fingerprint(
        facts=facts,
        live=without_home(found["live"], identity["home"]),
        unknown={
            path: safe_text(reason)
            for path, reason in without_home(unknown, identity["home"]).items()
        },
        captured_at=host.now(),
        captured_via=via,
        envprint_version=__version__,
        digest=digest,
        section_digests=section_digests,
        label=label,
        note=note,
        tags=dict(tags or {}),
        identity=dict(identity) if identify else None,
    )


def _read(collector: Collector, host: Host, timeout_s: float) -> Mapping[str, Any] | Unknown:
    outcome: list[Mapping[str, Any] | Unknown] = []

    def work() -> None:
        try:
            outcome.append(collector.read(host))
        # Whatever a collector meets on a machine nobody has seen, the capture goes on: the
        # section becomes unknown and says why.
        except Exception as error:  # noqa: BLE001  see the reason above
            outcome.append(Unknown(f"the collector failed: {type(error).__name__}: {error}"))

    thread = threading.Thread(target=work, name=f"envprint-{collector.section}", daemon=True)
    thread.start()
    thread.join(timeout_s)
    return (
        outcome[0] if outcome else Unknown(f"the collector did not answer within {timeout_s:g} s")
    )


def _known(
    collector: Collector, values: Mapping[str, Any] | Unknown, place: str, unknown: dict[str, str]
) -> Iterator[tuple[str, Any]]:
    """The fields that are known, in plain JSON types; every other goes into `unknown`."""
    for field in collector.fields:
        path = f"{place}.{field.name}"
        if isinstance(values, Unknown):
            unknown[path] = values.reason
        elif field.name not in values:
            unknown[path] = "the collector did not report it"
        elif isinstance(values[field.name], Unknown):
            unknown[path] = values[field.name].reason
        else:
            yield field.name, _without_unknowns(values[field.name], field.shape, path, unknown)


def _without_unknowns(value: Any, shape: Shape, path: str, unknown: dict[str, str]) -> Any:
    """`value` with every `Unknown` inside it moved to `unknown` under its path."""
    if isinstance(shape, MapOf) and isinstance(value, dict):
        keys = ((key, shape.item) for key in list(value))
    elif isinstance(shape, Record) and isinstance(value, dict):
        keys = ((field.name, field.shape) for field in _present(shape, value))
    else:
        return value
    for key, inner in keys:
        if isinstance(value[key], Unknown):
            unknown[path + step(shape, key)] = value.pop(key).reason
        elif type(value[key]) is dict:
            _without_unknowns(value[key], inner, path + step(shape, key), unknown)
    return value


def _present(shape: Record, value: Mapping[str, Any]) -> list[Field]:
    return [field for field in shape.fields if field.name in value]
