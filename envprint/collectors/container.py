"""What this machine runs in: a container, a batch scheduler, a notebook service.

Each is known by the marks it leaves: a file, a name in a control group, a variable. Of variables
only those named here are looked at, and no value is kept but the name of an image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from envprint.collectors._cgroup import memory_limit_bytes
from envprint.core.fields import INTEGER, TEXT, Field
from envprint.core.fingerprint import Unknown
from envprint.core.known_variables import IMAGES, MANAGER, NOTEBOOKS, SCHEDULERS
from envprint.core.redact import safe_text, safe_value
from envprint.machine.attempt import attempt, text_or_none
from envprint.machine.host import Host

FACTS = (
    Field(
        "kind",
        TEXT,
        "docker, podman, kubernetes, apptainer, lxc, systemd-nspawn, wsl, or what "
        "/run/systemd/container names; null outside any.",
    ),
    Field("image", TEXT, "Name of the container's image; null outside a container."),
    Field(
        "memory_limit_bytes",
        INTEGER,
        "Memory that control groups allow; null without a limit.",
    ),
    Field("scheduler", TEXT, "slurm, pbs, lsf, kubernetes, …; null outside a job."),
    Field("notebook_service", TEXT, "colab, kaggle, sagemaker, …; null elsewhere."),
)


def collect(host: Host) -> Mapping[str, Any]:
    """Read from the marks that containers, schedulers and notebook services leave."""
    variables = host.environ()
    kind = attempt(lambda: kind_of(host))
    return {
        "kind": kind,
        "image": kind if isinstance(kind, Unknown) else attempt(lambda: _image(host, kind)),
        "memory_limit_bytes": attempt(lambda: memory_limit_bytes(host)),
        "scheduler": _first(variables, SCHEDULERS),
        "notebook_service": _first(variables, NOTEBOOKS),
    }


_CGROUP_MARKS = (
    ("/kubepods", "kubernetes"),
    ("/libpod", "podman"),
    ("/docker", "docker"),
    ("/lxc", "lxc"),
)


def _first(variables: Mapping[str, str], marks: tuple[tuple[str, str], ...]) -> str | None:
    return next((what for name, what in marks if variables.get(name)), None)


def kind_of(host: Host) -> str | None:
    """The value of the section's field `kind`. Raises `OSError`."""
    return _kind_by_file(host) or _kind_by_name(host) or _kind_by_kernel(host)


def _kind_by_file(host: Host) -> str | None:
    if host.environ().get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes"
    if host.kind("/.singularity.d") == "directory":
        return "apptainer"
    if host.kind("/run/.containerenv") == "file":
        return "podman"
    return "docker" if host.kind("/.dockerenv") == "file" else None


def _kind_by_name(host: Host) -> str | None:
    """The kind that the manager names in a public file, or in a variable for its children.

    https://systemd.io/CONTAINER_INTERFACE/
    """
    told = text_or_none(host, "/run/systemd/container") or host.environ().get(MANAGER) or ""
    return told.strip() or None


def _kind_by_kernel(host: Host) -> str | None:
    """The kind shown by the control group's path (the outer manager) or the kernel's release."""
    groups = text_or_none(host, "/proc/self/cgroup") or ""
    for mark, kind in _CGROUP_MARKS:
        if mark in groups:
            return kind
    return "wsl" if "microsoft" in host.system()["release"].lower() else None


# engine="podman-4.9.3"
# image="docker.io/library/python:3.11"
# https://docs.podman.io/en/latest/markdown/podman-run.1.html: written only with --privileged
_IMAGE = r'(?m)^image="?([^"\n]+)"?$'


def _image(host: Host, kind: str | None) -> str | Unknown | None:
    if kind is None or kind == "wsl":
        return None
    variables = host.environ()
    named = next(
        (safe_value(name, variables[name], host.seal) for name in IMAGES if variables.get(name)),
        None,
    )
    if not named:
        written = re.search(_IMAGE, text_or_none(host, "/run/.containerenv") or "")
        named = written[1] if written else None
    return (
        safe_text(named, host.seal) if named else Unknown(f"{kind} does not name the image inside")
    )
