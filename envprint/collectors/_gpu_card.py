"""What kind of card a GPU is, from what NVML says of it and the tables of generations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envprint.collectors import _nvml as nvml
from envprint.collectors._gpu_tables import (
    ARCHITECTURES,
    CORES_PER_SM,
    INTEGRATED,
    INTEGRATED_NAMES,
)
from envprint.model import Unknown
from envprint.versions import numbers


def shares_memory(device: Mapping[str, Any]) -> bool | Unknown:
    """Whether the GPU has no memory of its own and takes the system's."""
    found, kind, name = nvml.memory(device), capability(device), nvml.value(device, "name")
    if not isinstance(found, Unknown):
        return False
    version = () if isinstance(kind, Unknown) else numbers(kind)
    is_named = not isinstance(name, Unknown) and any(word in name for word in INTEGRATED_NAMES)
    if version in INTEGRATED or is_named:
        return True
    is_discrete = version in ARCHITECTURES and not nvml.is_missing(device.get("memory"))
    return False if is_discrete else found


def capability(device: Mapping[str, Any]) -> str | Unknown:
    """The compute capability as text, such as `7.5`."""
    found: list[int] | Unknown = nvml.value(device, "compute_capability")
    if isinstance(found, Unknown):
        return found
    text = ".".join(map(str, found))
    return text if found[0] > 0 else Unknown(f"NVML gives {text}, which no GPU has")


def architecture(device: Mapping[str, Any]) -> str | Unknown:
    """The name of the GPU's generation."""
    name: str | Unknown = _from_table(ARCHITECTURES, capability(device))
    return name


def sm_count(device: Mapping[str, Any]) -> int | Unknown:
    """Streaming multiprocessors: NVML gives all cores, the capability those of one SM."""
    cores = nvml.value(device, "cores")
    per_sm = _from_table(CORES_PER_SM, capability(device))
    if isinstance(cores, Unknown):
        return cores
    return per_sm if isinstance(per_sm, Unknown) else int(cores // per_sm)


def _from_table(table: Mapping[tuple[int, ...], Any], capability: str | Unknown) -> Any:
    if isinstance(capability, Unknown):
        return capability
    known = table.get(numbers(capability))
    return known or Unknown(f"compute capability {capability} is not in envprint's table")
