"""The libraries that do the arithmetic on the CPU: libm, BLAS, OpenMP runtimes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from envprint.collectors._libc import libc_of
from envprint.collectors._search_path import bundled_libraries, search_directories
from envprint.collectors.frameworks.blas import blas_libraries
from envprint.core.fields import INTEGER, TEXT, Field, ListOf, record
from envprint.core.fingerprint import Unknown
from envprint.core.typed import Any
from envprint.machine.attempt import attempt
from envprint.machine.host import Host
from envprint.machine.os_calls import library_folders

# The libraries that this process has loaded, and their thread pools. Installed libraries may be
# used; mapped ones, and those that threadpoolctl finds, are in use.

FIELDS = (
    Field(
        "thread_pools",
        ListOf(
            record(
                Field("api", TEXT, "blas or openmp."),
                Field("name", TEXT, "openblas, mkl, blis, flexiblas or openmp."),
                Field("library", TEXT, "File, below the search directory or the prefix."),
                Field("version", TEXT, "Version that it reports; null if it reports none."),
                Field("architecture", TEXT, "Kernel it has chosen; null if it reports none."),
                Field("threading_layer", TEXT, "pthreads, openmp, intel …; null for OpenMP."),
                Field("threads", INTEGER, "The most threads it would use now."),
            )
        ),
        "Libraries with threads that this process has loaded, as reported by threadpoolctl, in "
        "order of API and library; none for a command.",
    ),
    Field(
        "loaded",
        ListOf(
            record(
                Field("name", TEXT, "Such as libscipy_openblas64_, libgomp or libtorch_cpu."),
                Field("version", TEXT, "In its file name, or reported by it; null if neither."),
                Field("library", TEXT, "File, below the search directory or the prefix."),
            )
        ),
        "BLAS, LAPACK, OpenMP, MKL and oneDNN libraries and those of the frameworks themselves "
        "that this process has mapped, in order of file; none if no framework is imported. CUDA's "
        "are in `cuda`.",
        unwatched="follows from packages, variables and kernels, which rules cover",
    ),
)

Pools = list[dict[str, Any]]


def pools(host: Host) -> Pools | Unknown:
    """threadpoolctl's report in this process. Raises `OSError`, `KeyError`."""
    answer = host.interpreter().get("thread_pools", [])
    if isinstance(answer, Mapping):
        return Unknown(answer["error"])
    short = ShortPaths(host)
    pools = [
        {
            "api": pool["user_api"],
            "name": pool["internal_api"],
            "library": short.path(pool["filepath"]),
            "version": pool.get("version"),
            "architecture": pool.get("architecture"),
            "threading_layer": pool.get("threading_layer"),
            "threads": pool["num_threads"],
        }
        for pool in answer
    ]
    return sorted(pools, key=lambda pool: (pool["api"], pool["library"]))


class ShortPaths:
    """Paths as in documents: relative to the search directory or the prefix, else absolute."""

    def __init__(self, host: Host) -> None:
        prefix = str(host.interpreter()["prefix"])
        folders = [*search_directories(host), prefix]
        # The kernel lists real paths, with links resolved.
        self._folders = [
            f"{real}/" for folder in folders for real in (folder, host.real_path(folder))
        ]

    def path(self, path: str) -> str:
        """The path relative to the first of the folders that contains it."""
        return next((path[len(f) :] for f in self._folders if path.startswith(f)), path)


def loaded(host: Host, known: Pools | Unknown) -> list[dict[str, str | None]]:
    """The libraries that this process has mapped; empty unless a framework is imported."""
    if not host.interpreter().get("imported"):
        return []
    short = ShortPaths(host)
    versions = {} if isinstance(known, Unknown) else {p["library"]: p["version"] for p in known}
    found = (
        (name, version, short.path(path))
        for name, version, path in parse_maps(host.read_text("/proc/self/maps"))
    )
    return [
        {"name": name, "version": versions.get(path) or version, "library": path}
        for name, version, path in found
    ]


_VERSION = r"(?:\.so\.|-r?)(\d+\.[\d.]*\d)(?:\.so)?$"


def parse_maps(text: str) -> list[tuple[str, str | None, str]]:
    """Name, version in the file name, and path of each arithmetic library, sorted by path."""
    from envprint.machine.procfs import ARITHMETIC, library_pattern, mapped_files

    pattern = library_pattern(ARITHMETIC)
    found = ((path, re.search(pattern, path)) for path in sorted(mapped_files(text.splitlines())))
    return [(match[1], _version(path), path) for path, match in found if match]


def _version(path: str) -> str | None:
    version = re.search(_VERSION, path)
    return version[1] if version else None


FACTS = (
    Field(
        "libm",
        TEXT,
        "C library whose mathematical functions are used, such as `glibc 2.36` or `musl 1.2.4`.",
    ),
    Field(
        "blas",
        ListOf(
            record(
                Field("name", TEXT, "As its user calls it, such as scipy-openblas or mkl."),
                Field("version", TEXT, "Version its user was built with; null if not recorded."),
                Field("library", TEXT, "File, below the search directory if it is inside."),
                Field("owner", TEXT, "Package that contains or names it."),
            )
        ),
        "Every BLAS that an installed package would load, in order of owner.",
    ),
    Field(
        "openmp",
        ListOf(
            record(
                Field("name", TEXT, "libgomp, libiomp5 or libomp."),
                Field(
                    "library",
                    TEXT,
                    "File, below the search directory or the prefix; the system's in full.",
                ),
                Field("owner", TEXT, "Package that contains it, or `prefix`, or `system`."),
            )
        ),
        "Available OpenMP runtimes, in order of owner; two kinds in one process disturb each "
        "other.",
    ),
    *FIELDS,
)


def collect(host: Host) -> Mapping[str, Any]:
    """Read from the interpreter, build configurations, library file names and proc_pid_maps(5)."""
    in_use = attempt(lambda: pools(host))
    return {
        "libm": attempt(lambda: libc_of(host)),
        "blas": attempt(lambda: [blas._asdict() for blas in blas_libraries(host)]),
        "openmp": attempt(lambda: _openmp(host)),
        "thread_pools": in_use,
        "loaded": attempt(lambda: loaded(host, in_use)),
    }


_RUNTIMES = ("libgomp", "libiomp5", "libomp")
_FILES = ("libgomp.so.1", "libiomp5.so", "libomp.so", "libomp.so.5")


def _openmp(host: Host) -> list[dict[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    for name, file, owner in (*_bundled(host), *_installed(host)):
        found.setdefault((owner, file), {"name": name, "library": file, "owner": owner})
    return [found[key] for key in sorted(found)]


def _bundled(host: Host) -> Iterator[tuple[str, str, str]]:
    for library in bundled_libraries(host):
        runtime = _runtime(library.file)
        if runtime:
            yield runtime, library.file, library.owner


def _runtime(path: str) -> str | None:
    """The OpenMP runtime that a library of this name is; None for another library."""
    name, point, _ = path.rpartition("/")[2].replace("-", ".").partition(".")
    return name if point and name in _RUNTIMES else None


def _installed(host: Host) -> Iterator[tuple[str, str, str]]:
    """Runtimes in the prefix (conda, the intel-openmp wheel) and from the distribution.

    Names may be chains of links: conda may link libgomp.so.1 to libomp.so, so the target counts.
    """
    prefix = str(host.interpreter()["prefix"])
    system = library_folders(host.system()["machine"])
    # The system's interpreter has the prefix /usr, whose libraries are the system's.
    own = [f"{prefix}/lib"] if f"{prefix}/lib" not in system else []
    for folder in (*own, *system):
        for file in _FILES:
            if host.file_type(f"{folder}/{file}") == "file":
                real = host.real_path(f"{folder}/{file}")
                runtime = _runtime(real)
                if runtime and folder in own:
                    yield runtime, real.removeprefix(f"{prefix}/"), "prefix"
                elif runtime:
                    yield runtime, real, "system"
