"""Assembles a reading from the lines that the NVML child prints."""

from __future__ import annotations

import json
import time

from envprint.core.typed import Any
from envprint.machine.nvml.calls import MARK
from envprint.machine.nvml.queries import MOMENT

MAX_DEVICES = 1024
"""More than any machine has; a driver in trouble may count billions."""
_CANNOT_SKIP = ("import pynvml", "nvmlInit")


class NvmlMessages:
    """What a child has reported so far."""

    def __init__(self) -> None:
        self.reading: dict[str, Any] = {}
        self.call = ""
        """The call in progress; empty between calls."""
        self.call_begun_s = 0.0
        """When it began, by the monotonic clock."""
        self.is_late = False
        self.is_whole = False

    def take(self, line: bytes) -> str:
        """Process one line; returns the kind of message, empty for output of a library."""
        if not line.startswith(MARK):
            return ""
        try:
            return self._take(*json.loads(line[len(MARK) :]))
        # The library prints into the same pipe, perhaps in the middle of a line.
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return ""

    def _take(self, kind: Any, *words: Any) -> str:
        if kind == "call":
            self.call, self.call_begun_s = words[0], time.monotonic()
        elif kind == "is":
            if words[0] == ["sampled_at_s"]:
                self._forget()
            put(self.reading, words[0], words[1])
            if len(words) > 2:
                self.call = ""
                spent = self.reading.setdefault("call_ms", {})
                spent[words[2]] = round(spent.get(words[2], 0.0) + words[3], 3)
        self.is_whole = kind == "end"
        return str(kind)

    def _forget(self) -> None:
        """Drop the values of the last sample before the next one."""
        for device in self.reading.get("devices", ()):
            for unit in (device, *device.get("mig_devices", ())):
                for key in MOMENT:
                    unit.pop(key, None)

    def crashed(self, code: int | None) -> bool:
        """Whether the driver crashed in a call that can be skipped."""
        return bool(self.failed_in(code)) and not self.is_late

    def failed_in(self, code: int | None) -> str:
        """The call in which the driver crashed or hung; empty if no call can be skipped."""
        has_failed = self.is_late or (code is not None and code < 0)
        can_skip = not self.is_whole and not self.call.startswith(_CANNOT_SKIP)
        return self.call if has_failed and can_skip else ""

    def failure(self, code: int | None, timeout_s: float) -> str | None:
        """The reason why the reading is incomplete, as text; None if it is complete."""
        if self.is_whole:
            return None
        if self.is_late:
            return self.silence(timeout_s)
        how = f"exit code {code}" if code is None or code >= 0 else f"signal {-code}"
        return f"reading NVML ended with {how}{self._during()}"

    def silence(self, waited_s: float) -> str:
        """The reason to report after `waited_s` seconds without a line."""
        return f"NVML did not answer within {waited_s:g} s{self._during()}"

    def overdue(self, now_s: float) -> dict[str, Any] | None:
        """The call of the driver that is in progress, and for how long; None if there is none."""
        call, gpu = self._call()
        if not call:
            return None
        return {"call": call, "gpu": gpu, "hung_s": round(now_s - self.call_begun_s, 1)}

    def _call(self) -> tuple[str, str | None]:
        """The driver's function that is in progress, empty if none is, and the GPU it is about."""
        name, *numbers = self.call.split(" ")
        which = numbers[0] if name.startswith("nvmlDevice") and numbers else None
        return (name, which) if name.startswith("nvml") else ("", None)

    def _during(self) -> str:
        call, gpu = self._call()
        which = "" if gpu is None else f", GPU {gpu}"
        return f" (during {call}{which})" if call else ""


def put(root: dict[str, Any], place: list[Any], value: Any) -> None:
    """Set the value at `place`: strings are keys, numbers are indices of growing lists."""
    here: Any = root
    if any(isinstance(step, int) and not 0 <= step < MAX_DEVICES for step in place):
        raise ValueError(f"no machine has a device of the number in {place}")
    for step, following in zip(place, [*place[1:], None], strict=True):
        if isinstance(here, list):
            while len(here) <= step:
                here.append({})
        if following is None:
            here[step] = value
            return
        if isinstance(here, dict):
            here.setdefault(step, [] if isinstance(following, int) else {})
        here = here[step]


def finished(reading: dict[str, Any]) -> dict[str, Any]:
    """The reading with an entry for every counted GPU, and without internal values."""
    count = reading.get("count")
    for key in ("slots", "most_parts"):
        reading.pop(key, None)
    if isinstance(count, int):
        devices = reading.setdefault("devices", [])
        devices.extend({} for _ in range(min(count, MAX_DEVICES) - len(devices)))
    failure = reading.get("failure")
    if failure:
        unread = {"error": None, "name": failure}
        devices = reading.get("devices", ())
        lists = [device.get("mig_devices") for device in devices]
        parts = [part for found in lists if isinstance(found, list) for part in found]
        for place in (reading, *devices, *parts):
            place["unread"] = unread
    return reading
