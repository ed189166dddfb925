"""Which GPUs CUDA shows a program, as far as its variables decide that.

CUDA numbers GPUs from the fastest on unless CUDA_DEVICE_ORDER says PCI_BUS_ID, NVML by bus
address: between unlike GPUs a number says nothing without that.
https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from envprint.versions import numbers

BY_BUS = "PCI_BUS_ID"
MOST = 1024
"""GPUs of one machine that are looked at: a document may claim any number."""
UNDECIDED = (
    "CUDA numbers unlike GPUs from the fastest on and nvidia-smi by bus address, so it is not "
    "known which GPU a number means; CUDA_DEVICE_ORDER=PCI_BUS_ID would decide it"
)

_SEVERAL_PARTS = (570,)

Devices = Mapping[str, Mapping[str, Any]]


def keys_of(count: int | None, devices: Devices) -> list[str]:
    """The keys of all GPUs that the driver counts, also of those that do not answer."""
    return [str(index) for index in range(min(len(devices) if count is None else count, MOST))]


def chosen(keys: Sequence[str], devices: Devices, wanted: str | None) -> list[str]:
    """The keys that CUDA_VISIBLE_DEVICES leaves, in its order; all when it is unset.

    A number is taken for NVML's; see `is_decided`. CUDA stops at the first entry that names no GPU.
    """
    if wanted is None:
        return list(keys)
    found: list[str] = []
    for entry in wanted.split(","):
        key = _named(entry.strip(), keys, devices)
        if key is None:
            break
        found.append(key)
    return found


def doubt(keys: Sequence[str], devices: Devices, wanted: str | None) -> str | None:
    """Why it is not known how many GPUs `chosen` are; None when it is."""
    names = [entry.strip() for entry in (wanted or "").split(",") if not entry.strip().isdecimal()]
    nameless = [key for key in keys if not _is_named(devices.get(key, {}))]
    if nameless and any(name and _named(name, keys, devices) is None for name in names):
        return f"a name may be that of GPU {nameless[0]}, whose UUID is not known"
    return None


def _is_named(device: Mapping[str, Any]) -> bool:
    """Whether its UUID is known, and its parts where it is divided."""
    return bool(device.get("uuid")) and (device.get("mig_mode") != "on" or "mig_devices" in device)


def is_decided(
    keys: Sequence[str], devices: Devices, wanted: str | None, order: str | None
) -> bool:
    """Whether `chosen` are the GPUs that CUDA shows, whatever their order."""
    by_number = any(entry.strip().isdecimal() for entry in (wanted or "").split(","))
    is_all = sorted(chosen(keys, devices, wanted)) == sorted(keys)
    are_alike = len(kinds(devices)) <= 1 and devices.keys() >= set(keys)
    return not by_number or is_all or order == BY_BUS or are_alike


def kinds(devices: Devices) -> list[str]:
    """`NVIDIA A100-SXM4-40GB (compute capability 8.0)` of each kind of GPU here, sorted."""
    return sorted({_kind(device) for device in list(devices.values())[:MOST]})


def _kind(device: Mapping[str, Any]) -> str:
    known = [device.get(key) for key in ("name", "compute_capability")]
    if None in known:
        return "a GPU of a kind that is not known"
    return "{} (compute capability {})".format(*known)


def parts_of(device: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The MIG devices of a GPU."""
    return device.get("mig_devices") or []


def part_of(device: Mapping[str, Any], wanted: str | None) -> Mapping[str, Any] | None:
    """The MIG device that a program gets of a divided GPU; None when there is none.

    That is the first one unless CUDA_VISIBLE_DEVICES names another.
    https://docs.nvidia.com/datacenter/tesla/mig-user-guide/
    """
    entries = [entry.strip() for entry in (wanted or "").split(",")]
    parts = parts_of(device)
    named = [part for part in parts if any(_names(entry, part) for entry in entries)]
    return next(iter(named or parts), None)


def parts_shown(
    device: Mapping[str, Any], wanted: str | None, driver: str | None
) -> list[Mapping[str, Any]]:
    """The MIG devices that one process is shown: those named, else one of each GPU instance.

    Before R570 it is shown a single one. Section "CUDA Device Enumeration" in
    https://docs.nvidia.com/datacenter/tesla/mig-user-guide/
    """
    entries = [entry.strip() for entry in (wanted or "").split(",")]
    parts = parts_of(device)
    named = [part for part in parts if any(_names(entry, part) for entry in entries)]
    by_instance = {part.get("gpu_instance", number): part for number, part in enumerate(parts)}
    found = named or list(by_instance.values())
    return found if numbers(driver or "") >= _SEVERAL_PARTS else found[:1]


def _named(entry: str, keys: Sequence[str], devices: Devices) -> str | None:
    if entry.isdecimal():
        return entry if entry in keys else None
    for key, device in devices.items():
        if _names(entry, device) or any(_names(entry, part) for part in parts_of(device)):
            return key
    return None


def _names(entry: str, what: Mapping[str, Any]) -> bool:
    """Whether `entry` is the beginning of a UUID, as CUDA_VISIBLE_DEVICES allows."""
    return bool(entry and what.get("uuid") and what["uuid"].startswith(entry))
