"""Where CUDA lies on a machine: the driver's library, and toolkits.

Directories and small text files only; nothing is loaded, since loading CUDA's libraries takes tens
of milliseconds and tens of megabytes, and starting the driver can break later forks.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from envprint.collectors._attempt import names_or_empty, text_or_none
from envprint.host import Host
from envprint.model import Unknown
from envprint.systems import LOADER_FOLDERS

DRIVER_LIBRARY = "libcuda.so.1"
_VARIABLES = ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT")


class Toolkit(NamedTuple):
    """An installed CUDA toolkit."""

    version: str
    path: str
    """Real path of its directory."""
    components: dict[str, str]
    """Version by component, such as `libcublas`; empty where version.json is missing."""


def library_path(host: Host) -> list[str]:
    """The directories of LD_LIBRARY_PATH, in order."""
    return [d for d in host.environ().get("LD_LIBRARY_PATH", "").split(":") if d]


def loader_directories(host: Host) -> Iterator[str]:
    """Where the dynamic loader looks, in its order. Raises `OSError` when a list is not readable.

    https://man7.org/linux/man-pages/man8/ld.so.8.html
    """
    yield from library_path(host)
    yield from _configured(host, "/etc/ld.so.conf")
    yield from LOADER_FOLDERS


# include /etc/ld.so.conf.d/*.conf
# /usr/local/cuda/compat
# https://man7.org/linux/man-pages/man8/ldconfig.8.html
def _configured(host: Host, path: str) -> Iterator[str]:
    for line in (text_or_none(host, path) or "").splitlines():
        entry = line.partition("#")[0].strip()
        include = re.fullmatch(r"include\s+(/\S+)/\*\.conf", entry)
        if include:
            for name in names_or_empty(host, include[1]):
                if name.endswith(".conf"):
                    yield from _configured(host, f"{include[1]}/{name}")
        elif entry.startswith("/"):
            yield entry


def driver_library(host: Host) -> dict[str, Any] | None:
    """The CUDA driver library that a program would load; None when there is none."""
    for directory in loader_directories(host):
        path = f"{directory}/{DRIVER_LIBRARY}"
        if host.kind(path) == "file":
            real = host.real_path(path)
            return {
                "path": real,
                "directory": directory,
                "version": parse_driver_library(real),
                "compat": "/compat" in real or "/compat" in directory,
            }
    return None


# /usr/lib/x86_64-linux-gnu/libcuda.so.550.90.07   (Jetson: …/tegra/libcuda.so.1.1)
def parse_driver_library(path: str) -> str | Unknown:
    """The driver version in the file's name."""
    found = re.search(r"libcuda\.so\.(\d{3,}(?:\.\d+)+)$", path)
    return found[1] if found else Unknown(f"{path.rpartition('/')[2]} does not say its version")


def toolkits(host: Host) -> list[Toolkit]:
    """Installed toolkits: those that variables name first, then /usr/local/cuda*."""
    named = [host.environ()[name] for name in _VARIABLES if host.environ().get(name)]
    local = [f"/usr/local/{n}" for n in names_or_empty(host, "/usr/local") if n.startswith("cuda")]
    found = (_toolkit(host, path) for path in dict.fromkeys(map(host.real_path, named + local)))
    return [toolkit for toolkit in found if toolkit]


def _toolkit(host: Host, path: str) -> Toolkit | None:
    components = parse_version_json(text_or_none(host, f"{path}/version.json") or "{}")
    version = components.get("cuda") or parse_version_txt(
        text_or_none(host, f"{path}/version.txt") or ""
    )
    if version is None and host.kind(f"{path}/include") == "directory":
        in_name = re.search(r"/cuda-(\d+\.\d+)$", path)
        version = in_name[1] if in_name else None
    return Toolkit(version, path, components) if version else None


# {"cuda": {"name": "CUDA SDK", "version": "11.8.0"}, "libcublas": {"version": "11.11.3.6"}}
# seen in toolkits 11.1 to 13.3; the packages of single components bring none
def parse_version_json(text: str) -> dict[str, str]:
    """Version by component. Raises `ValueError` when the text is no JSON object."""
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError(f"expected an object, found {type(document).__name__}")
    return {
        name: str(part["version"])
        for name, part in document.items()
        if isinstance(part, dict) and "version" in part
    }


# CUDA Version 10.2.89
def parse_version_txt(text: str) -> str | None:
    """The version in version.txt, which ended with CUDA 11.0."""
    found = re.match(r"CUDA Version (\d+(?:\.\d+)+)", text)
    return found[1] if found else None
