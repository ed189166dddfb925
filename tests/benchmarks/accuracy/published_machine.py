"""Cards and drivers as a capture shows them, from which the published cases are put together.

Names, counts and sizes are those of NVIDIA's product pages; UUIDs, PCI addresses and pids are
stand-ins. A part turns a short name into the edits of all the fields that such a thing fills, so
that no case holds half a machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from envprint.core.fields import MapOf, Record, inner
from envprint.documents.codec import fingerprint_shape
from envprint.gpu import card as _gpu_card

MIB = 1 << 20
GIB = 1 << 30
Edits = dict[str, Any]
Facts = Mapping[str, Any]


class Card(NamedTuple):
    """A product: what NVML says of each one of it."""

    name: str
    capability: str
    sms: int
    memory_mib: int
    ecc: str | None = None
    mig: str | None = None


CARDS = {
    "K80": Card("Tesla K80", "3.7", 13, 11441, "on"),
    "M4000": Card("Quadro M4000", "5.2", 13, 8192),
    "TITAN X Maxwell": Card("NVIDIA GeForce GTX TITAN X", "5.2", 24, 12288),
    "GTX 1060": Card("NVIDIA GeForce GTX 1060 6GB", "6.1", 10, 6144),
    "GTX 1080 Ti": Card("NVIDIA GeForce GTX 1080 Ti", "6.1", 28, 11264),
    "TITAN X Pascal": Card("NVIDIA TITAN X (Pascal)", "6.1", 28, 12288),
    "P100": Card("Tesla P100-PCIE-16GB", "6.0", 56, 16384, "on"),
    "V100": Card("Tesla V100-SXM2-16GB", "7.0", 80, 16384, "on"),
    "T4": Card("Tesla T4", "7.5", 40, 15360, "on"),
    "RTX 2060 SUPER": Card("NVIDIA GeForce RTX 2060 SUPER", "7.5", 34, 8192),
    "RTX 2070 SUPER": Card("NVIDIA GeForce RTX 2070 SUPER", "7.5", 40, 8192),
    "RTX 2080": Card("NVIDIA GeForce RTX 2080", "7.5", 46, 8192),
    "RTX 2080 Ti": Card("NVIDIA GeForce RTX 2080 Ti", "7.5", 68, 11264),
    "TITAN RTX": Card("NVIDIA TITAN RTX", "7.5", 72, 24576),
    "A100 40GB": Card("NVIDIA A100-SXM4-40GB", "8.0", 108, 40960, "on", "off"),
    "A100 80GB": Card("NVIDIA A100-SXM4-80GB", "8.0", 108, 81920, "on", "off"),
    "A30": Card("NVIDIA A30", "8.0", 56, 24576, "on", "off"),
    "A10G": Card("NVIDIA A10G", "8.6", 80, 23028, "on"),
    "RTX A4000": Card("NVIDIA RTX A4000", "8.6", 48, 16376, "off"),
    "RTX A6000": Card("NVIDIA RTX A6000", "8.6", 84, 49140, "off"),
    "RTX 3080": Card("NVIDIA GeForce RTX 3080", "8.6", 68, 10240),
    "RTX 3090": Card("NVIDIA GeForce RTX 3090", "8.6", 82, 24576),
    "L4": Card("NVIDIA L4", "8.9", 58, 23034, "on"),
    "L40": Card("NVIDIA L40", "8.9", 142, 46068, "on"),
    "L40S": Card("NVIDIA L40S", "8.9", 142, 46068, "on"),
    "RTX 4080": Card("NVIDIA GeForce RTX 4080", "8.9", 76, 16376),
    "RTX 4090": Card("NVIDIA GeForce RTX 4090", "8.9", 128, 24564),
    "H100": Card("NVIDIA H100 80GB HBM3", "9.0", 132, 81559, "on", "off"),
    "H20": Card("NVIDIA H20", "9.0", 78, 97871, "on", "off"),
    "H200": Card("NVIDIA H200", "9.0", 132, 143771, "on", "off"),
    "RTX 5080": Card("NVIDIA GeForce RTX 5080", "12.0", 84, 16303),
    "RTX 5090": Card("NVIDIA GeForce RTX 5090", "12.0", 170, 32607),
}

# Highest CUDA of each driver branch:
# https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/index.html
BRANCHES = {
    "390": "9.1",
    "410": "10.0",
    "418": "10.1",
    "440": "10.2",
    "450": "11.0",
    "460": "11.2",
    "470": "11.4",
    "515": "11.7",
    "525": "12.0",
    "530": "12.1",
    "535": "12.2",
    "550": "12.4",
    "560": "12.6",
    "570": "12.8",
    "575": "12.9",
    "580": "13.0",
}


def cards(facts: Facts, names: str | Sequence[str]) -> Edits:
    """These cards and no others, nothing on them but the driver's reserve."""
    found = [CARDS[name] for name in ([names] if isinstance(names, str) else names)]
    devices: Edits = {}
    live: Edits = {}
    for index, card in enumerate(found):
        devices[str(index)] = _declared("facts") | {
            "architecture": _gpu_card.architecture(
                {"compute_capability": [*map(int, card.capability.split("."))]}
            ),
            "bus_id": f"00000000:{index + 1:02X}:00.0",
            "compute_capability": card.capability,
            "compute_mode": "default",
            "ecc_mode": card.ecc,
            "memory_total_bytes": card.memory_mib * MIB,
            "mig_devices": [],
            "mig_mode": card.mig,
            "name": card.name,
            "persistence_mode": False,
            "shares_system_memory": False,
            "sm_count": card.sms,
            "uuid": f"GPU-{digest(card.name)[:8]}-0000-0000-0000-{index:012d}",
        }
        live[str(index)] = _memory(card.memory_mib * MIB, 0, [])
    return {
        "facts.gpu.status": "ok",
        "facts.gpu.count": len(found),
        "facts.gpu.devices": devices,
        "live.gpu.devices": live,
        "live.gpu.pids_are_ours": True,
    }


def held(facts: Facts, what: Mapping[str, Any]) -> Edits:
    """A process on the first card: `gib` of memory, `name` (None when it has ended)."""
    total = facts["gpu"]["devices"]["0"]["memory_total_bytes"]
    size = int(what["gib"] * GIB)
    process = {"kind": "compute", "memory_bytes": size, "pid": 4711}
    if what["name"] is None:
        process["name_unknown"] = "4711: No such process"
    else:
        process |= {"name": what["name"], "name_unknown": None, "own": False, "same_user": False}
    return {"live.gpu.devices[0]": _memory(total, size, [process])}


def _memory(total: int, used: int, processes: list[Any]) -> Edits:
    reserved, idle = total * 15 // 1000, 4 * MIB
    return _declared("live") | {
        "display_active": False,
        "memory_free_bytes": total - reserved - idle - used,
        "memory_interface": "v2",
        "memory_reserved_bytes": reserved,
        "memory_used_bytes": used + idle,
        "processes": processes,
        "unattributed_bytes": idle,
        "unattributed_reason": "held by the driver, as managed memory, or by a process that has "
        "ended",
    }


def _declared(place: str) -> Edits:
    """Every field of a device, known to be absent: a field that is left out would be unknown."""
    shape = inner(inner(inner(fingerprint_shape(), place), "gpu"), "devices")
    assert isinstance(shape, MapOf) and isinstance(shape.item, Record)
    return {field.name: None for field in shape.item.fields}


def driver(facts: Facts, version: str) -> Edits:
    """A driver, both halves of it."""
    cuda = BRANCHES[version.partition(".")[0]]
    folder = "/usr/lib/x86_64-linux-gnu"
    return {
        "facts.gpu.driver_version": version,
        "facts.gpu.nvml_version": f"{cuda.partition('.')[0]}.{version}",
        "facts.gpu.library_path": f"{folder}/libnvidia-ml.so.{version}",
        "facts.cuda.driver_library": {
            "compat": False,
            "directory": folder,
            "path": f"{folder}/libcuda.so.{version}",
            "version": version,
        },
        "facts.cuda.kernel_module_version": version,
        "facts.cuda.supported_version": cuda,
    }


def no_gpu(facts: Facts, nothing: None) -> Edits:
    """A machine or container without GPU and driver."""
    absent = ("gpu.driver_version", "gpu.nvml_version", "gpu.library_path", "cuda.driver_library")
    return {
        **{f"facts.{field}": None for field in absent},
        "facts.cuda.kernel_module_version": None,
        "facts.cuda.supported_version": None,
        "facts.gpu.status": "libnvidia-ml.so.1 is not installed",
        "facts.gpu.count": 0,
        "facts.gpu.devices": {},
        "live.gpu.devices": {},
        "live.gpu.pids_are_ours": None,
    }


def digest(text: str) -> str:
    """A stand-in for a name that no one can know."""
    return hashlib.sha256(text.encode()).hexdigest()
