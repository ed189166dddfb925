"""The live state of a GPU: its memory, the processes that hold it, and its health."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envprint.core.fingerprint import Unknown
from envprint.core.typed import Any
from envprint.gpu import reading as nvml
from envprint.gpu.processes import Moment, account

CLOCK_REASONS = {
    0x1: "idle",
    0x2: "applications-clocks",
    0x4: "power-cap",
    0x8: "hardware-slowdown",
    0x10: "sync-boost",
    0x20: "thermal-slowdown",
    0x40: "hardware-thermal-slowdown",
    0x80: "power-brake",
    0x100: "display-clocks",
}
RECOVERY_ACTIONS = {0: "none", 1: "reset", 2: "reboot", 3: "drain-peers", 4: "drain-and-reset"}
"""NVML's bits: https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html, and its
numbers, nvmlDeviceGpuRecoveryAction_t in nvml.h."""


def errors(device: Mapping[str, Any]) -> dict[str, Any] | None:
    """The error counters and pending repairs; None if the GPU has none of them.

    GPUs before Ampere retire pages, later ones remap rows:
    https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/index.html
    """
    rows = nvml.value_or_absent(device, "remapped_rows")
    found = {
        "corrected": nvml.value_or_absent(device, "ecc_corrected"),
        "uncorrected": nvml.value_or_absent(device, "ecc_uncorrected"),
        "corrected_ever": nvml.value_or_absent(device, "ecc_corrected_ever"),
        "uncorrected_ever": nvml.value_or_absent(device, "ecc_uncorrected_ever"),
        "pages_retired_corrected": nvml.value_or_absent(device, "retired_single_bit"),
        "pages_retired_uncorrected": nvml.value_or_absent(device, "retired_double_bit"),
        "retirement_pending": nvml.flag(device, "retirement_pending"),
        "rows_remapped": sum(rows[:2]) if isinstance(rows, list) else rows,
        "remap_pending": bool(rows[2]) if isinstance(rows, list) else rows,
        "remap_failed": bool(rows[3]) if isinstance(rows, list) else rows,
        "recovery_action": nvml.named(device, "recovery_action", RECOVERY_ACTIONS),
    }
    return found if any(value is not None for value in found.values()) else None


def clock_reasons(device: Mapping[str, Any]) -> list[str] | Unknown | None:
    """The names of the bits that are set; an unnamed bit in the form `0x400`."""
    mask = nvml.value_or_absent(device, "clock_reasons")
    if type(mask) is not int:
        none: Unknown | None = mask
        return none
    bits = (1 << place for place in range(64) if mask >> place & 1)
    return [CLOCK_REASONS.get(bit, hex(bit)) for bit in bits]


def live_of(moment: Moment, device: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of one GPU in `live.gpu.devices`."""
    return {
        **_use_of(moment, device),
        "display_active": nvml.flag(device, "display_active"),
        "mig_devices": _parts_in_use(moment, device),
        "errors": errors(device),
        "temperature_c": nvml.value_or_absent(device, "temperature"),
        "clock_sm_mhz": nvml.value_or_absent(device, "clock_sm"),
        "clock_memory_mhz": nvml.value_or_absent(device, "clock_memory"),
        "clock_reasons": clock_reasons(device),
    }


def _parts_in_use(moment: Moment, device: Mapping[str, Any]) -> dict[str, Any] | Unknown:
    parts = nvml.parts(device)
    if isinstance(parts, Unknown):
        return parts
    named = [part for part in parts if type(part.get("uuid")) is str]
    return {part["uuid"]: _use_of(moment, part) for part in named}


def _use_of(moment: Moment, device: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "memory_used_bytes": memory_key(device, "used"),
        "memory_free_bytes": memory_key(device, "free"),
        "memory_reserved_bytes": memory_key(device, "reserved"),
        "memory_interface": memory_key(device, "api"),
        **account(moment, device),
    }


def memory_key(device: Mapping[str, Any], key: str) -> Any:
    """One number of the memory record; None if its interface version lacks it."""
    memory = nvml.memory(device)
    return memory if isinstance(memory, Unknown) else memory.get(key)


def processes_of(devices: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All processes on GPUs and their MIG devices, in the entries from `live_of`."""
    for device in devices.values():
        if not isinstance(device, Unknown):
            listed = device["processes"]
            yield from () if isinstance(listed, Unknown) else listed
            parts = device.get("mig_devices")
            yield from processes_of(parts) if isinstance(parts, dict) else ()
