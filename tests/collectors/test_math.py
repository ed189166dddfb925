"""The math section: C library, BLAS, OpenMP runtimes."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.collectors import math as section
from envprint.collectors.math import parse_maps
from envprint.core.fields import Record, require
from envprint.core.fingerprint import NO_THREADPOOLCTL, Unknown
from tests.builders.support import host

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
        "thread_pools": [],
        "loaded": [],
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


OPENBLAS = f"{SITE}/numpy.libs/libscipy_openblas64_-32a4b2a6.so"
GOMP = f"{SITE}/scikit_learn.libs/libgomp-e985bcbb.so.1.0.0"
POOLS = [
    {
        "user_api": "openmp",
        "internal_api": "openmp",
        "num_threads": 2,
        "prefix": "libgomp",
        "filepath": GOMP,
        "version": None,
    },
    {
        "user_api": "blas",
        "internal_api": "openblas",
        "num_threads": 1,
        "prefix": "libscipy_openblas",
        "filepath": OPENBLAS,
        "version": "0.3.31.188.0",
        "threading_layer": "pthreads",
        "architecture": "SkylakeX",
    },
]
"""As threadpoolctl 3.8 tells them of NumPy 2.4 and scikit-learn 1.9, in order of loading."""


def process(maps: str, pools: Any = POOLS, **answers: Any) -> Any:
    """The section as a process tells it that has imported NumPy."""
    inside = {"imported": ["numpy"], "thread_pools": pools, "path": [SITE], "prefix": "/env"}
    read = section.collect(
        host(
            interpreter={"libc": "glibc 2.36", **inside},
            system={"system": "Linux", "machine": "x86_64"},
            read={"/proc/self/maps": maps},
            **answers,
        )
    )
    known = {name: value for name, value in read.items() if not isinstance(value, Unknown)}
    require(Record(section.FACTS), known)
    return read


def mapped(*paths: str) -> str:
    return "".join(f"7f1c2000-7f1c3000 r-xp 00000000 08:01 131    {path}\n" for path in paths)


def test_pools_are_listed_by_api_and_library() -> None:
    assert process("")["thread_pools"] == [
        {
            "api": "blas",
            "name": "openblas",
            "library": "numpy.libs/libscipy_openblas64_-32a4b2a6.so",
            "version": "0.3.31.188.0",
            "architecture": "SkylakeX",
            "threading_layer": "pthreads",
            "threads": 1,
        },
        {
            "api": "openmp",
            "name": "openmp",
            "library": "scikit_learn.libs/libgomp-e985bcbb.so.1.0.0",
            "version": None,
            "architecture": None,
            "threading_layer": None,
            "threads": 2,
        },
    ]


def test_pools_that_nobody_could_ask_are_unknown_and_libraries_are_known_anyway() -> None:
    read = process(mapped(GOMP), pools={"error": NO_THREADPOOLCTL})
    assert read["thread_pools"] == Unknown(NO_THREADPOOLCTL)
    assert [library["name"] for library in read["loaded"]] == ["libgomp"]


def test_an_odd_answer_costs_the_pools_only() -> None:
    read = process("", pools=[{"user_api": "blas"}])
    assert isinstance(read["thread_pools"], Unknown)
    assert read["loaded"] == []


def test_loaded_libraries_have_the_version_that_they_tell_or_that_their_name_has() -> None:
    maps = mapped(
        *(OPENBLAS, OPENBLAS, GOMP, "/usr/lib/libopenblasp-r0.3.21.so", "/env/lib/libmkl_rt.so.2"),
        *(f"{SITE}/torch/lib/libtorch_cpu.so", "/usr/lib/libc.so.6", "/usr/lib/libompt_helper.so"),
    )
    assert [tuple(library.values()) for library in process(maps)["loaded"]] == [
        ("libmkl_rt", None, "lib/libmkl_rt.so.2"),
        ("libscipy_openblas64_", "0.3.31.188.0", "numpy.libs/libscipy_openblas64_-32a4b2a6.so"),
        ("libgomp", "1.0.0", "scikit_learn.libs/libgomp-e985bcbb.so.1.0.0"),
        ("libtorch_cpu", None, "torch/lib/libtorch_cpu.so"),
        ("libopenblasp", "0.3.21", "/usr/lib/libopenblasp-r0.3.21.so"),
    ]


def test_unreadable_maps_leave_only_loaded_libraries_unknown() -> None:
    inside = {"libc": "glibc 2.36", "imported": ["numpy"], "path": [SITE], "prefix": "/env"}
    read = section.collect(
        host(interpreter=inside, system={"system": "Linux", "machine": "x86_64"})
    )
    assert isinstance(read["loaded"], Unknown)
    assert read["thread_pools"] == []


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/a/libiomp5.so", [("libiomp5", None)]),
        ("/a/libdnnl.so.3.5", [("libdnnl", "3.5")]),
        ("/a/libmkl_core.so.2", [("libmkl_core", None)]),
        ("/a/libtensorflow_framework.so.2", [("libtensorflow_framework", None)]),
        ("/a/jaxlib/xla_extension.so", [("xla_extension", None)]),
        ("/a/libjax_common.so", [("libjax_common", None)]),
        ("/a/libopenblas64_p-r0-15028c96.3.21.so", [("libopenblas64_p", None)]),
        ("/a/libgomp.so.1.0.0 (deleted)", [("libgomp", None)]),
        ("/a/libblas.so.3.11.0", [("libblas", "3.11.0")]),
        ("/a/libblasted.so", []),
        ("/a/omp.so", []),
        ("[heap]", []),
    ],
)
def test_libraries_of_arithmetic_are_known_by_their_names(
    path: str, found: list[tuple[str, str | None]]
) -> None:
    assert [library[:2] for library in parse_maps(mapped(path))] == found
