"""What a compute capability says of a GPU. Written down on 2026-11-21.

Names and capabilities: https://developer.nvidia.com/cuda-gpus ; cores of one SM:
https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#compute-capabilities
What is not listed is newer than these tables, and unknown.
"""

from __future__ import annotations

from collections.abc import Mapping

ARCHITECTURES: Mapping[tuple[int, ...], str] = {
    (3, 0): "Kepler",
    (3, 5): "Kepler",
    (3, 7): "Kepler",
    (5, 0): "Maxwell",
    (5, 2): "Maxwell",
    (5, 3): "Maxwell",
    (6, 0): "Pascal",
    (6, 1): "Pascal",
    (6, 2): "Pascal",
    (7, 0): "Volta",
    (7, 2): "Volta",
    (7, 5): "Turing",
    (8, 0): "Ampere",
    (8, 6): "Ampere",
    (8, 7): "Ampere",
    (8, 9): "Ada",
    (9, 0): "Hopper",
    (10, 0): "Blackwell",
    (10, 3): "Blackwell",
    (11, 0): "Blackwell",
    (12, 0): "Blackwell",
    (12, 1): "Blackwell",
}

CORES_PER_SM: Mapping[tuple[int, ...], int] = {
    (3, 0): 192,
    (3, 5): 192,
    (3, 7): 192,
    (5, 0): 128,
    (5, 2): 128,
    (5, 3): 128,
    (6, 0): 64,
    (6, 1): 128,
    (6, 2): 128,
    (7, 0): 64,
    (7, 2): 64,
    (7, 5): 64,
    (8, 0): 64,
    (8, 6): 128,
    (8, 7): 128,
    (8, 9): 128,
    (9, 0): 128,
    (10, 0): 128,
    (10, 3): 128,
    (11, 0): 128,
    (12, 0): 128,
    (12, 1): 128,
}
"""FP32 units, which is what NVML counts as cores."""

INTEGRATED = frozenset(((5, 3), (6, 2), (7, 2), (8, 7), (10, 1), (11, 0), (12, 1)))
"""Capabilities of Tegra X1 and X2, Xavier, Orin, Thor (10.1 before CUDA 13) and GB10, which share
the system's memory: https://developer.nvidia.com/cuda-gpus and cuda-legacy-gpus there."""
INTEGRATED_NAMES = ("nvgpu", "Tegra", "Xavier", "Orin", "Thor", "GB10")

COMPUTE_MODES = {0: "default", 1: "exclusive-thread", 2: "prohibited", 3: "exclusive-process"}
DRIVER_MODELS = {0: "WDDM", 1: "WDM", 2: "MCDM"}
ADDRESSING_MODES = {0: "none", 1: "HMM", 2: "ATS"}
VIRTUALIZATION_MODES = {0: "none", 1: "passthrough", 2: "vGPU", 3: "host-vGPU", 4: "host-vSGA"}
CLOCK_REASONS = {
    0x1: "idle",
    0x2: "applications-clocks",
    0x4: "power-cap",
    0x8: "hardware-slowdown",
    0x10: "sync-boost",
    0x20: "thermal-slowdown",
    0x40: "hardware-thermal-slowdown",
    0x80: "power-brake",
    0x100: "display-clocks",
}
RECOVERY_ACTIONS = {0: "none", 1: "reset", 2: "reboot", 3: "drain-peers", 4: "drain-and-reset"}
"""NVML's numbers: https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html and
group__nvmlClocksEventReasons.html there, nvmlDeviceGpuRecoveryAction_t in nvml.h."""
