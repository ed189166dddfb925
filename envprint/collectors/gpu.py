"""NVIDIA GPUs as their driver describes them, and how their memory is used at this moment.

Everything comes from the raw NVML reading of the host; a GPU that does not answer costs only its
own entry, a call that fails only its own field. The keys are NVML's indices, which need not be
CUDA's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from envprint import visibility
from envprint.collectors import _gpu_tables as tables
from envprint.collectors import _nvml as nvml
from envprint.collectors._attempt import attempt
from envprint.collectors._gpu_fields import FACTS, LIVE
from envprint.collectors._gpu_health import clock_reasons, errors
from envprint.collectors._gpu_processes import account, pids_are_ours
from envprint.host import Host
from envprint.model import Unknown

WAITS = True
"""The driver is asked in a child, which works while other sections are read."""


def collect(host: Host) -> Mapping[str, Any]:
    """Facts of every GPU. What the card does not have is None, what NVML refused is unknown."""
    answer = attempt(lambda: nvml.ask(host))
    if isinstance(answer, Unknown):
        return {field.name: answer for field in FACTS}
    reading = answer.reading
    devices: Any = {} if answer.is_absent else answer.doubt
    count: Any = 0 if answer.is_absent else answer.doubt
    if answer.has_devices:
        count, devices = reading["count"], _devices(reading, _facts_of)
    driver = _version(answer, "driver_version")
    return {
        "status": answer.status,
        "library_path": reading["library"],
        "nvml_version": _version(answer, "nvml_version"),
        "driver_version": driver,
        "count": count,
        "devices": devices,
        "visible": devices
        if isinstance(devices, Unknown)
        else _visible(host, count, devices, None if isinstance(driver, Unknown) else driver),
    }


def sample(host: Host) -> Mapping[str, Any]:
    """Memory, processes and health at this moment."""
    answer = attempt(lambda: nvml.ask(host))
    if isinstance(answer, Unknown):
        return {field.name: answer for field in LIVE}
    none = None if answer.is_absent else answer.doubt
    if not answer.has_devices:
        devices: Any = {} if answer.is_absent else answer.doubt
        lost: Any = [] if answer.is_absent else answer.doubt
        return {"devices": devices, "lost": lost, "pids_are_ours": none, "init_ms": none}
    reading = answer.reading
    ours = pids_are_ours(host)

    def describe(device: Mapping[str, Any]) -> dict[str, Any]:
        return _live_of(host, device, ours is True, reading.get("sampled_at_s"))

    return {
        "devices": _devices(reading, describe),
        "lost": [str(i) for i, device in enumerate(reading["devices"]) if nvml.is_lost(device)],
        "pids_are_ours": ours,
        "init_ms": nvml.value(reading, "init_ms"),
    }


def _version(answer: nvml.Answer, key: str) -> Any:
    if key in answer.reading:
        return nvml.value(answer.reading, key)
    return None if answer.is_absent else answer.doubt


def _visible(
    host: Host, count: int, devices: Mapping[str, Any], driver: str | None
) -> list[Any] | Unknown:
    """The UUIDs that CUDA shows a program, as far as that is decided."""
    variables = host.environ()
    known = {key: _known(d) for key, d in devices.items() if not isinstance(d, Unknown)}
    keys = visibility.keys_of(count, known)
    wanted = variables.get("CUDA_VISIBLE_DEVICES")
    order = variables.get("CUDA_DEVICE_ORDER")
    if not visibility.is_decided(keys, known, wanted, order):
        return Unknown(visibility.UNDECIDED)
    if doubt := visibility.doubt(keys, known, wanted, driver):
        return Unknown(doubt)
    found = [
        _uuid(known.get(one.key, {}), one.part)
        for one in visibility.shown(keys, known, wanted, driver)
        if one.part is not None or known.get(one.key, {}).get("mig_mode") != "on"
    ]
    return Unknown("a GPU that is shown has no known UUID") if None in found else found


def _uuid(device: Mapping[str, Any], part: int | None) -> Any:
    return (device if part is None else device["mig_devices"][part]).get("uuid")


def _known(device: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in device.items() if not isinstance(value, Unknown)}


def _devices(
    reading: Mapping[str, Any], describe: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    return {
        str(index): nvml.value(device, "handle") or describe(device)
        for index, device in enumerate(reading["devices"])
    }


def _facts_of(device: Mapping[str, Any]) -> dict[str, Any]:
    parts = device.get("mig_devices", ())
    limit_mw = nvml.value_or_absent(device, "power_limit")
    return {
        "uuid": nvml.value(device, "uuid"),
        "bus_id": nvml.value(device, "bus_id"),
        "name": nvml.value(device, "name"),
        "architecture": nvml.architecture(device),
        "compute_capability": nvml.capability(device),
        "sm_count": nvml.sm_count(device),
        "memory_total_bytes": _memory_key(device, "total"),
        "shares_system_memory": nvml.shares_memory(device),
        # In a container the whole may refuse to tell, and its parts are there all the same.
        "mig_mode": "on" if parts else nvml.switch(device, "mig_mode"),
        "mig_mode_pending": nvml.switch(device, "mig_mode", pending=True),
        "mig_devices": [_slice_of(part) for part in parts],
        "ecc_mode": nvml.switch(device, "ecc_mode"),
        "ecc_mode_pending": nvml.switch(device, "ecc_mode", pending=True),
        "persistence_mode": nvml.flag(device, "persistence_mode"),
        "compute_mode": nvml.named(device, "compute_mode", tables.COMPUTE_MODES),
        "driver_model": nvml.named(device, "driver_model", tables.DRIVER_MODELS),
        "addressing_mode": nvml.named(device, "addressing_mode", tables.ADDRESSING_MODES),
        "virtualization_mode": nvml.named(
            device, "virtualization_mode", tables.VIRTUALIZATION_MODES
        ),
        "power_limit_w": limit_mw / 1000 if type(limit_mw) is int else limit_mw,
        "clock_sm_max_mhz": nvml.value_or_absent(device, "clock_sm_max"),
        "clock_memory_max_mhz": nvml.value_or_absent(device, "clock_memory_max"),
    }


def _slice_of(part: Mapping[str, Any]) -> dict[str, Any]:
    """A list item cannot hold an unknown: what is not known is left out."""
    keys = ("uuid", "name", "sm_count", "gpu_instance", "compute_instance")
    found = {key: nvml.value(part, key) for key in keys}
    return _known(found | {"memory_total_bytes": _memory_key(part, "total")})


def _memory_key(device: Mapping[str, Any], key: str) -> Any:
    memory = nvml.memory(device)
    return memory if isinstance(memory, Unknown) else memory.get(key)


def _live_of(
    host: Host, device: Mapping[str, Any], ours: bool, sampled_at_s: float | None
) -> dict[str, Any]:
    named = [part for part in device.get("mig_devices", ()) if type(part.get("uuid")) is str]
    return {
        **_use_of(host, device, ours, sampled_at_s),
        "display_active": nvml.flag(device, "display_active"),
        "mig_devices": {part["uuid"]: _use_of(host, part, ours, sampled_at_s) for part in named},
        "errors": errors(device),
        "temperature_c": nvml.value_or_absent(device, "temperature"),
        "clock_sm_mhz": nvml.value_or_absent(device, "clock_sm"),
        "clock_memory_mhz": nvml.value_or_absent(device, "clock_memory"),
        "clock_reasons": clock_reasons(device),
    }


def _use_of(
    host: Host, device: Mapping[str, Any], ours: bool, sampled_at_s: float | None
) -> dict[str, Any]:
    return {
        "memory_used_bytes": _memory_key(device, "used"),
        "memory_free_bytes": _memory_key(device, "free"),
        "memory_reserved_bytes": _memory_key(device, "reserved"),
        "memory_interface": _memory_key(device, "api"),
        **account(host, device, ours, sampled_at_s),
    }
