"""What happens on a GPU at one moment: its memory, who holds it, and its health."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from envprint.collectors import _nvml as nvml
from envprint.collectors._gpu_health import clock_reasons, errors
from envprint.collectors._gpu_processes import Moment, account
from envprint.model import Unknown


def live_of(moment: Moment, device: Mapping[str, Any]) -> dict[str, Any]:
    """One GPU of `live.gpu.devices`."""
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
    """One number of the memory record; None where its interface has no such number."""
    memory = nvml.memory(device)
    return memory if isinstance(memory, Unknown) else memory.get(key)


def processes_of(devices: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All that are listed on GPUs and their parts, as `live_of` describes these."""
    for device in devices.values():
        if not isinstance(device, Unknown):
            listed = device["processes"]
            yield from () if isinstance(listed, Unknown) else listed
            parts = device.get("mig_devices")
            yield from processes_of(parts) if isinstance(parts, dict) else ()
