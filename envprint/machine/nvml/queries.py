"""The queries for each device: the key in a reading, and the NVML function that returns it.

Names and codes are those of nvml.h: https://docs.nvidia.com/deploy/nvml-api/
"""

from __future__ import annotations

from collections.abc import Callable

from envprint.core.typed import Any


def text(value: Any) -> str:
    """A string from pynvml: most functions decode it, some return bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _bus_id(info: Any) -> str:
    return text(info.busId)


RECOVERY_ACTION = 230
"""NVML_FI_DEV_GET_GPU_RECOVERY_ACTION: what the driver requires after a fault."""


class FieldError(Exception):
    """NVML has no value for a field; the code is the argument."""


class OddError(Exception):
    """NVML returned an impossible value, which is the argument."""


MAX_DEVICES = 1024
"""Plausible GPUs of a machine, or MIG devices of a GPU: each reported one costs calls and
memory."""


def counted(number: Any) -> int:
    """A plausible number of devices. Raises `OddError`."""
    if number > MAX_DEVICES:
        raise OddError(f"NVML reports a count of {number}, which cannot be true")
    return int(number)


def _field(values: Any) -> int:
    if values[0].nvmlReturn:
        raise FieldError(values[0].nvmlReturn)
    return int(values[0].value.uiVal)


Queries = tuple[tuple[str, str, tuple[Any, ...], Callable[[Any], Any]], ...]
"""Key in the reading, function, its further arguments as in nvml.h, conversion of the result."""

IDENTITY: Queries = (
    ("uuid", "nvmlDeviceGetUUID", (), text),
    ("name", "nvmlDeviceGetName", (), text),
    ("bus_id", "nvmlDeviceGetPciInfo", (), _bus_id),
    ("mig_mode", "nvmlDeviceGetMigMode", (), list),
)
DETAILS: Queries = (
    ("compute_capability", "nvmlDeviceGetCudaComputeCapability", (), list),
    ("cores", "nvmlDeviceGetNumGpuCores", (), int),
    ("compute_mode", "nvmlDeviceGetComputeMode", (), int),
    ("persistence_mode", "nvmlDeviceGetPersistenceMode", (), int),
    ("display_active", "nvmlDeviceGetDisplayActive", (), int),
    ("driver_model", "nvmlDeviceGetDriverModel", (), list),
    ("addressing_mode", "nvmlDeviceGetAddressingMode", (), int),
    ("virtualization_mode", "nvmlDeviceGetVirtualizationMode", (), int),
    ("ecc_mode", "nvmlDeviceGetEccMode", (), list),
    ("ecc_corrected", "nvmlDeviceGetTotalEccErrors", (0, 0), int),
    ("ecc_uncorrected", "nvmlDeviceGetTotalEccErrors", (1, 0), int),
    ("ecc_corrected_ever", "nvmlDeviceGetTotalEccErrors", (0, 1), int),
    ("ecc_uncorrected_ever", "nvmlDeviceGetTotalEccErrors", (1, 1), int),
    ("retired_single_bit", "nvmlDeviceGetRetiredPages", (0,), len),
    ("retired_double_bit", "nvmlDeviceGetRetiredPages", (1,), len),
    ("retirement_pending", "nvmlDeviceGetRetiredPagesPendingStatus", (), int),
    ("remapped_rows", "nvmlDeviceGetRemappedRows", (), list),
    ("recovery_action", "nvmlDeviceGetFieldValues", ([RECOVERY_ACTION],), _field),
    ("temperature", "nvmlDeviceGetTemperature", (0,), int),
    ("power_limit", "nvmlDeviceGetPowerManagementLimit", (), int),
    ("clock_sm", "nvmlDeviceGetClockInfo", (1,), int),
    ("clock_memory", "nvmlDeviceGetClockInfo", (2,), int),
    ("clock_sm_max", "nvmlDeviceGetMaxClockInfo", (1,), int),
    ("clock_memory_max", "nvmlDeviceGetMaxClockInfo", (2,), int),
)
PART: Queries = (
    ("uuid", "nvmlDeviceGetUUID", (), text),
    ("name", "nvmlDeviceGetName", (), text),
    ("gpu_instance", "nvmlDeviceGetGpuInstanceId", (), int),
    ("compute_instance", "nvmlDeviceGetComputeInstanceId", (), int),
    ("sm_count", "nvmlDeviceGetAttributes", (), lambda a: int(a.multiprocessorCount)),
)
PROCESS_LISTS = {
    "compute_processes": "nvmlDeviceGetComputeRunningProcesses",
    "graphics_processes": "nvmlDeviceGetGraphicsRunningProcesses",
    "mps_processes": "nvmlDeviceGetMPSComputeRunningProcesses",
}
"""Lists of processes that compute, draw, or compute through the Multi-Process Service."""
MOMENT = ("memory", *PROCESS_LISTS)
"""What a watch reads from each device in every sample."""
