"""Raw readings of NVML."""

from __future__ import annotations

import copy
from typing import Any

from envprint.machine.recorded import RecordedHost
from tests.builders.support import host

MIB = 1 << 20
NOT_SUPPORTED = {"error": 3, "name": "Not Supported"}
CARD: dict[str, Any] = {
    "handle": None,
    "uuid": "GPU-00000000-0000-0000-0000-000000000001",
    "bus_id": "00000000:01:00.0",
    "name": "NVIDIA GeForce RTX 2080 Ti",
    "compute_capability": [7, 5],
    "cores": 4352,
    "memory": {
        "api": "v2",
        "total": 11264 * MIB,
        "reserved": 258 * MIB,
        "used": 996 * MIB,
        "free": 10010 * MIB,
    },
    "mig_mode": NOT_SUPPORTED,
    "mig_devices": [],
    "ecc_mode": NOT_SUPPORTED,
    "persistence_mode": 0,
    "compute_mode": 0,
    "display_active": 1,
    "driver_model": NOT_SUPPORTED,
    "addressing_mode": {"error": 13, "name": "Function Not Found"},
    "virtualization_mode": 0,
    "power_limit": 260000,
    "clock_sm_max": 2100,
    "clock_memory_max": 7000,
    "ecc_corrected": NOT_SUPPORTED,
    "ecc_uncorrected": NOT_SUPPORTED,
    "ecc_corrected_ever": NOT_SUPPORTED,
    "ecc_uncorrected_ever": NOT_SUPPORTED,
    "retired_single_bit": NOT_SUPPORTED,
    "retired_double_bit": NOT_SUPPORTED,
    "retirement_pending": NOT_SUPPORTED,
    "remapped_rows": NOT_SUPPORTED,
    "recovery_action": NOT_SUPPORTED,
    "temperature": 44,
    "clock_sm": 300,
    "clock_memory": 405,
    "clock_reasons": 1,
    "process_interface": "v3",
    "mps_processes": NOT_SUPPORTED,
    "compute_processes": [{"pid": 2950, "used": 396 * MIB}],
    "graphics_processes": [
        {"pid": 2950, "used": 396 * MIB},
        {"pid": 1201, "used": 412 * MIB},
    ],
}
DESKTOP: dict[str, Any] = {
    "library": "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.550.90.07",
    "failure": None,
    "init": None,
    "init_ms": 38.2,
    "nvml_version": "12.550.90.07",
    "driver_version": "550.90.07",
    "cuda_driver_version": 12040,
    "count": 1,
    "devices": [CARD],
}
INITIAL = {"/proc/self/ns/pid": "/proc/77/ns/pid:[4026531836]"}


def machine(reading: dict[str, Any] | None, **answers: Any) -> RecordedHost:
    answers.setdefault("interpreter", {"pid": 77, "imported": []})
    answers.setdefault("identity", {"user": "someone", "host_name": "h", "home": "/home/someone"})
    return host(**answers) if reading is None else host(gpu=reading, **answers)


def changed(**changes: Any) -> dict[str, Any]:
    """The desktop with another card."""
    reading = copy.deepcopy(DESKTOP)
    reading["devices"][0].update(changes)
    return reading


def failing(**changes: Any) -> dict[str, Any]:
    """A reading in which the start failed."""
    return {k: DESKTOP[k] for k in ("library", "failure", "nvml_version")} | changes
