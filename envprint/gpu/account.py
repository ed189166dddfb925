"""Which processes held GPU memory during a watch: the result, and the account that builds it."""

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from envprint.core.fingerprint import Unknown
from envprint.gpu import reading as nvml
from envprint.gpu.processes import identify, implausible, merge, pids_are_ours
from envprint.machine.clock import utc
from envprint.machine.host import Host
from envprint.machine.nvml.queries import MOMENT


class Holder(NamedTuple):
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


class Watched(NamedTuple):
    """The result of a watch."""

    status: str
    """`ok`, or why there is nothing to watch."""
    samples: int
    holders: tuple[Holder, ...]
    """In order of appearance."""
    gaps: tuple[Gap, ...]
    used_peak_bytes: Mapping[str, int]
    """The most in use at once, by GPU; the sum over processes if the driver reports no total."""
    own_peak_bytes: Mapping[str, int]
    """The most that this process and its descendants held at once, by GPU."""

    @property
    def intruders(self) -> tuple[Holder, ...]:
        """Processes that certainly are not this one's and certainly came after the start."""
        return tuple(h for h in self.holders if h.own is False and h.at_start is False)


class Account:
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
        self._known: dict[tuple[str, int], Holder] = {}
        self._own: set[tuple[str, int]] = set()
        self._past: list[Holder] = []
        self._gaps: list[Gap] = []
        self._used: dict[str, int] = {}
        self._own_peak: dict[str, int] = {}

    def watched(self) -> Watched:
        """The result so far."""
        with self._lock:
            holders = sorted((*self._past, *self._known.values()), key=lambda h: h.seen_from)
            used, own = dict(self._used), dict(self._own_peak)
            gaps = tuple(self._gaps)
            return Watched(self._status, self._samples, tuple(holders), gaps, used, own)

    def add(self, reading: Mapping[str, Any]) -> None:
        """Add a sample of every device that responds, or of its MIG devices."""
        with self._lock:
            self._close_gap(None)
            self._add_units(reading)

    def add_part(self, reading: Mapping[str, Any]) -> None:
        """Add a sample that the driver did not finish: the devices before the one it hung on."""
        with self._lock:
            now_s = reading.get("sampled_at_s")
            if now_s and any(_is_told(unit) for _, unit in self._units(reading)):
                if now_s != self._heard.get(None):
                    self._close_gap(None)
                self._add_units(reading)

    def _add_units(self, reading: Mapping[str, Any]) -> None:
        now_s = reading["sampled_at_s"]
        for gpu, unit in self._units(reading):
            if _is_told(unit):
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
        if not isinstance(memory, Unknown):
            _raise(self._used, gpu, memory["used"])
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
        own = sum(amount or 0 for pid, amount in held.items() if (gpu, pid) in self._own)
        _raise(self._own_peak, gpu, own)
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
            self._known[key] = Holder(
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


def _raise(peaks: dict[str, int], gpu: str, amount: int) -> None:
    peaks[gpu] = max(peaks.get(gpu, 0), amount)


def _is_told(unit: Mapping[str, Any]) -> bool:
    """Whether the sample of this device is complete, or the driver refuses access to it."""
    return bool(unit.get("handle")) or all(key in unit for key in MOMENT)
