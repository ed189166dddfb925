"""The kind of card a GPU is, from its NVML reading and the table of generations."""

from __future__ import annotations

from collections.abc import Mapping

from envprint import knowledge
from envprint.core.fingerprint import Unknown
from envprint.core.typed import Any
from envprint.gpu import reading as nvml

COMPUTE_MODES = {0: "default", 1: "exclusive-thread", 2: "prohibited", 3: "exclusive-process"}
DRIVER_MODELS = {0: "WDDM", 1: "WDM", 2: "MCDM"}
ADDRESSING_MODES = {0: "none", 1: "HMM", 2: "ATS"}
VIRTUALIZATION_MODES = {0: "none", 1: "passthrough", 2: "vGPU", 3: "host-vGPU", 4: "host-vSGA"}
"""NVML's numbers: https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html"""


def shares_memory(device: Mapping[str, Any]) -> bool | Unknown:
    """Whether the GPU has no memory of its own and uses the system's."""
    found, kind, name = nvml.memory(device), capability(device), nvml.value(device, "name")
    if not isinstance(found, Unknown):
        return False
    known = None if isinstance(kind, Unknown) else _known(kind)
    words = () if isinstance(name, Unknown) else knowledge.entries("integrated_gpu_names")
    if (known and known["integrated"]) or any(entry["name"] in name for entry in words):
        return True
    return False if known and not nvml.is_missing(device.get("memory")) else found


def capability(device: Mapping[str, Any]) -> str | Unknown:
    """The compute capability as text, such as `7.5`."""
    found: list[int] | Unknown = nvml.value(device, "compute_capability")
    if isinstance(found, Unknown):
        return found
    text = ".".join(map(str, found))
    return text if found[0] > 0 else Unknown(f"NVML reports {text}, which no GPU has")


def architecture(device: Mapping[str, Any]) -> str | Unknown:
    """The name of the GPU's generation."""
    name: str | Unknown = _from_table("architecture", capability(device))
    return name


def sm_count(device: Mapping[str, Any]) -> int | Unknown:
    """Streaming multiprocessors: NVML's number of cores divided by those of one SM."""
    cores = nvml.value(device, "cores")
    per_sm = _from_table("cores_per_sm", capability(device))
    if isinstance(cores, Unknown):
        return cores
    return per_sm if isinstance(per_sm, Unknown) else int(cores // per_sm)


def _from_table(field: str, capability: str | Unknown) -> Any:
    if isinstance(capability, Unknown):
        return capability
    known = (_known(capability) or {}).get(field)
    return known or Unknown(f"compute capability {capability} is not in envprint's table")


def _known(capability: str) -> knowledge.Entry | None:
    return knowledge.find("compute_capabilities", capability=capability)
