"""From a host to a fingerprint: runs every collector and keeps each one's failure to itself.

A collector that raises, or does not come back in time, costs only its own section, whose fields
become unknown with the reason. They run in a thread, because a read that hangs in the kernel (a
dead network mount, a driver) can be left behind but not interrupted. The low-level module does
for that; importing `threading` would cost more than the thread.
"""

from __future__ import annotations

import _thread
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from envprint import __version__
from envprint.collectors import Collector, collectors
from envprint.core.digest import digest_facts
from envprint.core.errors import EnvprintError
from envprint.core.fields import MapOf, Record, Shape, ShapeFault, inner, require, step
from envprint.core.fingerprint import Fingerprint, Unknown
from envprint.core.redact import clean
from envprint.core.text import recordable, unicode_text
from envprint.machine.host import Host

T = TypeVar("T")

COLLECTOR_TIMEOUT_S = 20.0
DEEP_TIMEOUT_S = 1800.0
"""For `--deep`, which reads every installed file: gigabytes, perhaps over a network."""
WAIT_S = 0.25
"""The longest that an interruption may go unseen."""

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
    """Everything the collectors find on `host`. `timeout_s` is each collector's own limit."""
    if timeout_s is None:
        timeout_s = DEEP_TIMEOUT_S if _attempt(host.verify_files) is True else COLLECTOR_TIMEOUT_S
    # What fails of these is said by the sections that need it, which ask again.
    gpu_wait_s = _attempt(host.start_gpu_query)
    # Here once, in the caller's thread: Keras keeps its dtype policy by thread.
    _attempt(host.interpreter)
    waits_s = 0.0 if isinstance(gpu_wait_s, Unknown) else gpu_wait_s
    found: dict[str, dict[str, Any]] = {"facts": {}, "live": {}}
    unknown: dict[str, str] = {}
    for collector, values in _read_all(host, timeout_s, waits_s):
        place = f"{collector.kind}.{collector.section}"
        found[collector.kind][collector.section] = dict(_known(collector, values, place, unknown))
    identity, captured_at = _attempt(host.identity), _attempt(host.now)
    if isinstance(captured_at, Unknown):
        raise EnvprintError(f"cannot capture: the time is not known: {captured_at.reason}")
    if isinstance(identity, Unknown):
        unknown |= {"identity": identity.reason} if identify else {}
        # The home directory is still to be left out.
        identity = {"home": host.environ().get("HOME", "")}
        identify = False
    texts = {"label": label, "note": note, "tags": dict(tags or {}), "unknown": unknown}
    home = unicode_text(identity.get("home", ""))
    parts = clean({**found, **recordable(texts)}, home, host.seal)
    section_digests, digest = digest_facts(parts["facts"])
    return Fingerprint(
        **parts,
        captured_at=captured_at,
        captured_via=via,
        envprint_version=__version__,
        digest=digest,
        section_digests=section_digests,
        identity=recordable(dict(identity)) if identify else None,
    )


def _attempt(ask: Callable[[], T]) -> T | Unknown:
    """What the host answers, or why it does not."""
    try:
        return ask()
    # A host may be anybody's, and a machine that nobody has seen raises anything.
    except Exception as error:  # noqa: BLE001  see the reason above
        return Unknown(f"{type(error).__name__}: {error}")


def _read_all(host: Host, timeout_s: float, waits_s: float) -> Iterator[tuple[Collector, _Answer]]:
    """Every collector with its answer.

    One thread reads them all, unless one of them hangs: it is left behind, and another thread
    reads the rest.
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
    """The answer of one collector, read in one thread and awaited in another."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._answer: _Answer | None = None
        self._pending = _thread.allocate_lock()
        self._pending.acquire()

    def read(self, host: Host) -> None:
        """Ask the collector; a failure is an answer."""
        try:
            self._answer = self._collector.read(host)
        except KeyboardInterrupt:
            raise
        # Whatever a collector meets on a machine nobody has seen, the capture goes on: the
        # section becomes unknown and says why. Extensions raise what is no Exception, too.
        except BaseException as error:  # noqa: BLE001  see the reason above
            self._answer = Unknown(f"the collector failed: {type(error).__name__}: {error}")
        self._pending.release()

    def answer_within(self, limit_s: float) -> _Answer | None:
        """The answer; None where it does not come in time.

        Waits in short rounds: only a signal that comes during a wait ends it, so one long wait
        would sleep through a signal that came just before it began.
        """
        rounds, rest_s = divmod(limit_s, WAIT_S)
        waits_s = [WAIT_S] * int(rounds) + [rest_s]
        has_come = any(self._pending.acquire(timeout=wait_s) for wait_s in waits_s)
        return self._answer if has_come else None


def _start(todo: list[_Reading], host: Host) -> None:
    """Read in a thread what is `todo`, as long as there is any."""
    try:
        _thread.start_new_thread(_work_aside, (todo, host))
    except RuntimeError:
        # A limit on processes or memory allows no thread: read here, without a time limit.
        _work(todo, host)


def _work_aside(todo: list[_Reading], host: Host) -> None:
    # A thread that is left behind must not take a signal that `run` holds for its job. If `signal`
    # was never imported, none is held; and importing it takes half a millisecond.
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
            value = _without_unknowns(values[field.name], field.shape, path, unknown)
            try:
                require(field.shape, value)
                yield field.name, recordable(value)
            except (ShapeFault, ValueError) as fault:
                unknown[path] = f"the collector reported what no document can hold: {fault}"


def _without_unknowns(value: Any, shape: Shape | None, path: str, unknown: dict[str, str]) -> Any:
    """`value` with every `Unknown` inside it moved to `unknown` under its path."""
    if type(value) is dict and isinstance(shape, (MapOf, Record)):
        for key, item in list(value.items()):
            if type(item) is Unknown:
                unknown[path + step(shape, key)] = value.pop(key).reason
            elif type(item) is dict:
                _without_unknowns(item, inner(shape, key), path + step(shape, key), unknown)
    return value
