"""What kind of container a host is, by the marks that each kind leaves.

A file, a name in a control group, a variable: what a container may show differs, and so do the
reasons why a GPU is lost in it.
"""

from envprint.core.known_variables import MANAGER
from envprint.machine.attempt import text_or_none
from envprint.machine.host import Host

_CGROUP_MARKS = (
    ("/kubepods", "kubernetes"),
    ("/libpod", "podman"),
    ("/docker", "docker"),
    ("/lxc", "lxc"),
)


def container_kind(host: Host) -> str | None:
    """docker, podman, kubernetes, …, wsl; None outside any. Raises `OSError`."""
    return _kind_by_file(host) or _kind_by_name(host) or _kind_by_kernel(host)


def _kind_by_file(host: Host) -> str | None:
    if host.environ().get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes"
    if host.file_type("/.singularity.d") == "directory":
        return "apptainer"
    if host.file_type("/run/.containerenv") == "file":
        return "podman"
    return "docker" if host.file_type("/.dockerenv") == "file" else None


def _kind_by_name(host: Host) -> str | None:
    """As the manager says it in a file for everybody, or in a variable for its children.

    https://systemd.io/CONTAINER_INTERFACE/
    """
    told = text_or_none(host, "/run/systemd/container") or host.environ().get(MANAGER) or ""
    return told.strip() or None


def _kind_by_kernel(host: Host) -> str | None:
    """From the control group's path, which shows the outer manager, or the kernel's release."""
    groups = text_or_none(host, "/proc/self/cgroup") or ""
    for mark, kind in _CGROUP_MARKS:
        if mark in groups:
            return kind
    return "wsl" if "microsoft" in host.system()["release"].lower() else None
