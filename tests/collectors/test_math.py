"""The math section: C library, BLAS, OpenMP runtimes."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.collectors import math as section
from envprint.model import Unknown
from tests.support import host

SITE = "/env/lib/python3.11/site-packages"
NUMPY_CONFIG = 'CONFIG = {"blas": {"name": "scipy-openblas", "version": "0.3.31", }}\n'


def machine(libc: str | None = "glibc 2.36", system: str = "Linux", **answers: Any) -> Any:
    return host(
        interpreter={"libc": libc, "path": [SITE], "prefix": "/env"},
        system={"system": system, "machine": "x86_64"},
        **answers,
    )


def test_an_environment_is_read_whole() -> None:
    files = {
        f"{SITE}/numpy/__config__.py": NUMPY_CONFIG,
        f"{SITE}/numpy.libs/libscipy_openblas64_-32a4b2a6.so": "",
        f"{SITE}/scikit_learn.libs/libgomp-e985bcbb.so.1.0.0": "",
        f"{SITE}/torch/lib/libgomp.so.1": "",
        f"{SITE}/torch/lib/libtorch_cpu.so": "",
        "/env/lib/libiomp5.so": "",
        "/usr/lib/x86_64-linux-gnu/libgomp.so.1": "",
    }
    assert section.collect(machine(read=files)) == {
        "libm": "glibc 2.36",
        "blas": [
            {
                "name": "scipy-openblas",
                "version": "0.3.31",
                "library": "numpy.libs/libscipy_openblas64_-32a4b2a6.so",
                "owner": "numpy",
            }
        ],
        "openmp": [
            {"name": "libiomp5", "library": "lib/libiomp5.so", "owner": "prefix"},
            {
                "name": "libgomp",
                "library": "scikit_learn.libs/libgomp-e985bcbb.so.1.0.0",
                "owner": "scikit_learn",
            },
            {
                "name": "libgomp",
                "library": "/usr/lib/x86_64-linux-gnu/libgomp.so.1",
                "owner": "system",
            },
            {"name": "libgomp", "library": "torch/lib/libgomp.so.1", "owner": "torch"},
        ],
    }


def test_an_empty_environment_has_none() -> None:
    read = section.collect(machine())
    assert (read["blas"], read["openmp"]) == ([], [])


def test_the_end_of_a_chain_of_links_counts_once() -> None:
    # conda-forge lets LLVM's runtime stand in for GNU's.
    target = "/env/lib/libomp.so"
    links = {f"/env/lib/{name}": target for name in ("libgomp.so.1", "libiomp5.so", "libomp.so")}
    files = dict.fromkeys([*links, target], "")
    assert section.collect(machine(read=files, real_path=links))["openmp"] == [
        {"name": "libomp", "library": "lib/libomp.so", "owner": "prefix"}
    ]


@pytest.mark.parametrize(
    ("installed", "libm"),
    [
        ("P:busybox\nV:1.36\n\nP:musl\nV:1.2.4-r2\nA:x86_64\n", "musl 1.2.4"),
        ("", "musl"),
        ("P:musl-utils\nV:9-r0\n", "musl"),
    ],
)
def test_musl_is_known_by_its_loader(installed: str, libm: str) -> None:
    files = {"/lib/ld-musl-x86_64.so.1": "", "/lib/apk/db/installed": installed}
    assert section.collect(machine(None, read=files))["libm"] == libm


@pytest.mark.parametrize(
    ("system", "reason"),
    [
        ("Linux", "the C library is neither glibc nor musl"),
        ("Darwin", "the version of the C library is not read on Darwin"),
    ],
)
def test_another_c_library_is_unknown_with_the_reason(system: str, reason: str) -> None:
    assert section.collect(machine(None, system))["libm"] == Unknown(reason)


@pytest.mark.parametrize("folder", ["/usr/lib", "/usr/lib/x86_64-linux-gnu"])
def test_a_runtime_of_the_system_has_its_whole_path_below_the_systems_interpreter(
    folder: str,
) -> None:
    answers = {
        "interpreter": {"libc": "glibc 2.36", "path": [], "prefix": "/usr"},
        "system": {"system": "Linux", "machine": "x86_64"},
        "read": {f"{folder}/libgomp.so.1": ""},
    }
    assert section.collect(host(**answers))["openmp"] == [
        {"name": "libgomp", "library": f"{folder}/libgomp.so.1", "owner": "system"}
    ]


def test_a_directory_that_may_not_be_listed_leaves_the_libraries_unknown() -> None:
    read = section.collect(machine(names={SITE: {"error": "EACCES"}}))
    assert read["openmp"] == Unknown(f"{SITE}: Permission denied")
    assert read["libm"] == "glibc 2.36"
