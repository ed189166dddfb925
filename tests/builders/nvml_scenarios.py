"""Readings of simulated drivers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envprint.core.fingerprint import GPU_TIMEOUT_S
from envprint.machine.live import LiveHost
from tests.nvml import simulator


def read(
    scenario: Path, timeout_s: float = GPU_TIMEOUT_S, name: str = "driver.txt"
) -> dict[str, Any]:
    """What the child of the live host reads, with paths of this run made neutral."""
    driver = scenario / name
    variables = simulator.environment(driver, simulator.generation_of(driver))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("LD_LIBRARY_PATH", simulator.VARIABLE):
            patch.setenv(name, variables[name])
        host = LiveHost(gpu_timeout_s=timeout_s)
        host.start_gpu_query()
        text = json.dumps(host.nvml())
    folder = str(simulator.library(simulator.generation_of(driver)).parent)
    reading: dict[str, Any] = json.loads(text.replace(folder, "/simulated"))
    return reading
