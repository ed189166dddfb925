"""What this machine runs in: a container, a batch scheduler, a notebook service.

Each is known by the marks it leaves: a file, a name in a control group, a variable. Of variables
only those named here are looked at, and no value is kept but the name of an image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from envprint.collectors._cgroup import memory_limit_bytes
from envprint.core.fields import INTEGER, TEXT, Field
from envprint.core.fingerprint import Unknown
from envprint.core.known_variables import IMAGES, NOTEBOOKS, SCHEDULERS
from envprint.core.redact import safe_text, safe_value
from envprint.core.typed import Any
from envprint.machine.attempt import attempt, text_or_none
from envprint.machine.container import container_kind
from envprint.machine.host import Host

FACTS = (
    Field(
        "kind",
        TEXT,
        "docker, podman, kubernetes, apptainer, lxc, systemd-nspawn, wsl, or the name in "
        "/run/systemd/container; null outside any container.",
    ),
    Field("image", TEXT, "Name of the container's image; null outside a container."),
    Field(
        "memory_limit_bytes",
        INTEGER,
        "Memory limit of the control groups; null without a limit.",
    ),
    Field("scheduler", TEXT, "slurm, pbs, lsf, kubernetes, …; null outside a job."),
    Field("notebook_service", TEXT, "colab, kaggle, sagemaker, …; null elsewhere."),
)


def collect(host: Host) -> Mapping[str, Any]:
    """Read from the marks that containers, schedulers and notebook services leave."""
    variables = host.environ()
    kind = attempt(lambda: container_kind(host))
    return {
        "kind": kind,
        "image": kind if isinstance(kind, Unknown) else attempt(lambda: _image(host, kind)),
        "memory_limit_bytes": attempt(lambda: memory_limit_bytes(host)),
        "scheduler": _first(variables, SCHEDULERS),
        "notebook_service": _first(variables, NOTEBOOKS),
    }


def _first(variables: Mapping[str, str], marks: tuple[tuple[str, str], ...]) -> str | None:
    return next((what for name, what in marks if variables.get(name)), None)


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
        written = text_or_none(host, "/run/.containerenv") or ""
        image = re.search(_IMAGE, written) if written else None
        named = image[1] if image else None
    return (
        safe_text(named, host.seal)
        if named
        else Unknown(f"{kind} does not show the image's name inside the container")
    )
