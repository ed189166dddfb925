"""NVIDIA GPUs as their driver describes them, and how their memory is used at this moment.

Everything comes from the raw NVML reading of the host; a GPU that does not answer costs only its
own entry, a call that fails only its own field. The keys are NVML's indices, which need not be
CUDA's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from envprint.collectors._gpu_fields import FACTS, LIVE
from envprint.core.fingerprint import Unknown
from envprint.core.typed import Any
from envprint.gpu import reading as nvml
from envprint.gpu.kernel_driver import control_device_error
from envprint.machine.attempt import attempt
from envprint.machine.host import Host

__all__ = ["FACTS", "LIVE", "NEEDS_GPU_READING", "collect", "sample"]

NEEDS_GPU_READING = True
"""The driver is queried in a child, in parallel with the other sections."""


def collect(host: Host) -> Mapping[str, Any]:
    """Facts of every GPU. What the card lacks is None; what NVML refused is unknown."""
    answer = attempt(lambda: nvml.ask(host))
    if isinstance(answer, Unknown):
        return {field.name: answer for field in FACTS}
    reading = answer.reading
    devices: Any = {} if answer.is_absent else answer.unknown
    count: Any = 0 if answer.is_absent else answer.unknown
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
    """Current memory, processes and health."""
    answer = attempt(lambda: nvml.ask(host))
    if isinstance(answer, Unknown):
        return {field.name: answer for field in LIVE}
    none = None if answer.is_absent else answer.unknown
    is_odd = nvml.has_unknown_error(answer.reading)
    closed = attempt(lambda: control_device_error(host)) if is_odd else None
    did = {"answer": nvml.what_it_did(answer), "silence": nvml.silence(answer)}
    if not answer.has_devices:
        devices: Any = {} if answer.is_absent else answer.unknown
        lost: Any = [] if answer.is_absent else answer.unknown
        return {
            **did,
            "devices": devices,
            "lost": lost,
            "pids_are_ours": none,
            "init_ms": none,
            "control_device_error": closed,
        }
    from envprint.gpu.processes import pids_are_ours

    ours = pids_are_ours(host)
    reading, described = _settled(host, answer.reading, ours is True)
    return {
        **did,
        "devices": described,
        "lost": [str(i) for i, device in enumerate(reading["devices"]) if nvml.is_lost(device)],
        "pids_are_ours": ours,
        "init_ms": nvml.value(answer.reading, "init_ms"),
        "control_device_error": closed,
    }


def _settled(
    host: Host, reading: Mapping[str, Any], ours: bool
) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """The reading that counts, and its devices.

    A listed process that has ended may have done so after the reading, or have left its memory
    behind: a second reading decides.
    """

    # These and the tables are half of the section's code, which machines without a GPU skip.
    from envprint.collectors._gpu_live import live_of, processes_of
    from envprint.gpu.processes import Moment, ended

    def describe(reading: Mapping[str, Any], gone: frozenset[int]) -> dict[str, Any]:
        moment = Moment(host, ours, reading.get("sampled_at_s"), gone)
        return _devices(reading, lambda device: live_of(moment, device))

    described = describe(reading, frozenset())
    gone = ended(processes_of(described))
    again = _again(host, reading) if gone else None
    return (again, describe(again, gone)) if again else (reading, described)


def _again(host: Host, before: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """A new reading; None if it is less complete than the first."""
    found = None if before.get("failure") else attempt(lambda: host.nvml(refresh=True))
    if found is None or isinstance(found, Unknown) or found.get("failure"):
        return None
    return found if found.get("count") == before["count"] else None


def _version(answer: nvml.Answer, key: str) -> Any:
    if key in answer.reading:
        return nvml.value(answer.reading, key)
    return None if answer.is_absent else answer.unknown


def _visible(
    host: Host, count: int, devices: Mapping[str, Any], driver: str | None
) -> list[Any] | Unknown:
    """The UUIDs that CUDA shows a program, or `Unknown` if they are ambiguous."""
    variables = host.environ()
    wanted = variables.get("CUDA_VISIBLE_DEVICES")
    if not (count or devices or wanted):
        return []
    from envprint.core import cuda_visible_devices  # not needed where there is no GPU

    known = {key: _known(d) for key, d in devices.items() if not isinstance(d, Unknown)}
    keys = cuda_visible_devices.keys_of(count, known)
    order = variables.get("CUDA_DEVICE_ORDER")
    if not cuda_visible_devices.is_decided(keys, known, wanted, order):
        return Unknown(cuda_visible_devices.UNKNOWN_ORDER)
    if why := cuda_visible_devices.unknown_reason(keys, known, wanted, driver):
        return Unknown(why)
    found = []
    for one in cuda_visible_devices.visible_devices(keys, known, wanted, driver):
        device = known.get(one.key, {})
        if one.part is not None:
            found.append(device["mig_devices"][one.part].get("uuid"))
        elif device.get("mig_mode") != "on":
            found.append(device.get("uuid"))
        elif "mig_devices" not in device:
            reason = devices[one.key]["mig_devices"].reason
            return Unknown(f"the parts of GPU {one.key} are unknown: {reason}")
    return Unknown("a visible GPU has no known UUID") if None in found else found


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
    from envprint.collectors._gpu_live import memory_key
    from envprint.gpu import card

    parts = nvml.parts(device)
    slices = parts if isinstance(parts, Unknown) else [_slice_of(part) for part in parts]
    is_divided = isinstance(slices, list) and bool(slices)
    limit_mw = nvml.value_or_absent(device, "power_limit")
    return {
        "uuid": nvml.value(device, "uuid"),
        "bus_id": nvml.value(device, "bus_id"),
        "name": nvml.value(device, "name"),
        "architecture": card.architecture(device),
        "compute_capability": card.capability(device),
        "sm_count": card.sm_count(device),
        "memory_total_bytes": memory_key(device, "total"),
        "shares_system_memory": card.shares_memory(device),
        # In a container the GPU may refuse this query although it has MIG devices.
        "mig_mode": "on" if is_divided else nvml.switch(device, "mig_mode"),
        "mig_mode_pending": nvml.switch(device, "mig_mode", pending=True),
        "mig_devices": slices,
        "ecc_mode": nvml.switch(device, "ecc_mode"),
        "ecc_mode_pending": nvml.switch(device, "ecc_mode", pending=True),
        "persistence_mode": nvml.flag(device, "persistence_mode"),
        "compute_mode": nvml.named(device, "compute_mode", card.COMPUTE_MODES),
        "driver_model": nvml.named(device, "driver_model", card.DRIVER_MODELS),
        "addressing_mode": nvml.named(device, "addressing_mode", card.ADDRESSING_MODES),
        "virtualization_mode": nvml.named(device, "virtualization_mode", card.VIRTUALIZATION_MODES),
        "power_limit_w": limit_mw / 1000 if type(limit_mw) is int else limit_mw,
        "clock_sm_max_mhz": nvml.value_or_absent(device, "clock_sm_max"),
        "clock_memory_max_mhz": nvml.value_or_absent(device, "clock_memory_max"),
    }


def _slice_of(part: Mapping[str, Any]) -> dict[str, Any]:
    """A list item cannot contain `Unknown`, so unknown values are omitted."""
    from envprint.collectors._gpu_live import memory_key

    keys = ("uuid", "name", "sm_count", "gpu_instance", "compute_instance")
    found = {key: nvml.value(part, key) for key in keys}
    return _known(found | {"memory_total_bytes": memory_key(part, "total")})
