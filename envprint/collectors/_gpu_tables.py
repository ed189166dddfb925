"""What NVML's numbers mean: the values of its enumerations and the bits of its masks.

https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html and
group__nvmlClocksEventReasons.html there, nvmlDeviceGpuRecoveryAction_t in nvml.h.
"""

from __future__ import annotations

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
