"""From a host to a fingerprint: runs every collector and keeps each one's failure to itself.

A collector that raises, or does not come back in time, costs only its own section, whose fields
become unknown with the reason. They run in a thread, because a read that hangs in the kernel (a
dead network mount, a driver) can be left behind but not interrupted. The low-level module does
for that; importing `threading` would cost more than the thread.
"""

from __future__ import annotations

import _thread
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from envprint._version import __version__
from envprint.collectors import Collector, collectors
from envprint.document import digest_facts
from envprint.fields import MapOf, Record, Shape, inner, step
from envprint.host import Host
from envprint.model import Fingerprint, Unknown
from envprint.redact import clean

COLLECTOR_TIMEOUT_S = 20.0
DEEP_TIMEOUT_S = 1800.0
"""For `--deep`, which reads every installed file: gigabytes, perhaps over a network."""
WAIT_S = 0.25
"""The longest that an interruption may go unseen."""


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
    waits_s = host.begin()
    with suppress(OSError):
        # Asked here once, in the caller's thread: Keras keeps its dtype policy by thread. Where
        # there is no answer, the sections that need one say so.
        host.interpreter()
    found: dict[str, dict[str, Any]] = {"facts": {}, "live": {}}
    unknown: dict[str, str] = {}
    for collector, values in _read_all(host, timeout_s, waits_s):
        place = f"{collector.place}.{collector.section}"
        found[collector.place][collector.section] = dict(_known(collector, values, place, unknown))
    identity = host.identity()
    said = {"label": label, "note": note, "tags": dict(tags or {}), "unknown": unknown}
    told = clean({**found, **said}, identity.get("home", ""), host.seal)
    section_digests, digest = digest_facts(told["facts"])
    return Fingerprint(
        **told,
        captured_at=host.now(),
        captured_via=via,
        envprint_version=__version__,
        digest=digest,
        section_digests=section_digests,
        identity=dict(identity) if identify else None,
    )


def _read_all(
    host: Host, timeout_s: float, waits_s: float
) -> Iterator[tuple[Collector, Mapping[str, Any] | Unknown]]:
    """Every collector with what it found; one thread reads them, as long as none of them hangs."""
    waiting = sorted(collectors(), key=lambda collector: collector.waits)
    while waiting:
        reading = _Reading(waiting, host)
        for collector, arrived in zip(waiting, reading.arrived, strict=True):
            limit_s = timeout_s + waits_s if collector.waits else timeout_s
            if not _acquired(arrived, limit_s):
                reading.abandoned = True
                yield collector, Unknown(f"the collector did not answer within {limit_s:g} s")
                break
            yield collector, reading.found.pop(0)
        waiting = waiting[waiting.index(collector) + 1 :]


def _acquired(lock: _thread.LockType, timeout_s: float) -> bool:
    """Whether the lock was had in time.

    In short waits, for a long one would sleep through a signal that came just before it began:
    only one that comes during a wait ends it.
    """
    rounds, rest = divmod(timeout_s, WAIT_S)
    return any(lock.acquire(timeout=WAIT_S) for _ in range(int(rounds))) or lock.acquire(
        timeout=rest
    )


class _Reading:
    """Collectors being read, one after the other, in a thread that can be left behind."""

    def __init__(self, waiting: list[Collector], host: Host) -> None:
        self.found: list[Mapping[str, Any] | Unknown] = []
        self.arrived = [_thread.allocate_lock() for _ in waiting]
        self.abandoned = False
        for lock in self.arrived:
            lock.acquire()
        try:
            _thread.start_new_thread(self._work_aside, (waiting, host))
        except RuntimeError:
            # A limit on processes or memory allows no thread: read here, without a time limit.
            self._work(waiting, host)

    def _work_aside(self, waiting: list[Collector], host: Host) -> None:
        # A thread that is left behind must not take a signal that `run` holds for its job. Where
        # nobody has loaded this module nobody holds any, and it takes half a millisecond to load.
        if "signal" in sys.modules:
            _block_signals()
        self._work(waiting, host)

    def _work(self, waiting: list[Collector], host: Host) -> None:
        for collector, arrived in zip(waiting, self.arrived, strict=True):
            try:
                self.found.append(collector.read(host))
            # Whatever a collector meets on a machine nobody has seen, the capture goes on: the
            # section becomes unknown and says why.
            except Exception as error:  # noqa: BLE001  see the reason above
                self.found.append(Unknown(f"the collector failed: {type(error).__name__}: {error}"))
            if self.abandoned:
                return
            arrived.release()


def _block_signals() -> None:
    import signal

    if hasattr(signal, "pthread_sigmask"):
        faults = {signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV}
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - faults)


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


def _without_unknowns(value: Any, shape: Shape | None, path: str, unknown: dict[str, str]) -> Any:
    """`value` with every `Unknown` inside it moved to `unknown` under its path."""
    if type(value) is dict and isinstance(shape, (MapOf, Record)):
        for key, item in list(value.items()):
            if type(item) is Unknown:
                unknown[path + step(shape, key)] = value.pop(key).reason
            elif type(item) is dict:
                _without_unknowns(item, inner(shape, key), path + step(shape, key), unknown)
    return value
