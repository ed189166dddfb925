"""Libraries of arithmetic that this process has really loaded, and their pools of threads.

What is installed says what could be used; what is mapped, and what threadpoolctl was told by it,
says what is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from envprint.collectors._places import search_directories
from envprint.fields import INTEGER, TEXT, Field, ListOf, record
from envprint.host import Host
from envprint.model import Unknown

FIELDS = (
    Field(
        "thread_pools",
        ListOf(
            record(
                Field("api", TEXT, "blas or openmp."),
                Field("name", TEXT, "openblas, mkl, blis, flexiblas or openmp."),
                Field("library", TEXT, "File, below the search directory or the prefix."),
                Field("version", TEXT, "Version that it tells; null when it tells none."),
                Field("architecture", TEXT, "Kernel it has chosen; null when it tells none."),
                Field("threading_layer", TEXT, "pthreads, openmp, intel …; null for OpenMP."),
                Field("threads", INTEGER, "Most threads that it would use now."),
            )
        ),
        "Libraries with threads that this process has loaded, as threadpoolctl tells of them, in "
        "order of API and library; none for a command.",
    ),
    Field(
        "loaded",
        ListOf(
            record(
                Field("name", TEXT, "Such as libscipy_openblas64_, libgomp or libtorch_cpu."),
                Field("version", TEXT, "In its file name, or told by it; null when neither."),
                Field("library", TEXT, "File, below the search directory or the prefix."),
            )
        ),
        "BLAS, LAPACK, OpenMP, MKL and oneDNN libraries and those of the frameworks themselves "
        "that this process has mapped, in order of file; none when no framework is imported. "
        "CUDA's are in `cuda`.",
        unwatched="it follows from packages, variables and kernels, which rules look at",
    ),
)

Pools = list[dict[str, Any]]


def pools(host: Host) -> Pools | Unknown:
    """What threadpoolctl said in this process. Raises `OSError`, `KeyError`."""
    said = host.interpreter().get("thread_pools", [])
    if isinstance(said, Mapping):
        return Unknown(said["error"])
    shown = Shown(host)
    told = [
        {
            "api": pool["user_api"],
            "name": pool["internal_api"],
            "library": shown.path(pool["filepath"]),
            "version": pool.get("version"),
            "architecture": pool.get("architecture"),
            "threading_layer": pool.get("threading_layer"),
            "threads": pool["num_threads"],
        }
        for pool in said
    ]
    return sorted(told, key=lambda pool: (pool["api"], pool["library"]))


class Shown:
    """Paths as documents show them: below the search directory or the prefix, else in full."""

    def __init__(self, host: Host) -> None:
        prefix = str(host.interpreter()["prefix"])
        folders = [*search_directories(host), prefix]
        # The kernel lists files by their real paths, links followed.
        self._folders = [
            f"{real}/" for folder in folders for real in (folder, host.real_path(folder))
        ]

    def path(self, path: str) -> str:
        """The path without the first of the folders that it lies in."""
        return next((path[len(f) :] for f in self._folders if path.startswith(f)), path)


def loaded(host: Host, known: Pools | Unknown) -> list[dict[str, str | None]]:
    """The libraries that this process has mapped; nothing unless a framework is imported."""
    if not host.interpreter().get("imported"):
        return []
    shown = Shown(host)
    told = {} if isinstance(known, Unknown) else {p["library"]: p["version"] for p in known}
    found = (
        (name, version, shown.path(path))
        for name, version, path in parse_maps(host.text("/proc/self/maps"))
    )
    return [
        {"name": name, "version": told.get(path) or version, "library": path}
        for name, version, path in found
    ]


_VERSION = r"(?:\.so\.|-r?)(\d+\.[\d.]*\d)(?:\.so)?$"


def parse_maps(text: str) -> list[tuple[str, str | None, str]]:
    """Name, version in the file name and path of each library of arithmetic, in order of path."""
    from envprint.procfs import ARITHMETIC, library_pattern, mapped_files

    pattern = library_pattern(ARITHMETIC)
    found = ((path, re.search(pattern, path)) for path in sorted(mapped_files(text.splitlines())))
    return [(match[1], _version(path), path) for path, match in found if match]


def _version(path: str) -> str | None:
    version = re.search(_VERSION, path)
    return version[1] if version else None
