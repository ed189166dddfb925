"""Interprets a raw NVML reading: values, known absence, and unknowns with a reason.

`envprint.machine.nvml.client` documents the format of a reading.
"""

import re
from collections.abc import Mapping

from envprint.core.fingerprint import Unknown
from envprint.core.typed import Any, NamedTuple
from envprint.gpu.kernel_driver import (
    CONTROL_DEVICE,
    control_device_error,
    has_nvidia_card,
    is_wsl,
    kernel_module_version,
)
from envprint.machine.attempt import attempt
from envprint.machine.host import Host
from envprint.machine.nvml.codes import (
    DRIVER_NOT_LOADED,
    FUNCTION_NOT_FOUND,
    GPU_IS_LOST,
    INSUFFICIENT_POWER,
    INTERRUPT_TROUBLE,
    LIBRARY_NOT_FOUND,
    LIBRARY_VERSION_MISMATCH,
    NO_PERMISSION,
    NOT_SUPPORTED,
    UNKNOWN_ERROR,
)

OK = "ok"
LATE_MS = 10_000
"""Milliseconds of all calls: less is enough for a machine of some GPUs without persistence mode."""
_NO_ANSWER = (INSUFFICIENT_POWER, INTERRUPT_TROUBLE, GPU_IS_LOST, UNKNOWN_ERROR)
"""Errors with which the driver refuses the handle of a GPU that it cannot reach:
https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html"""

_MAX_MEMORY_BYTES = 1 << 50
"""A thousand times what a GPU has; NVML reports 2**64 - 1 for "not available"."""
_SWITCH = {0: "off", 1: "on"}
_MEANING = {
    NO_PERMISSION: "the driver denies access to the GPU",
    INSUFFICIENT_POWER: "the GPU's external power cables are not attached properly",
    DRIVER_NOT_LOADED: "the driver library is installed, the kernel module is not loaded",
    INTERRUPT_TROUBLE: "the kernel has trouble with the GPU's interrupts",
    LIBRARY_NOT_FOUND: "the driver library cannot be loaded",
    GPU_IS_LOST: "the GPU does not answer, it has fallen off the bus",
    UNKNOWN_ERROR: "the driver answers with an unknown error",
}


class Answer(NamedTuple):
    """A reading, and whether it can be used."""

    reading: Mapping[str, Any]
    status: str | Unknown
    """`ok`, the reason why there is no GPU, or `Unknown`."""
    is_absent: bool = False
    """There is no GPU, as opposed to one that does not respond."""
    has_devices: bool = False
    """NVML returned a GPU count; every GPU has an entry, possibly empty."""

    @property
    def unknown(self) -> Unknown:
        """The status as the reason why a value is unknown."""
        return self.status if isinstance(self.status, Unknown) else Unknown(self.status)


def ask(host: Host) -> Answer:
    """The host's reading, and whether it can be used. Raises `OSError`."""
    try:
        reading = host.nvml()
    except FileNotFoundError:
        reading = {"library": None}
    if not reading["library"]:
        return _without_library(host, reading)
    failure = reading.get("failure")
    if reading.get("init"):
        trouble = _init_trouble(host, reading)
        return Answer(reading, trouble, is_absent=_has_no_use(host, reading["init"]))
    if "count" not in reading:
        return Answer(reading, Unknown(failure or "NVML was not queried"))
    if failed(reading["count"]):
        return Answer(reading, _trouble(host, reading["count"]))
    if not reading["count"]:
        return Answer(reading, "no GPU is attached", is_absent=True)
    return Answer(reading, Unknown(failure) if failure else OK, has_devices=True)


def what_it_did(answer: Answer) -> str | Unknown | None:
    """`ok`, `late` or `none`; None if there is no driver to ask.

    A driver that answered until shortly before the time was over is slow, and does not hang.
    """
    reading = answer.reading
    init = reading.get("init") or {"error": 0}
    if answer.is_absent or not reading["library"] or init["error"] == LIBRARY_NOT_FOUND:
        return None
    overdue = reading.get("overdue")
    if overdue:
        answered = reading.get("call_ms") and overdue["hung_s"] < overdue["waited_s"] / 2
        return "late" if answered else "none"
    if reading.get("failure"):
        return Unknown(reading["failure"])
    return "late" if sum(reading.get("call_ms", {}).values()) > LATE_MS else "ok"


def silence(answer: Answer) -> dict[str, Any] | Unknown | None:
    """Which call did not return; None unless `what_it_did` is `none`."""
    did = what_it_did(answer)
    if isinstance(did, Unknown):
        return did
    overdue = answer.reading["overdue"] if did == "none" else None
    return dict(overdue) if overdue else None


def _without_library(host: Host, reading: Mapping[str, Any]) -> Answer:
    missing = "libnvidia-ml.so.1 is not installed"
    has_card = attempt(lambda: bool(kernel_module_version(host)) or has_nvidia_card(host))
    if isinstance(has_card, Unknown):
        return Answer(reading, Unknown(f"{missing}; {has_card.reason}"))
    if has_card:
        return Answer(reading, "card present, driver library not loadable: " + missing)
    return Answer(reading, missing, is_absent=True)


def _has_no_use(host: Host, error: Mapping[str, Any]) -> bool:
    """Whether no driver is loaded because there is no card; the library alone may be installed."""
    if error["error"] != DRIVER_NOT_LOADED or is_wsl(host):
        return False
    has_card = attempt(lambda: bool(kernel_module_version(host)) or has_nvidia_card(host))
    return has_card is False


def _init_trouble(host: Host, reading: Mapping[str, Any]) -> str | Unknown:
    error = reading["init"]
    module = attempt(lambda: kernel_module_version(host))
    kernel = None if isinstance(module, Unknown) else module
    if error["error"] == DRIVER_NOT_LOADED and kernel:
        return (
            f"the kernel module {kernel} is loaded, but NVML cannot reach it (NVML error "
            f"{error['error']}, {error['name']})"
        )
    if error["error"] != LIBRARY_VERSION_MISMATCH:
        return _trouble(host, error)
    library = library_version(reading)
    if kernel and _cuda_version(host, reading["library"]) == kernel != library:
        return Unknown(
            f"NVML's library {library} belongs to a different driver than libcuda.so and the "
            f"kernel module, which are both {kernel}: it comes from a package of this image, and "
            "frameworks do not need it"
        )
    # The module itself has refused, so it is loaded, whatever can be read about it.
    return (
        f"driver library {library}, kernel module {kernel or 'of an unknown version'}: "
        "reboot or reload the module"
    )


def _cuda_version(host: Host, library: str) -> str | None:
    """The version of the libcuda.so.1 beside NVML's library; None if it cannot be determined."""
    real = attempt(lambda: host.real_path(f"{library.rpartition('/')[0]}/libcuda.so.1"))
    found = None if isinstance(real, Unknown) else re.search(r"\.so\.(\d{3,}(?:\.\d+)+)$", real)
    return found[1] if found else None


def _trouble(host: Host, error: Mapping[str, Any]) -> str:
    """The error as text; an unknown error in a container means that it lost its devices.

    https://github.com/NVIDIA/nvidia-container-toolkit/issues/48
    """
    text = in_words(error)
    closed = control_device_error(host) if error["error"] == UNKNOWN_ERROR else None
    if not closed:
        return text
    from envprint.machine.container import container_kind  # few machines have this error

    kind = attempt(lambda: container_kind(host))
    if isinstance(kind, Unknown) or kind in (None, "wsl"):
        return f"{text}; {CONTROL_DEVICE} cannot be opened: {closed}"
    return (
        "the container lost its GPU devices, typically by systemctl daemon-reload on the host: "
        f"restart the container ({CONTROL_DEVICE} cannot be opened: {closed}; NVML error "
        f"{UNKNOWN_ERROR})"
    )


def has_unknown_error(reading: Mapping[str, Any]) -> bool:
    """Whether the driver, or one of its GPUs, returns error 999 from the start."""
    handles = [device.get("handle") for device in reading.get("devices", ())]
    answers = (reading.get("init"), reading.get("count"), *handles)
    return any(failed(raw) and raw["error"] == UNKNOWN_ERROR for raw in answers)


# /usr/lib/x86_64-linux-gnu/libnvidia-ml.so.550.107.02, and 12.550.107.02 from NVML itself
def library_version(reading: Mapping[str, Any]) -> str:
    """The driver version of the user-space library, or "unknown"."""
    suffix = re.search(r"\.so\.(\d+\.[\d.]+)$", reading["library"])
    if suffix:
        return suffix[1]
    version = reading.get("nvml_version")
    return version.partition(".")[2] if isinstance(version, str) else "unknown"


def failed(raw: Any) -> bool:
    """Whether a call's result is an error object."""
    return isinstance(raw, dict) and "error" in raw


def in_words(error: Mapping[str, Any]) -> str:
    """An error object as readable text: its meaning here, NVML's code and NVML's text."""
    code, name = error["error"], error["name"]
    if code is None:
        return str(name)
    meaning = _MEANING.get(code)
    return f"{meaning} (NVML error {code}, {name})" if meaning else f"{name} (NVML error {code})"


def value(device: Mapping[str, Any], key: str) -> Any:
    """The result of one call, or `Unknown` with NVML's error or the reason for not calling."""
    raw = device.get(key, device.get("unread", {"error": None, "name": "NVML was not queried"}))
    return Unknown(in_words(raw)) if failed(raw) else raw


def value_or_absent(device: Mapping[str, Any], key: str) -> Any:
    """The same, but None if the GPU or its driver lacks the feature."""
    return None if is_missing(device.get(key)) else value(device, key)


def is_missing(raw: Any) -> bool:
    """Whether a call's result means that the feature does not exist here."""
    return failed(raw) and raw["error"] in (NOT_SUPPORTED, FUNCTION_NOT_FOUND)


def parts(device: Mapping[str, Any]) -> list[Mapping[str, Any]] | Unknown:
    """The MIG devices; empty if the GPU does not support MIG or has none."""
    modes = device.get("mig_mode")
    is_on = isinstance(modes, list) and modes[:1] == [1]
    if is_missing(device.get("mig_devices", modes)) and not is_on:
        return []
    if "mig_devices" not in device and modes == [0, 0]:
        return []
    found: list[Mapping[str, Any]] | Unknown = value(device, "mig_devices")
    return found


def switch(device: Mapping[str, Any], key: str, pending: bool = False) -> Any:
    """`on` or `off` for a mode given as [now, pending]; None if the GPU has no such mode."""
    modes = value_or_absent(device, key)
    if modes is None or isinstance(modes, Unknown):
        return modes
    mode = modes[pending]
    return _SWITCH.get(mode) or Unknown(f"NVML reports {mode}, which is neither 0 (off) nor 1 (on)")


def named(device: Mapping[str, Any], key: str, names: Mapping[int, str]) -> Any:
    """The name of a number, or the number as text if it is newer than `names`."""
    number = value_or_absent(device, key)
    if isinstance(number, list):
        number = number[0]
    return names.get(number, str(number)) if type(number) is int else number


def flag(device: Mapping[str, Any], key: str) -> Any:
    """Whether a number is not 0."""
    number = value_or_absent(device, key)
    return bool(number) if type(number) is int else number


def is_lost(device: Mapping[str, Any]) -> bool:
    """Whether the GPU does not respond, from the start or since it fell off the bus later."""
    handle = device.get("handle", {})
    if failed(handle) and handle["error"] in _NO_ANSWER:
        return True
    return any(failed(raw) and raw["error"] == GPU_IS_LOST for raw in device.values())


def memory(device: Mapping[str, Any]) -> Any:
    """The memory record, or `Unknown`, as for integrated GPUs without their own memory."""
    found = value_or_absent(device, "memory")
    if found is None:
        return Unknown("NVML reports no memory for this GPU, which may share the system's")
    if isinstance(found, Unknown):
        return found
    total, used, free = found["total"], found["used"], found["free"]
    if 0 < total < _MAX_MEMORY_BYTES and used <= total and free <= total:
        return found
    return Unknown(
        f"NVML reports {total} bytes of memory, {used} used, {free} free: cannot be true"
    )
