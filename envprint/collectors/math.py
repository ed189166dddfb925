"""The libraries that do the arithmetic on the CPU: libm, BLAS, OpenMP runtimes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from envprint.collectors._attempt import attempt, names_or_empty, text_or_none
from envprint.collectors._blas import blas_libraries
from envprint.collectors._places import bundled_libraries
from envprint.fields import TEXT, Field, ListOf, record
from envprint.host import Host

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
                Field("library", TEXT, "File, below the search directory or the prefix."),
                Field("owner", TEXT, "Package that carries it, or `prefix`, or `system`."),
            )
        ),
        "OpenMP runtimes at hand, in order of owner; two kinds in one process disturb each other.",
    ),
)


def collect(host: Host) -> Mapping[str, Any]:
    """Read from the interpreter, build configurations, and the names of library files."""
    return {
        "libm": attempt(lambda: _libm(host)),
        "blas": attempt(lambda: [blas._asdict() for blas in blas_libraries(host)]),
        "openmp": attempt(lambda: _openmp(host)),
    }


def _libm(host: Host) -> str | None:
    libc: str | None = host.interpreter()["libc"]
    if libc or host.system()["system"] != "Linux":
        return libc
    if not any(name.startswith("ld-musl-") for name in names_or_empty(host, "/lib")):
        return None
    version = _MUSL.search(text_or_none(host, "/lib/apk/db/installed") or "")
    return f"musl {version[1]}" if version else "musl"


# P:musl
# V:1.2.4-r2
# https://wiki.alpinelinux.org/wiki/Apk_spec
_MUSL = re.compile(r"^P:musl\nV:([^\s-]+)", re.M)

_RUNTIME = re.compile(r"^(libgomp|libiomp5|libomp)(?=[-.])")
_FILES = ("libgomp.so.1", "libiomp5.so", "libomp.so", "libomp.so.5")


def _openmp(host: Host) -> list[dict[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    for name, file, owner in (*_bundled(host), *_installed(host)):
        found.setdefault((owner, file), {"name": name, "library": file, "owner": owner})
    return [found[key] for key in sorted(found)]


def _bundled(host: Host) -> Iterator[tuple[str, str, str]]:
    for library in bundled_libraries(host):
        runtime = _RUNTIME.match(library.file.rpartition("/")[2])
        if runtime:
            yield runtime[1], library.file, library.owner


def _installed(host: Host) -> Iterator[tuple[str, str, str]]:
    """Runtimes of the prefix (conda, the intel-openmp wheel) and of the distribution.

    Names are links in chains: conda may let libgomp.so.1 end at libomp.so, so the end counts.
    """
    prefix = str(host.interpreter()["prefix"])
    system = (f"/usr/lib/{host.system()['machine']}-linux-gnu", "/usr/lib64", "/usr/lib")
    for owner, folder in (("prefix", f"{prefix}/lib"), *(("system", place) for place in system)):
        for file in _FILES:
            if host.kind(f"{folder}/{file}") == "file":
                real = host.real_path(f"{folder}/{file}")
                runtime = _RUNTIME.match(real.rpartition("/")[2])
                if runtime:
                    yield runtime[1], real.removeprefix(f"{prefix}/"), owner
