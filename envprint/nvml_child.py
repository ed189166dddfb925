"""What runs in the short-lived child that asks NVML; started by `envprint.nvml` as a script.

It begins with -I -S and is given the folder of pynvml and the path of the library. In front of
each call it prints the call's name, so that the parent can say during which one the driver hung or
crashed. No call creates a CUDA context, which would cost hundreds of MB on the card:
https://github.com/pytorch/pytorch/issues/20532
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

MARK = "reading "
"""Begins the line that holds the reading."""

_FUNCTION_NOT_FOUND = 13
_MIG_ON = 1
"""In [now, pending]: parts can exist only then, and asking for them costs little."""


class Nvml:
    """The one place through which every NVML call goes."""

    def __init__(self, pynvml: Any) -> None:
        self.pynvml = pynvml

    def call(self, name: str, *arguments: Any, form: Callable[[Any], Any] = lambda v: v) -> Any:
        """What the function gives, through `form`; or `{"error": code, "name": text}`."""
        os.write(1, f"{name}\n".encode())
        try:
            return form(getattr(self.pynvml, name)(*arguments))
        # pynvml raises NVMLLibraryMismatchError, which is no NVMLError, for a missing symbol,
        # UnicodeDecodeError for a garbled name, AttributeError where its own release is too old.
        except Exception as error:  # noqa: BLE001  see the reason above
            return self._failure(error)

    def _failure(self, error: Exception) -> dict[str, Any]:
        if isinstance(error, self.pynvml.NVMLError):
            return {"error": getattr(error, "value", None), "name": str(error)}
        return {"error": None, "name": f"{type(error).__name__}: {error}"}


def main(library: str) -> dict[str, Any]:
    """The whole reading, in the form that `envprint.nvml` documents."""
    import pynvml

    load_problem = _load(library)
    nvml = Nvml(pynvml)
    init = nvml.call("nvmlInit", form=lambda _: None)
    if init and load_problem:
        init["name"] = f"{init['name']}: {load_problem}"
    reading = {
        "failure": None,
        "init": init,
        "nvml_version": nvml.call("nvmlSystemGetNVMLVersion", form=_text),
        "library": _loaded_path() or library,
    }
    if init is None:
        reading["driver_version"] = nvml.call("nvmlSystemGetDriverVersion", form=_text)
        reading["cuda_driver_version"] = nvml.call("nvmlSystemGetCudaDriverVersion_v2")
        reading["count"] = nvml.call("nvmlDeviceGetCount")
        count = reading["count"] if isinstance(reading["count"], int) else 0
        reading["devices"] = [_device(nvml, index) for index in range(count)]
    return reading


def _load(library: str) -> str | None:
    """Load the library first by path where its name alone is not found, as on some WSL2 hosts.

    pynvml then gets the loaded one by its name. Its own error drops the loader's reason.
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


# 7f1c2000-7f1c3000 r-xp 00000000 08:01 131 /usr/lib/x86_64-linux-gnu/libnvidia-ml.so.550.90.07
# https://man7.org/linux/man-pages/man5/proc_pid_maps.5.html
def _loaded_path() -> str | None:
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:  # noqa: PTH123
            for line in maps:
                if "/libnvidia-ml.so" in line:
                    return line[line.index("/") :].rstrip("\n")
    except OSError:
        return None
    return None


def _device(nvml: Nvml, index: int) -> dict[str, Any]:
    handle = nvml.call("nvmlDeviceGetHandleByIndex", index)
    if isinstance(handle, dict):
        return {"handle": handle}
    mig = nvml.call("nvmlDeviceGetMigMode", handle, form=list)
    return {
        "handle": None,
        "uuid": nvml.call("nvmlDeviceGetUUID", handle, form=_text),
        "bus_id": nvml.call("nvmlDeviceGetPciInfo", handle, form=lambda info: _text(info.busId)),
        "name": nvml.call("nvmlDeviceGetName", handle, form=_text),
        "compute_capability": nvml.call("nvmlDeviceGetCudaComputeCapability", handle, form=list),
        "cores": nvml.call("nvmlDeviceGetNumGpuCores", handle),
        "memory": _memory(nvml, handle),
        "mig_mode": mig,
        "mig_devices": _slices(nvml, handle) if _MIG_ON in mig else [],
        "ecc_mode": nvml.call("nvmlDeviceGetEccMode", handle, form=list),
        "persistence_mode": nvml.call("nvmlDeviceGetPersistenceMode", handle),
        "compute_mode": nvml.call("nvmlDeviceGetComputeMode", handle),
        "display_active": nvml.call("nvmlDeviceGetDisplayActive", handle),
        "compute_processes": _processes(nvml, "nvmlDeviceGetComputeRunningProcesses", handle),
        "graphics_processes": _processes(nvml, "nvmlDeviceGetGraphicsRunningProcesses", handle),
    }


def _memory(nvml: Nvml, handle: Any) -> Any:
    """Version 2 keeps what the driver reserves apart from what is used; version 1 adds them up."""

    def form(api: str, *names: str) -> Callable[[Any], Any]:
        return lambda info: {"api": api, **{name: getattr(info, name) for name in names}}

    version = getattr(nvml.pynvml, "nvmlMemory_v2", None)
    second = form("v2", "total", "reserved", "used", "free")
    found = nvml.call("nvmlDeviceGetMemoryInfo", handle, version, form=second) if version else {}
    if "api" in found:
        return found
    return nvml.call("nvmlDeviceGetMemoryInfo", handle, form=form("v1", "total", "used", "free"))


def _processes(nvml: Nvml, name: str, handle: Any) -> Any:
    """From the newest interface that both pynvml and the driver have."""

    def form(processes: Any) -> list[dict[str, Any]]:
        return [{"pid": p.pid, "used": p.usedGpuMemory} for p in processes]

    found = nvml.call(name, handle, form=form)
    is_missing = isinstance(found, dict) and found["error"] in (None, _FUNCTION_NOT_FOUND)
    return nvml.call(f"{name}_v2", handle, form=form) if is_missing else found


def _slices(nvml: Nvml, parent: Any) -> list[dict[str, Any]]:
    count = nvml.call("nvmlDeviceGetMaxMigDeviceCount", parent)
    found = []
    for index in range(count if isinstance(count, int) else 0):
        handle = nvml.call("nvmlDeviceGetMigDeviceHandleByIndex", parent, index)
        if not isinstance(handle, dict):
            attributes = nvml.call(
                "nvmlDeviceGetAttributes", handle, form=lambda a: a.multiprocessorCount
            )
            found.append(
                {
                    "uuid": nvml.call("nvmlDeviceGetUUID", handle, form=_text),
                    "name": nvml.call("nvmlDeviceGetName", handle, form=_text),
                    "sm_count": attributes,
                    "memory": _memory(nvml, handle),
                }
            )
    return found


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


if __name__ == "__main__":
    sys.path.append(sys.argv[1])
    line = f"\n{MARK}{json.dumps(main(sys.argv[2]))}\n".encode()
    while line:  # a pipe takes 64 KiB at a time
        line = line[os.write(1, line) :]
    # A driver in trouble may hang while the library unloads.
    os._exit(0)
