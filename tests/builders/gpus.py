"""Fingerprints of machines with GPUs."""

from __future__ import annotations

from typing import Any

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from tests.builders.support import fingerprint

GIB = 1 << 30
MIB = 1 << 20
T4 = {"name": "Tesla T4", "compute_capability": "7.5", "architecture": "Turing", "sm_count": 40}
L4 = {"name": "NVIDIA L4", "compute_capability": "8.9", "architecture": "Ada", "sm_count": 58}
A10 = {"name": "NVIDIA A10", "compute_capability": "8.6", "architecture": "Ampere", "sm_count": 72}
A2 = {"name": "NVIDIA A2", "compute_capability": "8.6", "architecture": "Ampere", "sm_count": 10}
DEVICE = "facts.gpu.devices[0]"
VISIBLE = "facts.environ.variables[CUDA_VISIBLE_DEVICES]"
BY_BUS = {"facts.environ.variables[CUDA_DEVICE_ORDER]": "PCI_BUS_ID"}


def machine(*cards: dict[str, Any], unknown: Any = None, more: Any = None) -> Fingerprint:
    """A fingerprint with these GPUs, and `more` by path."""
    found: dict[str, Any] = {"facts.gpu.status": "ok", "facts.gpu.count": len(cards)}
    found["facts.gpu.driver_version"] = "550.90.07"
    found["facts.gpu.devices"] = {
        str(index): {"memory_total_bytes": 16 * GIB, "mig_mode": None, **card}
        for index, card in enumerate(cards)
    }
    found |= {f"live.gpu.devices[{index}].memory_free_bytes": GIB for index in range(len(cards))}
    return fingerprint(found | (more or {}), unknown)


def says(result: Any) -> list[tuple[Impact, str]]:
    findings, undecided = result
    assert undecided == []
    return [(finding.impact, finding.message) for finding in findings]
