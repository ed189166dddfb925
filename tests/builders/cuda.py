"""Fingerprints of machines with CUDA libraries."""

from __future__ import annotations

from typing import Any

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from tests.builders.support import fingerprint

DRIVER = "facts.gpu.driver_version"
LIBRARY = "facts.cuda.driver_library"
CODE = "facts.frameworks.tensorflow.compute_capabilities"
TF_WHEEL = ["sm_60", "sm_70", "sm_80", "sm_89", "compute_90"]


def libraries(key: str, *versions: str, source: str = "wheel", **built: str) -> dict[str, Any]:
    copies = [{"version": v, "path": "/p", "source": source} for v in versions]
    return {
        f"facts.cuda.{key}.installed": copies,
        f"facts.cuda.{key}.loaded": [],
        f"facts.cuda.{key}.built": built,
    }


def machine(values: dict[str, Any], capability: str = "8.6", count: int = 1) -> Fingerprint:
    card = {"compute_capability": capability, "memory_total_bytes": 1}
    found: dict[str, Any] = {"facts.gpu.count": count}
    for index in range(count):
        found[f"facts.gpu.devices[{index}]"] = dict(card)
        found[f"live.gpu.devices[{index}].memory_free_bytes"] = 1
    return fingerprint(found | values)


def says(result: Any) -> list[tuple[Impact, str]]:
    findings, undecided = result
    assert undecided == []
    return [(finding.impact, finding.message) for finding in findings]
