"""Which processes held GPU memory during a watch: the result, and the account that builds it."""

import threading
import time
from collections.abc import Iterator, Mapping

from envprint.core.fingerprint import Unknown
from envprint.core.typed import Any, NamedTuple
from envprint.gpu import reading as nvml
from envprint.gpu.processes import identify, implausible, merge, pids_are_ours
from envprint.machine.clock import utc
from envprint.machine.host import Host
from envprint.machine.nvml.queries import MOMENT


class MemoryHolder(NamedTuple):
    """A process that held memory of a watched GPU, other than this process and its descendants."""

    gpu: str
    """UUID of the GPU or MIG device; its index if the driver reports no UUID."""
    pid: int
    """As the driver reports it."""
    name: str | None
    """None if unknown."""
    own: bool | None
    """None if unknown, as in a container or for a process that ended at once."""
    at_start: bool | None
    """Whether it was present when the watch began; None if the driver did not respond, or the GPU
    was missing, between then and its first sighting."""
    seen_from: str
    """UTC, ISO 8601, to the second."""
    seen_until: str | None
    """When it was last seen; None if it is still present."""
    peak_bytes: int | None
    """The most it held at once; None if the driver does not report it."""


class Gap(NamedTuple):
    """A period without data about one GPU or all of them, from one response to the next."""

    gpu: str | None
    """As in `Holder`; None for all GPUs."""
    reason: str
    seen_from: str
    """The last response before it, or the start of the watch."""
    seen_until: str | None
    """None if it is still going on."""


class MemoryMoment(NamedTuple):
    """What was in use of one GPU at a moment, or the most of several moments that follow."""

    gpu: str
    """As in `Holder`."""
    seen_at: str
    """UTC, ISO 8601, to the second; the first of several."""
    used_bytes: int | None
    """None if the driver does not report it."""
    own_bytes: int | None
    """Held by this process and its descendants."""


MAX_MOMENTS = 400
"""Moments kept of one GPU: of a longer watch every two neighbours become one, again and again."""


class WatchResult(NamedTuple):
    """The result of a watch."""

    status: str
    """`ok`, or why there is nothing to watch."""
    samples: int
    holders: tuple[MemoryHolder, ...]
    """In order of appearance."""
    gaps: tuple[Gap, ...]
    used_peak_bytes: Mapping[str, int]
    """The most in use at once, by GPU; the sum over processes if the driver reports no total."""
    own_peak_bytes: Mapping[str, int]
    """The most that this process and its descendants held at once, by GPU."""
    memory: tuple[MemoryMoment, ...] = ()
    """The course of both, by GPU and time."""

    @property
    def intruders(self) -> tuple[MemoryHolder, ...]:
        """Processes that certainly are not this one's and certainly came after the start."""
        return tuple(h for h in self.holders if h.own is False and h.at_start is False)


class MemoryAccount:
    """Aggregates samples. Thread-safe."""

    def __init__(self, host: Host, status: str) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._ours = pids_are_ours(host) is True
        self._status = status
        self._samples = 0
        self._begun_s = time.time()
        self._heard: dict[str | None, float] = {}
        """Time of the last response about each GPU; None stands for any GPU."""
        self._uuids: dict[int, str] = {}
        self._known: dict[tuple[str, int], MemoryHolder] = {}
        self._own: set[tuple[str, int]] = set()
        self._past: list[MemoryHolder] = []
        self._gaps: list[Gap] = []
        self._used: dict[str, int] = {}
        self._own_peak: dict[str, int] = {}
        self._courses: dict[str, _Course] = {}

    def result(self) -> WatchResult:
        """The result so far."""
        with self._lock:
            holders = sorted((*self._past, *self._known.values()), key=lambda h: h.seen_from)
            used, own = dict(self._used), dict(self._own_peak)
            gaps = tuple(self._gaps)
            memory = tuple(one for gpu in self._courses for one in self._courses[gpu].moments(gpu))
            return WatchResult(self._status, self._samples, tuple(holders), gaps, used, own, memory)

    def add(self, reading: Mapping[str, Any]) -> None:
        """Add a sample of every device that responds, or of its MIG devices."""
        with self._lock:
            self._close_gap(None)
            self._add_units(reading)

    def add_part(self, reading: Mapping[str, Any]) -> None:
        """Add a sample that the driver did not finish: the devices before the one it hung on."""
        with self._lock:
            now_s = reading.get("sampled_at_s")
            if now_s and any(_is_complete(unit) for _, unit in self._units(reading)):
                if now_s != self._heard.get(None):
                    self._close_gap(None)
                self._add_units(reading)

    def _add_units(self, reading: Mapping[str, Any]) -> None:
        now_s = reading["sampled_at_s"]
        for gpu, unit in self._units(reading):
            if _is_complete(unit):
                self._add_device(gpu, unit, now_s)
        self._samples += now_s != self._heard.get(None)
        self._heard[None] = now_s

    def _units(self, reading: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The watched units with their names: GPUs, or their MIG devices."""
        for index, device in enumerate(reading.get("devices", ())):
            if isinstance(device.get("uuid"), str):
                self._uuids[index] = device["uuid"]
            parts = nvml.parts(device)
            for unit in [device] if isinstance(parts, Unknown) else parts or [device]:
                uuid = unit.get("uuid")
                yield uuid if isinstance(uuid, str) else self._uuids.get(index, str(index)), unit

    def _add_device(self, gpu: str, device: Mapping[str, Any], now_s: float) -> None:
        processes = nvml.value(device, "handle") if device.get("handle") else merge(device)
        memory = nvml.memory(device)
        course = self._courses.setdefault(gpu, _Course())
        if not isinstance(memory, Unknown):
            _raise(self._used, gpu, memory["used"])
            course.add(now_s, memory["used"], None)
        if not isinstance(processes, Unknown):
            fault = implausible(processes, memory)
            processes = Unknown(fault) if fault else processes
        if isinstance(processes, Unknown):
            self._open_gap(gpu, processes.reason)
            return
        self._close_gap(gpu)
        held = {process["pid"]: process.get("memory_bytes") for process in processes}
        for pid, amount in held.items():
            self._add_process(gpu, pid, amount, now_s)
        listed = sum(amount or 0 for amount in held.values())
        if listed and isinstance(memory, Unknown) and not nvml.is_missing(device.get("memory")):
            _raise(self._used, gpu, listed)
            course.add(now_s, listed, None)
        own = sum(amount or 0 for pid, amount in held.items() if (gpu, pid) in self._own)
        _raise(self._own_peak, gpu, own)
        course.add(now_s, None, own)
        gone = [key for key in (*self._known, *self._own) if key[0] == gpu and key[1] not in held]
        for key in gone:
            self._own.discard(key)
            if key in self._known:
                seen_until = utc(self._heard[gpu])
                self._past.append(self._known.pop(key)._replace(seen_until=seen_until))
        self._heard[gpu] = now_s

    def _add_process(self, gpu: str, pid: int, amount: int | None, now_s: float) -> None:
        key = (gpu, pid)
        if key not in self._known and key not in self._own:
            found = identify(self._host, pid, self._ours, now_s)
            if found.get("own"):
                self._own.add(key)
                return
            self._known[key] = MemoryHolder(
                gpu=gpu,
                pid=pid,
                name=found.get("name"),
                own=found.get("own"),
                at_start=self._is_from_start(gpu),
                seen_from=utc(now_s),
                seen_until=None,
                peak_bytes=amount,
            )
        elif key in self._known and amount is not None:
            known = self._known[key]
            self._known[key] = known._replace(peak_bytes=max(amount, known.peak_bytes or 0))

    def _is_from_start(self, gpu: str) -> bool | None:
        """Whether a process seen for the first time was present when the watch began."""
        if gpu in self._heard:
            return False
        was_silent = any(gap.gpu in (None, gpu) for gap in self._gaps)
        return None if was_silent or self._samples else True

    def silence(self, reason: str) -> None:
        """Begin a gap for all GPUs."""
        with self._lock:
            self._open_gap(None, reason)

    def _open_gap(self, gpu: str | None, reason: str) -> None:
        if not any(gap.gpu == gpu and gap.seen_until is None for gap in self._gaps):
            heard_s = self._heard.get(gpu, self._begun_s)
            self._gaps.append(Gap(gpu, reason, utc(heard_s), None))

    def _close_gap(self, gpu: str | None) -> None:
        # Not at the sample's time: that is its start, and the driver may have hung since.
        for place, gap in enumerate(self._gaps):
            if gap.gpu == gpu and gap.seen_until is None:
                self._gaps[place] = gap._replace(seen_until=utc(time.time()))


_Step = tuple[float, int | None, int | None]
"""When, and how much was in use and held by the run itself."""


class _Course:
    """What was in use over time, in at most `MAX_MOMENTS` steps of equal length."""

    def __init__(self) -> None:
        self._steps: list[_Step] = []
        self._now_s = 0.0
        self._samples_of_a_step = 1
        self._samples_of_the_last = 0

    def add(self, now_s: float, used: int | None, own: int | None) -> None:
        """Add what is known of a sample; what is known later of the same one joins it."""
        is_same = bool(self._steps) and self._now_s == now_s
        self._now_s = now_s
        self._samples_of_the_last += not is_same
        if is_same or (self._steps and self._samples_of_the_last <= self._samples_of_a_step):
            self._steps[-1] = _most(self._steps[-1], (now_s, used, own))
            return
        self._steps.append((now_s, used, own))
        self._samples_of_the_last = 1
        if len(self._steps) > MAX_MOMENTS:
            pairs = zip(self._steps[::2], (*self._steps[1::2], self._steps[-1]), strict=False)
            self._steps = [_most(*pair) for pair in pairs]
            self._samples_of_a_step *= 2

    def moments(self, gpu: str) -> Iterator[MemoryMoment]:
        """The course so far."""
        return (MemoryMoment(gpu, utc(at_s), used, own) for at_s, used, own in self._steps)


def _most(first: _Step, second: _Step) -> _Step:
    """Two steps as one: the time of the first, and the most of both."""
    used, own = (
        max((one for one in both if one is not None), default=None)
        for both in zip(first[1:], second[1:], strict=True)
    )
    return first[0], used, own


def _raise(peaks: dict[str, int], gpu: str, amount: int) -> None:
    peaks[gpu] = max(peaks.get(gpu, 0), amount)


def _is_complete(unit: Mapping[str, Any]) -> bool:
    """Whether the sample of this device is complete, or the driver refuses access to it."""
    return bool(unit.get("handle")) or all(key in unit for key in MOMENT)
