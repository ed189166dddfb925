"""GPUs whose memory somebody uses."""

from __future__ import annotations

from typing import Any

from envprint.core.fingerprint import Fingerprint
from tests.builders.gpus import GIB, MIB, T4, machine

HELD = "gpu-memory-held-by-others"
PIDS = "live.gpu.pids_are_ours"


def in_use(
    free: int,
    *processes: dict[str, Any],
    rest: int = 0,
    reason: str | None = None,
    interface: str = "v2",
    **more: Any,
) -> Fingerprint:
    """A T4 at one moment; memory in MiB."""
    device = {
        "memory_used_bytes": 16 * GIB - free * MIB,
        "memory_free_bytes": free * MIB,
        "memory_interface": interface,
        "processes": [p | {"memory_bytes": p["memory_bytes"] * MIB} for p in processes],
        "unattributed_bytes": rest * MIB,
        "unattributed_reason": reason,
    }
    return machine(T4, more={"live.gpu.devices[0]": device, PIDS: True} | more)


XORG = {"pid": 1201, "name": "Xorg", "memory_bytes": 412, "own": False, "kind": "graphics"}
FIREFOX = {"pid": 2950, "name": "firefox", "memory_bytes": 396, "own": False}
OWN = {"pid": 77, "name": "python", "memory_bytes": 9000, "own": True}
