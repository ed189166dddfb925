"""From a host to a fingerprint: runs every collector and isolates its failures.

If a collector raises or times out, only the fields of its own section become unknown, with the
reason. Collectors run in a thread, because a read that hangs in the kernel (a dead network mount, a
driver) can be abandoned but not interrupted. `_thread` suffices; importing `threading` would cost
more than the thread.
"""

from __future__ import annotations

import _thread
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from envprint.collectors import Collector, collectors
from envprint.core.errors import EnvprintError
from envprint.core.fields import MapOf, Record, Scalar, Shape, ShapeFault, inner, require, step
from envprint.core.fingerprint import Fingerprint, Unknown, digest_facts
from envprint.core.redact import clean, safe_tags
from envprint.core.text import recordable, unicode_text
from envprint.core.version import __version__
from envprint.machine.host import Host
from envprint.machine.interpreter import is_interruption, one_line

T = TypeVar("T")

COLLECTOR_TIMEOUT_S = 20.0
DEEP_TIMEOUT_S = 1800.0
"""For `--deep`, which reads every installed file: gigabytes, perhaps over a network."""
WAIT_S = 0.25
"""The longest delay before an interrupt is handled."""

_Answer = Mapping[str, Any] | Unknown


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
    """Everything the collectors find on `host`. `timeout_s` is the limit per collector."""
    if timeout_s is None:
        timeout_s = DEEP_TIMEOUT_S if _attempt(host.verify_files) is True else COLLECTOR_TIMEOUT_S
    # Failures here are reported by the sections that need the result and query again.
    gpu_wait_s = _attempt(host.start_gpu_query)
    # Once in the caller's thread: Keras' dtype policy is per thread.
    _attempt(host.interpreter)
    waits_s = 0.0 if isinstance(gpu_wait_s, Unknown) else gpu_wait_s
    found: dict[str, dict[str, Any]] = {"facts": {}, "live": {}}
    unknown: dict[str, str] = {}
    for collector, values in _read_all(host, timeout_s, waits_s):
        place = f"{collector.kind}.{collector.section}"
        found[collector.kind][collector.section] = dict(_known(collector, values, place, unknown))
    identity, captured_at = _attempt(host.identity), _attempt(host.now)
    machine_id = _attempt(host.machine_id)
    if isinstance(captured_at, Unknown):
        raise EnvprintError(f"cannot capture: the time is unknown: {captured_at.reason}")
    if isinstance(identity, Unknown):
        unknown |= {"identity": identity.reason} if identify else {}
        # The home directory must still be replaced.
        identity = {"home": host.environ().get("HOME", "")}
        identify = False
    texts = {"label": label, "note": note, "tags": dict(tags or {}), "unknown": unknown}
    home = unicode_text(identity.get("home", ""))
    if tags:
        texts["tags"] = safe_tags(recordable(texts["tags"]), host.seal)
    parts = clean({**found, **recordable(texts)}, home, host.seal)
    section_digests, digest = digest_facts(parts["facts"])
    return Fingerprint(
        **parts,
        captured_at=captured_at,
        captured_via=via,
        machine_id=None if isinstance(machine_id, Unknown) else machine_id,
        envprint_version=__version__,
        digest=digest,
        section_digests=section_digests,
        identity=recordable(dict(identity)) if identify else None,
    )


def _attempt(ask: Callable[[], T]) -> T | Unknown:
    """The host's answer, or `Unknown` with the reason."""
    try:
        return ask()
    # A caller may bring its own host, and an unfamiliar machine may raise anything.
    except BaseException as error:
        if is_interruption(error):
            raise
        return Unknown(f"{type(error).__name__}: {one_line(error)}")


def _read_all(host: Host, timeout_s: float, waits_s: float) -> Iterator[tuple[Collector, _Answer]]:
    """Every collector with its answer.

    One thread reads them all; if a collector hangs, its thread is abandoned and a new one reads
    the rest.
    """
    waiting = sorted(collectors(), key=lambda collector: collector.needs_gpu_reading)
    while waiting:
        readings = [_Reading(collector) for collector in waiting]
        todo = list(readings)
        _start(todo, host)
        for reading in readings:
            collector = waiting.pop(0)
            limit_s = timeout_s + waits_s if collector.needs_gpu_reading else timeout_s
            answer = reading.answer_within(limit_s)
            if answer is None:
                todo.clear()
                yield collector, Unknown(f"the collector did not answer within {limit_s:g} s")
                break
            yield collector, answer


class _Reading:
    """One collector's answer, read in one thread and awaited in another."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._answer: _Answer | None = None
        self._pending = _thread.allocate_lock()
        self._pending.acquire()

    def read(self, host: Host) -> None:
        """Run the collector; a failure becomes `Unknown`."""
        try:
            self._answer = self._collector.read(host)
        except KeyboardInterrupt:
            raise
        # Whatever a collector meets on an unfamiliar machine, the capture continues and the
        # section becomes unknown. Extensions may raise what is not an Exception.
        except BaseException as error:  # noqa: BLE001  see the reason above
            reason = f"{type(error).__name__}: {one_line(error)}"
            self._answer = Unknown(f"the collector failed: {reason}")
        self._pending.release()

    def answer_within(self, limit_s: float) -> _Answer | None:
        """The answer; None if it does not arrive in time.

        Polls, because one long wait would miss a signal delivered just before it.
        """
        rounds, rest_s = divmod(limit_s, WAIT_S)
        waits_s = [WAIT_S] * int(rounds) + [rest_s]
        has_come = any(self._pending.acquire(timeout=wait_s) for wait_s in waits_s)
        return self._answer if has_come else None


def _start(todo: list[_Reading], host: Host) -> None:
    """Read everything in `todo` in a new thread."""
    try:
        _thread.start_new_thread(_work_aside, (todo, host))
    except RuntimeError:
        # A limit on processes or memory forbids threads: read here, without a timeout.
        _work(todo, host)


def _work_aside(todo: list[_Reading], host: Host) -> None:
    # An abandoned thread must not take a signal that `run` blocks for its job. If `signal` was
    # never imported, no signals are blocked, and importing it takes half a millisecond.
    if "signal" in sys.modules:
        _block_signals()
    _work(todo, host)


def _work(todo: list[_Reading], host: Host) -> None:
    while todo:
        todo.pop(0).read(host)


def _block_signals() -> None:
    import signal

    if hasattr(signal, "pthread_sigmask"):
        faults = {signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV}
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - faults)


def _known(
    collector: Collector, values: Mapping[str, Any] | Unknown, place: str, unknown: dict[str, str]
) -> Iterator[tuple[str, Any]]:
    """The known fields in plain JSON types; adds the reasons of the others to `unknown`."""
    for field in collector.fields:
        path = f"{place}.{field.name}"
        if isinstance(values, Unknown):
            unknown[path] = values.reason
        elif field.name not in values:
            unknown[path] = "the collector did not report it"
        elif isinstance(values[field.name], Unknown):
            unknown[path] = values[field.name].reason
        else:
            value = _without_unknowns(values[field.name], field.shape, path, unknown)
            try:
                # Most fields are scalars of the right type.
                if type(field.shape) is not Scalar or type(value) not in field.shape.types:
                    require(field.shape, value)
                yield field.name, recordable(value)
            except (ShapeFault, ValueError) as fault:
                unknown[path] = f"the collector reported something a document cannot hold: {fault}"


def _without_unknowns(value: Any, shape: Shape | None, path: str, unknown: dict[str, str]) -> Any:
    """`value` with each `Unknown` inside it moved to `unknown` under its path."""
    if type(value) is dict and isinstance(shape, (MapOf, Record)):
        for key, item in list(value.items()):
            if type(item) is Unknown:
                unknown[path + step(shape, key)] = value.pop(key).reason
            elif type(item) is dict:
                _without_unknowns(item, inner(shape, key), path + step(shape, key), unknown)
    return value
