"""AMD's ROCm: its kernel driver, its version, and the GPUs that it shows to programs.

Read from files of the kernel; nothing of ROCm is loaded. Empty where there is no /dev/kfd.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from envprint.core.fields import FLAG, INTEGER, TEXT, Field, MapOf, record
from envprint.core.typed import Any
from envprint.machine.attempt import attempt, names_or_empty, text_or_none
from envprint.machine.host import Host

KFD = "/dev/kfd"
_NODES = "/sys/class/kfd/kfd/topology/nodes"

FACTS = (
    Field("kfd_device", FLAG, "Whether /dev/kfd exists, which every program of ROCm opens."),
    Field(
        "driver_version",
        TEXT,
        "Version of the amdgpu kernel module; null for the one that comes with the kernel.",
    ),
    Field("version", TEXT, "Version of the installed ROCm, such as 6.2.4-120; null without."),
    Field(
        "gpus",
        MapOf(
            record(
                Field("target", TEXT, "Instruction set, such as gfx90a."),
                Field("simd_count", INTEGER, "Number of SIMD units; four are a compute unit."),
            ),
            "node",
        ),
        "GPUs in the kernel's topology; empty if there is none.",
    ),
)


def collect(host: Host) -> Mapping[str, Any]:
    """Read from /dev, /sys and /opt/rocm."""
    if host.file_type(KFD) is None:
        return {"kfd_device": False, "driver_version": None, "version": None, "gpus": {}}
    return {
        "kfd_device": True,
        "driver_version": attempt(lambda: _first_line(host, "/sys/module/amdgpu/version")),
        "version": attempt(lambda: _first_line(host, "/opt/rocm/.info/version")),
        "gpus": attempt(lambda: _gpus(host)),
    }


def _first_line(host: Host, path: str) -> str | None:
    return (text_or_none(host, path) or "").partition("\n")[0].strip() or None


def _gpus(host: Host) -> dict[str, Any]:
    found = {}
    for node in names_or_empty(host, _NODES):
        properties = parse_properties(text_or_none(host, f"{_NODES}/{node}/properties") or "")
        if properties.get("simd_count"):  # a processor has none
            found[node] = {
                "target": target_name(properties.get("gfx_target_version", 0)),
                "simd_count": properties["simd_count"],
            }
    return found


# simd_count 416
# gfx_target_version 90010
# https://github.com/torvalds/linux/blob/master/drivers/gpu/drm/amd/amdkfd/kfd_topology.c
def parse_properties(text: str) -> dict[str, int]:
    """The numbers in a node's file."""
    return {name: int(value) for name, value in re.findall(r"(?m)^(\w+) (\d{1,18})$", text)}


def target_name(version: int) -> str | None:
    """`gfx90a` for 90010: major, minor and stepping, of which the last two are hexadecimal."""
    if not version:
        return None
    major, minor, stepping = version // 10000, version // 100 % 100, version % 100
    return f"gfx{major}{minor:x}{stepping:x}"
