"""The GPUs and MIG devices that CUDA_VISIBLE_DEVICES leaves visible to a program.

CUDA numbers GPUs fastest first unless CUDA_DEVICE_ORDER is PCI_BUS_ID, NVML by bus address; for
different GPUs a number is ambiguous without that variable.
https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html
The guide omits repeated entries, entries that match several GPUs, and mixed names and numbers;
these follow `torch.cuda.device_count`.
https://github.com/pytorch/pytorch/blob/v2.13.0/torch/cuda/__init__.py
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from envprint.core.typed import Any, NamedTuple
from envprint.core.versions import numbers

BY_BUS = "PCI_BUS_ID"
MAX_DEVICES = 1024
"""Limit on the GPUs of one machine: a document may claim any number."""
UNKNOWN_ORDER = (
    "CUDA numbers unlike GPUs from the fastest on and nvidia-smi by bus address, so it is unknown "
    "which GPU a number means; CUDA_DEVICE_ORDER=PCI_BUS_ID would decide it"
)

_SEVERAL_PARTS = (570,)
"""The first driver that shows a program several MIG devices. Earlier ones show one, and no other
GPU; section "CUDA Device Enumeration" in
https://docs.nvidia.com/datacenter/tesla/mig-user-guide/mig-device-names.html"""

Devices = Mapping[str, Mapping[str, Any]]


class VisibleDevice(NamedTuple):
    """One device that a program sees as a GPU."""

    key: str
    """The card, as in the fingerprint's paths."""
    part: int | None = None
    """Index of the MIG device on the card; None for a card without MIG devices."""

    @property
    def label(self) -> str:
        """Identifies it among all visible devices."""
        return self.key if self.part is None else f"{self.key}/{self.part}"


def keys_of(count: int | None, devices: Devices) -> list[str]:
    """The keys of all GPUs that the driver counts, including those that do not respond."""
    return [
        str(index) for index in range(min(len(devices) if count is None else count, MAX_DEVICES))
    ]


def visible_devices(
    keys: Sequence[str], devices: Devices, wanted: str | None, driver: str | None
) -> list[VisibleDevice]:
    """The devices that CUDA_VISIBLE_DEVICES leaves visible, in its order; all if it is unset.

    Reads a number as an NVML index, see `is_decided`, and treats an unknown driver as an old one,
    see `unknown_reason`.
    """
    requested = _requested(keys, devices, wanted)
    return requested if _shows_several_parts(driver) else _one_part_at_most(requested)


def unknown_reason(
    keys: Sequence[str], devices: Devices, wanted: str | None, driver: str | None
) -> str | None:
    """Why the number that `visible_devices` returns is uncertain; None if it is certain."""
    for entry in [] if wanted is None else _entries(wanted):
        if entry in keys or list(_named(entry, keys, devices)):
            continue
        nameless = [key for key in keys if not devices.get(key, {}).get("uuid")]
        if nameless and not entry.isdecimal():
            return f"a name may be that of GPU {nameless[0]}, whose UUID is unknown"
        if entry.startswith("MIG-GPU-"):
            return "a MIG device is named in the form used by drivers before R470"
        unread = [key for key in keys if "mig_devices" not in devices.get(key, {})]
        if unread and entry.startswith("MIG-"):
            return f"a name may be that of a part of GPU {unread[0]}, whose parts are unknown"
    requested = _requested(keys, devices, wanted)
    if driver is None and _one_part_at_most(requested) != requested:
        return "how many parts of a GPU a program sees depends on the driver's version"
    requested_kinds = {one.part is None for one in requested}
    if len(requested_kinds) > 1 and _shows_several_parts(driver):
        return "whether a program sees whole GPUs beside parts of others is unknown"
    return None


def is_decided(
    keys: Sequence[str], devices: Devices, wanted: str | None, order: str | None
) -> bool:
    """Whether `visible_devices` returns the GPUs that CUDA shows, in whatever order."""
    by_number = wanted is not None and any(entry.isdecimal() for entry in _entries(wanted))
    cards = {one.key for one in _requested(keys, devices, wanted)}
    names = {devices.get(key, {}).get("name") for key in keys}
    are_alike = len(names) == 1 and None not in names
    return not by_number or cards == set(keys) or order == BY_BUS or are_alike


def kinds(devices: Devices) -> list[str]:
    """Each kind of GPU, sorted, such as `NVIDIA A100-SXM4-40GB (compute capability 8.0)`."""
    found: dict[str | None, str | None] = {}
    for device in list(devices.values())[:MAX_DEVICES]:
        name, capability = device.get("name"), device.get("compute_capability")
        found[name] = found.get(name) or capability
    return sorted(_kind(name, capability) for name, capability in found.items())


def _kind(name: str | None, capability: str | None) -> str:
    if name is None:
        return "a GPU of an unknown kind"
    return f"{name} (compute capability {capability})" if capability else name


def parts_of(device: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The MIG devices of a GPU."""
    return device.get("mig_devices") or []


def _requested(keys: Sequence[str], devices: Devices, wanted: str | None) -> list[VisibleDevice]:
    """The devices the list names, before the driver's limit.

    The list ends at the first entry that matches no GPU or several. A duplicate makes it empty.
    """
    found: list[VisibleDevice] = []
    for entry in keys if wanted is None else _entries(wanted):
        named = list(_named(entry, keys, devices))
        if not named:
            break
        if named[0] in found:
            return []
        found += named
    return found


def _shows_several_parts(driver: str | None) -> bool:
    return numbers(driver or "") >= _SEVERAL_PARTS


def _one_part_at_most(requested: list[VisibleDevice]) -> list[VisibleDevice]:
    """A MIG device hides whole GPUs and all other MIG devices."""
    return [one for one in requested if one.part is not None][:1] or requested


def _entries(wanted: str) -> list[str]:
    """The numbers or names in a list, up to the first entry of a different kind."""
    entries = [entry.strip() for entry in wanted.split(",")]
    sort = next((sort for sort in ("GPU-", "MIG-") if entries[0].startswith(sort)), None)
    found = []
    for entry in entries:
        number = re.match(r"\+?(\d{1,9})", entry, re.ASCII)
        if sort and entry.startswith(sort):
            found.append(entry)
        elif number and not sort:
            found.append(str(int(number[1])))
        else:
            break
    return found


def _named(entry: str, keys: Sequence[str], devices: Devices) -> Iterator[VisibleDevice]:
    """The devices that one entry names: a GPU or its MIG devices; none if it is ambiguous."""
    if entry.startswith("MIG-"):
        fitting = [
            VisibleDevice(key, number)
            for key, device in devices.items()
            for number, part in enumerate(parts_of(device))
            if str(part.get("uuid") or "").startswith(entry)
        ]
        yield from fitting if len(fitting) == 1 else []
        return
    if entry.startswith("GPU-"):
        cards = [key for key in keys if _begins(devices.get(key, {}), entry)]
    else:
        cards = [entry] if entry in keys else []
    if len(cards) == 1:
        yield from _whole_or_parts(cards[0], devices.get(cards[0], {}))


def _begins(device: Mapping[str, Any], entry: str) -> bool:
    """Whether `entry` is a prefix of the UUID, which CUDA_VISIBLE_DEVICES allows."""
    return str(device.get("uuid") or "").startswith(entry)


def _whole_or_parts(key: str, device: Mapping[str, Any]) -> list[VisibleDevice]:
    """The card; if it has MIG devices, one of each GPU instance instead."""
    parts = parts_of(device) if device.get("mig_mode") == "on" else []
    by_instance: dict[Any, int] = {}
    for number, part in enumerate(parts):
        by_instance.setdefault(part.get("gpu_instance", f"part {number}"), number)
    return [VisibleDevice(key, number) for number in by_instance.values()] or [VisibleDevice(key)]
