"""NVIDIA GPUs as their driver describes them, and how their memory is used at this moment.

Everything comes from the raw NVML reading of the host; a GPU that does not answer costs only its
own entry, a call that fails only its own field. The keys are NVML's indices, which need not be
CUDA's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from envprint.collectors import _nvml as nvml
from envprint.collectors._attempt import attempt
from envprint.collectors._gpu_processes import account, pids_are_ours
from envprint.fields import FLAG, INTEGER, TEXT, Field, ListOf, MapOf, record
from envprint.host import Host
from envprint.model import Unknown

_SLICE = record(
    Field("uuid", TEXT, "UUID of the MIG device."),
    Field("name", TEXT, "Name with its profile, such as `NVIDIA A100-SXM4-40GB MIG 1g.5gb`."),
    Field("sm_count", INTEGER, "Streaming multiprocessors of the MIG device."),
    Field("memory_total_bytes", INTEGER, "Memory of the MIG device."),
)

FACTS = (
    Field("status", TEXT, "`ok`, or why there is no GPU that answers."),
    Field("count", INTEGER, "GPUs that the driver counts, also those that do not answer."),
    Field(
        "devices",
        MapOf(
            record(
                Field("uuid", TEXT, "UUID of the card; says which one, and changes nothing."),
                Field("bus_id", TEXT, "PCI address; says where, and changes nothing."),
                Field("name", TEXT, "Product name."),
                Field("architecture", TEXT, "Generation, such as Turing, by compute capability."),
                Field("compute_capability", TEXT, "Such as `7.5`."),
                Field("sm_count", INTEGER, "Streaming multiprocessors of the whole card."),
                Field("memory_total_bytes", INTEGER, "All memory, the driver's reserve included."),
                Field("mig_mode", TEXT, "`on` or `off`; null when the card cannot be divided."),
                Field("mig_devices", ListOf(_SLICE), "MIG devices in NVML's order."),
                Field("ecc_mode", TEXT, "`on` or `off`; null when the memory has no ECC."),
                Field("persistence_mode", FLAG, "Whether the driver stays loaded when idle."),
                Field("compute_mode", TEXT, "default, prohibited or exclusive-process."),
            ),
            "NVML index",
        ),
        "GPUs; empty when there is none.",
    ),
    Field("driver_version", TEXT, "Driver version as NVML reports it."),
    Field(
        "nvml_version",
        TEXT,
        "NVML's own version; readable even when the driver does not answer.",
        unwatched="belongs to the driver, whose version is compared with what it must reach",
    ),
    Field(
        "library_path",
        TEXT,
        "Real path of the NVML library that answered.",
        unwatched="for people: tells a simulated or sliced GPU from a real one",
    ),
)

_PROCESS = record(
    Field("pid", INTEGER, "Process id as the driver gives it."),
    Field("name", TEXT, "Name of the process; left out when not known."),
    Field("name_unknown", TEXT, "Why the name is not known; null when it is."),
    Field("kind", TEXT, "compute, graphics or both."),
    Field("memory_bytes", INTEGER, "GPU memory it holds; left out when the driver does not say."),
    Field("own", FLAG, "This process or a child of it; left out when not known."),
    Field("same_user", FLAG, "Of the user who captured; left out when not known."),
)

LIVE = (
    Field(
        "devices",
        MapOf(
            record(
                Field("memory_used_bytes", INTEGER, "In use; with v1 the reserve is part of it."),
                Field("memory_free_bytes", INTEGER, "Free for any process."),
                Field("memory_reserved_bytes", INTEGER, "Kept by the driver; null with v1."),
                Field("memory_interface", TEXT, "v2 or v1 of nvmlDeviceGetMemoryInfo."),
                Field("unattributed_bytes", INTEGER, "In use, but by no process that is listed."),
                Field("unattributed_reason", TEXT, "What can hold it; null when there is none."),
                Field("processes", ListOf(_PROCESS), "Processes on the GPU, by pid."),
                Field("display_active", FLAG, "Whether a display is driven by this GPU."),
            ),
            "NVML index",
        ),
        "Memory and processes of each GPU that answers.",
    ),
    Field(
        "pids_are_ours",
        FLAG,
        "Whether the driver's pids are those of this pid namespace, so that names are known.",
    ),
)

# https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html (nvmlComputeMode_t)
_COMPUTE_MODES = {0: "default", 1: "exclusive-thread", 2: "prohibited", 3: "exclusive-process"}


def collect(host: Host) -> Mapping[str, Any]:
    """Facts of every GPU. What the card does not have is None, what NVML refused is unknown."""
    answer = attempt(lambda: nvml.ask(host))
    if isinstance(answer, Unknown):
        return {field.name: answer for field in FACTS}
    reading = answer.reading
    values = {
        "status": answer.status,
        "library_path": reading["library"],
        "nvml_version": None if answer.is_absent else answer.doubt,
        "driver_version": None if answer.is_absent else answer.doubt,
        "count": 0 if answer.is_absent else answer.doubt,
        "devices": {} if answer.is_absent else answer.doubt,
    }
    if "nvml_version" in reading:
        values["nvml_version"] = nvml.value(reading, "nvml_version")
    if "driver_version" in reading:
        values["driver_version"] = nvml.value(reading, "driver_version")
    if answer.status == nvml.OK:
        values["count"] = reading["count"]
        values["devices"] = _devices(reading, _facts_of)
    return values


def sample(host: Host) -> Mapping[str, Any]:
    """Memory and processes at this moment."""
    answer = attempt(lambda: nvml.ask(host))
    if isinstance(answer, Unknown):
        return {field.name: answer for field in LIVE}
    if answer.status != nvml.OK:
        none: Any = {} if answer.is_absent else answer.doubt
        return {"devices": none, "pids_are_ours": None if answer.is_absent else answer.doubt}
    ours = pids_are_ours(host)
    return {
        "devices": _devices(answer.reading, lambda device: _live_of(host, device, ours)),
        "pids_are_ours": ours,
    }


def _devices(
    reading: Mapping[str, Any], describe: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    return {
        str(index): nvml.value(device, "handle") or describe(device)
        for index, device in enumerate(reading["devices"])
    }


def _facts_of(device: Mapping[str, Any]) -> dict[str, Any]:
    persistence = nvml.value_or_absent(device, "persistence_mode")
    return {
        "uuid": nvml.value(device, "uuid"),
        "bus_id": nvml.value(device, "bus_id"),
        "name": nvml.value(device, "name"),
        "architecture": nvml.architecture(device),
        "compute_capability": nvml.capability(device),
        "sm_count": nvml.sm_count(device),
        "memory_total_bytes": _memory_key(device, "total"),
        "mig_mode": nvml.switch(device, "mig_mode"),
        "mig_devices": [_slice_of(part) for part in device.get("mig_devices", ())],
        "ecc_mode": nvml.switch(device, "ecc_mode"),
        "persistence_mode": bool(persistence) if type(persistence) is int else persistence,
        "compute_mode": _compute_mode(nvml.value_or_absent(device, "compute_mode")),
    }


def _slice_of(part: Mapping[str, Any]) -> dict[str, Any]:
    """A list item cannot hold an unknown: what is not known is left out."""
    found = {
        "uuid": nvml.value(part, "uuid"),
        "name": nvml.value(part, "name"),
        "sm_count": nvml.value(part, "sm_count"),
        "memory_total_bytes": _memory_key(part, "total"),
    }
    return {key: known for key, known in found.items() if not isinstance(known, Unknown)}


def _compute_mode(mode: Any) -> Any:
    return _COMPUTE_MODES.get(mode, f"mode {mode}") if type(mode) is int else mode


def _memory_key(device: Mapping[str, Any], key: str) -> Any:
    memory = nvml.memory(device)
    return memory if isinstance(memory, Unknown) else memory.get(key)


def _live_of(host: Host, device: Mapping[str, Any], ours: bool | Unknown) -> dict[str, Any]:
    display = nvml.value_or_absent(device, "display_active")
    return {
        "memory_used_bytes": _memory_key(device, "used"),
        "memory_free_bytes": _memory_key(device, "free"),
        "memory_reserved_bytes": _memory_key(device, "reserved"),
        "memory_interface": _memory_key(device, "api"),
        "display_active": bool(display) if type(display) is int else display,
        **account(host, device, ours is True),
    }
