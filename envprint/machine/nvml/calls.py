"""All NVML calls in the child: each is reported to the parent before it is made, then its result.

A result is a value or an error with its code, never 0 or a text in place of an unknown value.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence

from envprint.core.typed import Any
from envprint.machine.nvml.codes import (
    ARGUMENT_VERSION_MISMATCH,
    FUNCTION_NOT_FOUND,
    INVALID_ARGUMENT,
    NOT_FOUND,
    NOT_SUPPORTED,
)
from envprint.machine.nvml.queries import (
    PART,
    PROCESS_LISTS,
    FieldError,
    OddError,
    Queries,
    counted,
    text,
)
from envprint.machine.procfs import mapped_files

MARK = b"\x1e"
"""Begins every line to the parent, as a library may print lines of its own."""

_INTERFACE_MISSING = (None, NOT_SUPPORTED, FUNCTION_NOT_FOUND, ARGUMENT_VERSION_MISMATCH)
"""Errors after which an older interface is tried; None means that the symbol is missing."""
_NO_PART = (INVALID_ARGUMENT, NOT_FOUND)
"""NVIDIA's own tools treat either as a slot without a MIG device,
https://github.com/NVIDIA/go-nvlib/blob/main/pkg/nvlib/device/device.go"""


def send(*words: Any) -> None:
    """Send one line to the parent."""
    line = b"\n" + MARK + json.dumps(words).encode() + b"\n"
    while line:  # a pipe holds 64 KiB
        line = line[os.write(1, line) :]


def send_value(place: Sequence[Any], value: Any) -> None:
    """Send a value to the parent that is not a call's result."""
    send("is", place, value)


class SkippedError(Exception):
    """A call is skipped because the driver crashed in it before."""


class Nvml:
    """Makes every NVML call."""

    def __init__(self, pynvml: Any, skipped: Mapping[str, str]) -> None:
        self.pynvml = pynvml
        self.skipped = skipped

    def ask(
        self,
        place: Sequence[Any],
        name: str,
        *arguments: Any,
        form: Callable[[Any], Any] = lambda value: value,
        function: Callable[..., Any] | None = None,
    ) -> Any:
        """The function's result after `form`, or `{"error": code, "name": text}`.

        Reports it to the parent for `place`, with the milliseconds it took. A call that the parent
        wants skipped is not made.
        """
        numbers = [str(word) for word in (*place, *arguments) if type(word) is int]
        label = " ".join((name, *numbers))
        send("call", label)
        start_s = time.perf_counter()
        try:
            if label in self.skipped:
                raise SkippedError(self.skipped[label])
            value = form((function or getattr(self.pynvml, name))(*arguments))
        # pynvml raises NVMLLibraryMismatchError, which is not an NVMLError, for a missing symbol,
        # UnicodeDecodeError for a garbled name, AttributeError if its own release is too old.
        except Exception as error:  # noqa: BLE001  see the reason above
            value = self._failure(error)
        send("is", place, value, name, round((time.perf_counter() - start_s) * 1000, 3))
        return value

    def _failure(self, error: Exception) -> dict[str, Any]:
        if isinstance(error, self.pynvml.NVMLError):
            return {"error": getattr(error, "value", None), "name": str(error)}
        if isinstance(error, FieldError):
            return {"error": error.args[0], "name": str(self.pynvml.NVMLError(error.args[0]))}
        if isinstance(error, SkippedError | OddError):
            return {"error": None, "name": str(error)}
        if isinstance(error, UnicodeDecodeError):
            return {"error": None, "name": f"undecodable text, bytes {error.object.hex()}"}
        return {"error": None, "name": f"{type(error).__name__}: {error}"}

    def start(self, library: str) -> bool:
        """Load and initialise the library; whether that succeeded."""
        problem = _load(library)
        start_s = time.perf_counter()
        init = self.ask(["init"], "nvmlInit", form=lambda _: None)
        send_value(["init_ms"], round((time.perf_counter() - start_s) * 1000, 3))
        if init and problem:
            send_value(["init", "name"], f"{init['name']}: {problem}")
        send_value(["library"], _loaded_path() or library)
        self.ask(["nvml_version"], "nvmlSystemGetNVMLVersion", form=text)
        return init is None

    def handles(self) -> dict[int, Any]:
        """Index to handle, for the GPUs that return one."""
        count = self.ask(["count"], "nvmlDeviceGetCount", form=counted)
        found = {}
        for index in range(count) if isinstance(count, int) else ():
            # A handle is a pointer, not a result to report.
            kept: list[Any] = []
            place = ["devices", index, "handle"]
            self.ask(place, "nvmlDeviceGetHandleByIndex", index, form=kept.append)
            if kept:
                found[index] = kept[0]
        return found

    def fill(self, place: list[Any], handle: Any, queries: Queries) -> dict[str, Any]:
        """Run all `queries` on one device, and report the results as keys of `place`."""
        return {
            key: self.ask([*place, key], name, handle, *arguments, form=form)
            for key, name, arguments, form in queries
        }

    def use(self, place: list[Any], handle: Any) -> None:
        """Memory and processes of one device, through the newest interfaces available."""
        self._memory([*place, "memory"], handle)
        for key, name in PROCESS_LISTS.items():
            self._processes([*place, key], name, handle)

    def _memory(self, place: list[Any], handle: Any) -> None:
        """Version 2 reports memory reserved by the driver separately; version 1 does not."""

        def form(api: str, *names: str) -> Callable[[Any], Any]:
            return lambda info: {"api": api, **{name: getattr(info, name) for name in names}}

        name = "nvmlDeviceGetMemoryInfo"
        version = getattr(self.pynvml, "nvmlMemory_v2", 0)
        second = form("v2", "total", "reserved", "used", "free")
        found = self.ask(place, name, handle, version, form=second)
        if found.get("error", 0) in _INTERFACE_MISSING:
            self.ask(place, name, handle, form=form("v1", "total", "used", "free"))

    def _processes(self, place: list[Any], name: str, handle: Any) -> None:
        def form(processes: Any) -> list[dict[str, Any]]:
            return [{"pid": p.pid, "used": p.usedGpuMemory} for p in processes]

        def first_version(handle: Any) -> list[Any]:
            from envprint.machine.nvml.v1_process_lists import listed

            return listed(self.pynvml, name, handle)

        for version, function in (("", None), ("_v2", None), ("_v1", first_version)):
            found = self.ask(place, name + version, handle, form=form, function=function)
            if not isinstance(found, dict) or found["error"] not in _INTERFACE_MISSING:
                break
        if place[-1] == "compute_processes":
            api = version.lstrip("_") or "v3"
            send_value(
                [*place[:-1], "process_interface"], api if isinstance(found, list) else found
            )

    def clock_reasons(self, place: list[Any], handle: Any) -> None:
        """The reasons for the current clocks; the function had a different name before R535."""
        found = self.ask(place, "nvmlDeviceGetCurrentClocksEventReasons", handle)
        if isinstance(found, dict) and found["error"] in _INTERFACE_MISSING:
            self.ask(place, "nvmlDeviceGetCurrentClocksThrottleReasons", handle)

    def parts(self, index: int, parent: Any) -> list[tuple[list[Any], Any]]:
        """Describe the MIG devices of a GPU; returns their places and handles.

        The list is sent only once complete, so that an unread MIG device is not mistaken for a
        missing one.
        """
        handles = self._part_handles(index, parent)
        place = ["devices", index, "mig_devices"]
        if isinstance(handles, dict):
            send_value(place, handles)
            return []
        send_value(place, [{} for _ in handles])
        found = [([*place, number], part) for number, part in enumerate(handles)]
        for part_place, part in found:
            self.fill(part_place, part, PART)
        return found

    def _part_handles(self, index: int, parent: Any) -> Any:
        """The handles in NVML's order; an error object if one may be missing."""
        place, name = ["most_parts", index], "nvmlDeviceGetMaxMigDeviceCount"
        count = self.ask(place, name, parent, form=counted)
        if not isinstance(count, int):
            return count
        name = "nvmlDeviceGetMigDeviceHandleByIndex"
        kept: list[Any] = []
        for slot in range(count):
            error = self.ask(["slots", index, slot], name, parent, slot, form=kept.append)
            if error and error["error"] not in _NO_PART:
                return error
        return kept


def _load(library: str) -> str | None:
    """Load the library by path if its name alone is not found, as on some WSL2 hosts.

    pynvml then finds the loaded one by name. Returns the loader's reason for a failure, which
    pynvml's own error drops.
    """
    import ctypes

    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        try:
            ctypes.CDLL(library)
        except OSError as error:
            return str(error)
    return None


def _loaded_path() -> str | None:
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:  # noqa: PTH123
            found = mapped_files(maps)
    except OSError:
        return None
    return next((path for path in found if "/libnvidia-ml.so" in path), None)
