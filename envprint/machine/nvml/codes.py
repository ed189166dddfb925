"""The NVML errors that envprint distinguishes, from `nvmlReturn_enum` in nvml.h.

https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html
"""

INVALID_ARGUMENT = 2
NOT_SUPPORTED = 3
NO_PERMISSION = 4
NOT_FOUND = 6
INSUFFICIENT_SIZE = 7
INSUFFICIENT_POWER = 8
DRIVER_NOT_LOADED = 9
INTERRUPT_TROUBLE = 11
LIBRARY_NOT_FOUND = 12
FUNCTION_NOT_FOUND = 13
GPU_IS_LOST = 15
LIBRARY_VERSION_MISMATCH = 18
"""The library and the kernel module belong to different drivers."""
ARGUMENT_VERSION_MISMATCH = 25
"""The driver does not know this version of a struct."""
UNKNOWN_ERROR = 999
