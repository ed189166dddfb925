"""The NVIDIA driver as seen through the kernel and the PCI bus, without its libraries."""

from __future__ import annotations

import errno
import re

from envprint.core.fingerprint import Unknown
from envprint.machine.attempt import attempt, names_or_empty, text_or_none
from envprint.machine.host import Host

CONTROL_DEVICE = "/dev/nvidiactl"
_PCI = "/sys/bus/pci/devices"
_VENDOR = "0x10de"
_DISPLAY_CLASS = "0x03"


def kernel_module_version(host: Host) -> str | None:
    """The version of the loaded kernel module; None if none is loaded. Raises `OSError`."""
    text = text_or_none(host, "/proc/driver/nvidia/version")
    version = parse_driver_version(text) if text else None
    if version is None:
        text = text_or_none(host, "/sys/module/nvidia/version")
        version = text.strip() if text else None
    return version


# NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.90.07  Fri May 31 09:35:42 UTC 2024
# NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.158.01  Release Build  (…)
# https://download.nvidia.com/XFree86/Linux-x86_64/550.90.07/README/procinterface.html
def parse_driver_version(text: str) -> str | None:
    """The version in `/proc/driver/nvidia/version`, for the proprietary and the open module."""
    found = re.search(r"Kernel Module(?: for \S+)?\s+(\d+(?:\.\d+)+)", text)
    return found[1] if found else None


def control_device_error(host: Host) -> str | None:
    """The error of opening the driver's control device, such as `EPERM`; None if it opens.

    A host opens a path before it finds that it is not a regular file, so reading it suffices.
    """
    try:
        host.read(CONTROL_DEVICE)
    except OSError as error:
        is_open = error.errno == errno.EINVAL
        return None if is_open else errno.errorcode.get(error.errno or 0, str(error))
    return None


UVM_DEVICE = "/dev/nvidia-uvm"
_MODPROBE = ("/usr/bin/nvidia-modprobe", "/usr/local/bin/nvidia-modprobe")


def uvm_device(host: Host) -> str | None:
    """`present`, `on-demand` or `missing`; None where the driver has no device files.

    CUDA opens it at its start. If it does not exist, the driver's library runs nvidia-modprobe,
    which makes it; inside a container nothing can.
    https://download.nvidia.com/XFree86/Linux-x86_64/550.90.07/README/faq.html
    """
    if host.file_type(CONTROL_DEVICE) is None:
        return None
    if host.file_type(UVM_DEVICE) is not None:
        return "present"
    return "on-demand" if any(host.file_type(path) for path in _MODPROBE) else "missing"


_SWITCHES = "/proc/driver/nvidia-nvswitch/devices"
_PID_FILES = (
    "/run/nvidia-fabricmanager/nv-fabricmanager.pid",
    "/var/run/nvidia-fabricmanager/nv-fabricmanager.pid",
)
_DAEMON = "nv-fabricmanager"[:15]
"""Its name as the kernel truncates it."""


def fabric_manager(host: Host) -> str | Unknown | None:
    """`running` or `missing`; None without an NVSwitch. Raises `OSError`.

    The daemon may run in another container, which is why its process is looked for, and why
    nothing is known from inside one.
    https://github.com/NVIDIA/open-gpu-kernel-modules/blob/main/kernel-open/nvidia/procfs_nvswitch.c
    """
    if not names_or_empty(host, _SWITCHES):
        return None
    if any(host.file_type(path) is not None for path in _PID_FILES):
        return "running"
    from envprint.machine.container import container_kind  # few machines come here

    if container_kind(host) is not None or not text_or_none(host, "/proc/1/comm"):
        return Unknown("not every process of the machine is visible here")
    pids = filter(str.isdigit, host.list_dir("/proc"))
    names = ((text_or_none(host, f"/proc/{pid}/comm") or "").strip() for pid in pids)
    return "running" if _DAEMON in names else "missing"


_GPUS = "/proc/driver/nvidia/gpus"
_PASSED_THROUGH = "identity"


def iommu(host: Host) -> str | Unknown | None:
    """`off`, `passed-through` or `translated`; the last if it is so for any GPU. Raises `OSError`.

    None if the driver lists no GPU.
    https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-kernel-iommu_groups
    """
    kinds = set()
    for bus_id in names_or_empty(host, _GPUS):
        place = f"{_PCI}/{bus_id.lower()}"
        if host.file_type(place) is None:
            return Unknown(f"{place} does not exist")
        if host.file_type(f"{place}/iommu_group") is None:
            kinds.add("off")
            continue
        kind = (text_or_none(host, f"{place}/iommu_group/type") or "").strip()
        if not kind:
            return Unknown(f"{place}/iommu_group does not say its type")
        kinds.add("passed-through" if kind == _PASSED_THROUGH else "translated")
    return max(kinds, default=None)


def has_nvidia_card(host: Host) -> bool:
    """Whether the PCI bus has an NVIDIA display or 3D controller. Raises `OSError`.

    https://www.kernel.org/doc/html/latest/PCI/sysfs-pci.html
    """
    return any(
        (text_or_none(host, f"{_PCI}/{name}/vendor") or "").strip() == _VENDOR
        and (text_or_none(host, f"{_PCI}/{name}/class") or "").startswith(_DISPLAY_CLASS)
        for name in names_or_empty(host, _PCI)
    )


def is_wsl(host: Host) -> bool:
    """Whether this is the Windows Subsystem for Linux.

    https://learn.microsoft.com/windows/wsl/kernel-release-notes: 5.15.153.1-microsoft-standard-WSL2
    """
    release = attempt(lambda: host.system()["release"])
    return not isinstance(release, Unknown) and "microsoft" in release.lower()
