"""What is wrong with a GPU: faults of its memory, and what holds its clocks back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envprint.collectors import _nvml as nvml
from envprint.model import Unknown

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
"""NVML's bits: https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html, and its
numbers, nvmlDeviceGpuRecoveryAction_t in nvml.h."""


def errors(device: Mapping[str, Any]) -> dict[str, Any] | None:
    """The counters and what is pending; None where the GPU has none of them.

    Retired pages are those of GPUs before Ampere, remapped rows those since:
    https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/index.html
    """
    rows = nvml.value_or_absent(device, "remapped_rows")
    found = {
        "corrected": nvml.value_or_absent(device, "ecc_corrected"),
        "uncorrected": nvml.value_or_absent(device, "ecc_uncorrected"),
        "corrected_ever": nvml.value_or_absent(device, "ecc_corrected_ever"),
        "uncorrected_ever": nvml.value_or_absent(device, "ecc_uncorrected_ever"),
        "pages_retired_corrected": nvml.value_or_absent(device, "retired_single_bit"),
        "pages_retired_uncorrected": nvml.value_or_absent(device, "retired_double_bit"),
        "retirement_pending": nvml.flag(device, "retirement_pending"),
        "rows_remapped": sum(rows[:2]) if isinstance(rows, list) else rows,
        "remap_pending": bool(rows[2]) if isinstance(rows, list) else rows,
        "remap_failed": bool(rows[3]) if isinstance(rows, list) else rows,
        "recovery_action": nvml.named(device, "recovery_action", RECOVERY_ACTIONS),
    }
    return found if any(value is not None for value in found.values()) else None


def clock_reasons(device: Mapping[str, Any]) -> list[str] | Unknown | None:
    """The names of the bits that are set; a bit without a name as `0x400`."""
    mask = nvml.value_or_absent(device, "clock_reasons")
    if type(mask) is not int:
        none: Unknown | None = mask
        return none
    bits = (1 << place for place in range(64) if mask >> place & 1)
    return [CLOCK_REASONS.get(bit, hex(bit)) for bit in bits]
