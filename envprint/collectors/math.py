"""The libraries that do the arithmetic on the CPU: libm, BLAS, OpenMP runtimes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from envprint.collectors._attempt import attempt
from envprint.collectors._blas import blas_libraries
from envprint.collectors._libc import libc_of
from envprint.collectors._loaded import FIELDS, loaded, pools
from envprint.collectors._places import bundled_libraries
from envprint.fields import TEXT, Field, ListOf, record
from envprint.host import Host
from envprint.systems import library_folders

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
                Field("version", TEXT, "Version its user was built with; null when not said."),
                Field("library", TEXT, "File, below the search directory where it is inside."),
                Field("owner", TEXT, "Package that carries or names it."),
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
                Field("owner", TEXT, "Package that carries it, or `prefix`, or `system`."),
            )
        ),
        "OpenMP runtimes at hand, in order of owner; two kinds in one process disturb each other.",
    ),
    *FIELDS,
)


def collect(host: Host) -> Mapping[str, Any]:
    """Read from the interpreter, build configurations, names of library files, proc_pid_maps(5)."""
    in_use = attempt(lambda: pools(host))
    return {
        "libm": attempt(lambda: libc_of(host)),
        "blas": attempt(lambda: [blas._asdict() for blas in blas_libraries(host)]),
        "openmp": attempt(lambda: _openmp(host)),
        "thread_pools": in_use,
        "loaded": attempt(lambda: loaded(host, in_use)),
    }


_RUNTIME = r"^(libgomp|libiomp5|libomp)(?=[-.])"
_FILES = ("libgomp.so.1", "libiomp5.so", "libomp.so", "libomp.so.5")


def _openmp(host: Host) -> list[dict[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    for name, file, owner in (*_bundled(host), *_installed(host)):
        found.setdefault((owner, file), {"name": name, "library": file, "owner": owner})
    return [found[key] for key in sorted(found)]


def _bundled(host: Host) -> Iterator[tuple[str, str, str]]:
    for library in bundled_libraries(host):
        runtime = re.match(_RUNTIME, library.file.rpartition("/")[2])
        if runtime:
            yield runtime[1], library.file, library.owner


def _installed(host: Host) -> Iterator[tuple[str, str, str]]:
    """Runtimes of the prefix (conda, the intel-openmp wheel) and of the distribution.

    Names are links in chains: conda may let libgomp.so.1 end at libomp.so, so the end counts.
    """
    prefix = str(host.interpreter()["prefix"])
    system = library_folders(host.system()["machine"])
    # The system's own interpreter lies in /usr, whose libraries are the system's.
    own = [f"{prefix}/lib"] if f"{prefix}/lib" not in system else []
    for folder in (*own, *system):
        for file in _FILES:
            if host.kind(f"{folder}/{file}") == "file":
                real = host.real_path(f"{folder}/{file}")
                runtime = re.match(_RUNTIME, real.rpartition("/")[2])
                if runtime and folder in own:
                    yield runtime[1], real.removeprefix(f"{prefix}/"), "prefix"
                elif runtime:
                    yield runtime[1], real, "system"
