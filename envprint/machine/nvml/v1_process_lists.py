"""The process lists of drivers before R450, which pynvml no longer supports."""

from __future__ import annotations

from envprint.core.typed import Any
from envprint.machine.nvml.codes import FUNCTION_NOT_FOUND, INSUFFICIENT_SIZE

_NOT_AVAILABLE = 2**64 - 1


# https://docs.nvidia.com/deploy/nvml-api/structnvmlProcessInfo__v1__t.html
def listed(pynvml: Any, name: str, handle: Any) -> list[Any]:
    """The entries of a version 1 process list. Raises pynvml's `NVMLError`."""
    import ctypes

    class Process(ctypes.Structure):
        _fields_ = (("pid", ctypes.c_uint), ("usedGpuMemory", ctypes.c_ulonglong))

    try:
        function = getattr(ctypes.CDLL("libnvidia-ml.so.1"), name)
    except AttributeError:
        raise pynvml.NVMLError(FUNCTION_NOT_FOUND) from None
    count = ctypes.c_uint(0)
    code = function(handle, ctypes.byref(count), None)
    found: Any = ()
    if code == INSUFFICIENT_SIZE:
        # Room for processes that start between the two calls.
        count.value = count.value * 2 + 5
        found = (Process * count.value)()
        code = function(handle, ctypes.byref(count), found)
    if code:
        raise pynvml.NVMLError(code)
    return [_Listed(p.pid, p.usedGpuMemory) for p in found[: count.value]]


class _Listed:
    """An entry like those of pynvml's newer functions."""

    def __init__(self, pid: int, used: int) -> None:
        self.pid = pid
        self.usedGpuMemory = None if used == _NOT_AVAILABLE else used
