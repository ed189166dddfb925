"""`nvidia-smi -q -x`: the driver's answers as XML, whose elements have changed their names.

The document type names a file (`nvsmi_device_v12.dtd`), which is never looked for; a document that
declares entities or a type of its own is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from envprint.core.typed import Any
from envprint.importers._found import Found
from envprint.importers._gpus import (
    ABSENT,
    COMPUTE_MODES,
    DRIVER_MODELS,
    architecture,
    gpus,
    known,
    mib,
    number,
    numbered,
    process,
    version,
)
from envprint.importers._source import Source
from envprint.importers._xml import Element, parse_xml

TITLE = "nvidia-smi's XML"
IS_PART = True
_ROOT = "nvidia_smi_log"
_SWITCHES = {"enabled": "on", "disabled": "off", "on": "on", "off": "off"}
_ADDRESSING = {"none": "none", "hmm": "HMM", "ats": "ATS"}
_VIRTUALIZATION = {
    **{"none": "none", "pass-through": "passthrough", "vgpu": "vGPU"},
    **{"host vgpu": "host-vGPU", "host vsga": "host-vSGA"},
}
_PROCESSES = ("processes", "compute_processes")
_REASONS = {
    "gpu_idle": "idle",
    "applications_clocks_setting": "applications-clocks",
    "sw_power_cap": "power-cap",
    "hw_slowdown": "hardware-slowdown",
    "sync_boost": "sync-boost",
    "sw_thermal_slowdown": "thermal-slowdown",
    "hw_thermal_slowdown": "hardware-thermal-slowdown",
    "hw_power_brake_slowdown": "power-brake",
    "display_clocks_setting": "display-clocks",
}
"""Elements, and the names that a capture has for them, in the order of NVML's bits."""


def recognises(source: Source) -> bool:
    """The whole document, alone or pasted into a text."""
    return f"<{_ROOT}>" in source.text and f"</{_ROOT}>" in source.text


def read(source: Source) -> Found:
    """Facts and live values of every GPU. Raises `DocumentError`."""
    start, end = source.text.find(f"<{_ROOT}>"), source.text.rfind(f"</{_ROOT}>")
    if start < 0 or end < start:
        raise source.fault("no <nvidia_smi_log> in it")
    if _declares(source.text[:start]):
        raise source.fault("its XML declares a type or entities of its own, which is refused")
    root = parse_xml(source.text[start : end + len(_ROOT) + 3], source)
    devices = root.all("gpu")
    count = root.text("attached_gpus")
    versions = {"driver": version(root.text("driver_version"))}
    versions["cuda"] = version(root.text("cuda_version"))
    return gpus(
        numbered([_facts(device) for device in devices]),
        numbered([_live(device) for device in devices]),
        versions,
        int(count) if count and re.fullmatch(r"\d{1,4}", count) else None,
    )


# <!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
def _declares(before: str) -> bool:
    """Whether what stands before the root declares more than the name of a document type."""
    start = before.rfind("<!DOCTYPE")
    end = before.find(">", start)
    return "<!ENTITY" in before or (start >= 0 and "[" in before[start : end if end > 0 else None])


def _named(device: Element, path: str, names: Mapping[str, str]) -> str | None:
    return names.get((device.text(path) or "").lower())


def _nullable(device: Element, paths: Mapping[str, str]) -> list[str]:
    """The fields of which nvidia-smi says that the card lacks them."""
    return [name for name, path in paths.items() if device.text(path) in ABSENT]


_LACKED = {
    "mig_mode": "mig_mode/current_mig",
    "mig_mode_pending": "mig_mode/pending_mig",
    "ecc_mode": "ecc_mode/current_ecc",
    "ecc_mode_pending": "ecc_mode/pending_ecc",
    "driver_model": "driver_model/current_dm",
    "addressing_mode": "addressing_mode",
}
"""Fields of which N/A says that there is no such thing."""


def _facts(device: Element) -> dict[str, Any]:
    # power_readings until DTD v11, then gpu_power_readings, where the limit is the current one.
    limits = ("gpu_power_readings/current_power_limit", "power_readings/power_limit")
    slices = [_slice(part) for part in device.all("mig_devices/mig_device")]
    fields = {
        "uuid": _id(device.text("uuid"), r"GPU-[0-9a-fA-F-]{8,60}"),
        "bus_id": _id(device.text("pci/pci_bus_id") or device.attribute("id"), r"[0-9A-Fa-f:.]+"),
        "name": _present(device.text("product_name")),
        "architecture": architecture(device.text("product_architecture")),
        "memory_total_bytes": _memory(device, "total"),
        "mig_mode": _named(device, _LACKED["mig_mode"], _SWITCHES),
        "mig_mode_pending": _named(device, _LACKED["mig_mode_pending"], _SWITCHES),
        "mig_devices": slices if device.has("mig_devices") else None,
        "ecc_mode": _named(device, _LACKED["ecc_mode"], _SWITCHES),
        "ecc_mode_pending": _named(device, _LACKED["ecc_mode_pending"], _SWITCHES),
        "persistence_mode": _flag(device.text("persistence_mode")),
        "compute_mode": _named(device, "compute_mode", COMPUTE_MODES),
        "driver_model": _named(device, _LACKED["driver_model"], DRIVER_MODELS),
        "addressing_mode": _named(device, "addressing_mode", _ADDRESSING),
        "virtualization_mode": _named(
            device, "gpu_virtualization_mode/virtualization_mode", _VIRTUALIZATION
        ),
        "power_limit_w": next(filter(None, (number(device.text(p), "W") for p in limits)), None),
        "clock_sm_max_mhz": _whole(device.text("max_clocks/sm_clock"), "MHz"),
        "clock_memory_max_mhz": _whole(device.text("max_clocks/mem_clock"), "MHz"),
    }
    return known(fields, _nullable(device, _LACKED))


def _slice(part: Element) -> dict[str, Any]:
    fields = {
        "sm_count": _whole(part.text("device_attributes/shared/multiprocessor_count"), ""),
        "gpu_instance": _whole(part.text("gpu_instance_id"), ""),
        "compute_instance": _whole(part.text("compute_instance_id"), ""),
        "memory_total_bytes": mib(part.text("fb_memory_usage/total")),
    }
    return known(fields)


def _live(device: Element) -> dict[str, Any]:
    memory = {
        f"memory_{name}_bytes": _memory(device, name) for name in ("used", "free", "reserved")
    }
    has_reserve = memory["memory_reserved_bytes"] is not None
    fields = {
        **memory,
        # Before R510 the reserve was part of what is in use.
        "memory_interface": "v2" if has_reserve else "v1",
        "processes": list(_processes(device)) if any(map(device.has, _PROCESSES)) else None,
        "display_active": _flag(device.text("display_active")),
        "temperature_c": _whole(device.text("temperature/gpu_temp"), "C"),
        "clock_sm_mhz": _whole(device.text("clocks/sm_clock"), "MHz"),
        "clock_memory_mhz": _whole(device.text("clocks/mem_clock"), "MHz"),
        "clock_reasons": _reasons(device),
    }
    return known(fields, () if has_reserve else ("memory_reserved_bytes",))


def _memory(device: Element, name: str) -> int | None:
    # memory_usage before there was a BAR1 to tell it from.
    texts = (device.text(f"{place}/{name}") for place in ("fb_memory_usage", "memory_usage"))
    return mib(next(filter(None, texts), None))


def _processes(device: Element) -> Iterator[dict[str, Any]]:
    # Only those that compute were listed until DTD v6.
    for one in (one for name in _PROCESSES for one in device.all(f"{name}/process_info")):
        pid = _whole(one.text("pid"), "")
        if pid is not None:
            name = one.text("process_name") or ""
            yield process(pid, one.text("type") or "C", name, mib(one.text("used_memory")))


def _reasons(device: Element) -> list[str] | None:
    # clocks_throttle_reasons until DTD v12, then clocks_event_reasons.
    for group in ("clocks_event_reason", "clocks_throttle_reason"):
        if device.has(f"{group}s"):
            active = (
                name
                for element, name in _REASONS.items()
                if device.text(f"{group}s/{group}_{element}") == "Active"
            )
            return list(active)
    return None


def _present(text: str | None) -> str | None:
    return text[:200] if text and text not in ABSENT else None


def _id(text: str | None, form: str) -> str | None:
    return text if text and len(text) <= 64 and re.fullmatch(form, text) else None


def _flag(text: str | None) -> bool | None:
    found = _SWITCHES.get((text or "").lower())
    return None if found is None else found == "on"


def _whole(text: str | None, unit: str) -> int | None:
    found = number(text, unit)
    return None if found is None else int(found)
