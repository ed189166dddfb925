"""Which mapped files count as libraries of numerics, for a run and for the collectors alike."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from envprint.collectors import _cuda_libraries
from envprint.collectors import math as of_this_process
from envprint.collectors.frameworks import blas
from envprint.run.mapped_libraries import Loaded

KNOWN = [
    "/a/jaxlib/xla_extension.so",
    "/a/libjax_common.so",
    "/usr/lib/libcblas.so.3",
    "/usr/lib/liblapacke.so.3",
    "/a/libmkldnn.so.1",
    "/a/libopenblas64_p-r0-15028c96.3.21.so",
    "/a/libscipy_openblas64_-32a4b2a6.so",
    "/a/libtorch_cpu.so",
    "/a/libtorch_hip.so",
    *(f"/a/lib{name}.so.1" for name in blas._NAMES if name != "accelerate"),
]


def mapped(paths: list[str]) -> str:
    return "".join(f"7f1c2000-7f1c3000 r-xp 00000000 08:01 131    {path}\n" for path in paths)


def recorded_by_a_run(paths: list[str]) -> list[str]:
    loaded = Loaded()
    loaded._seen |= set(paths)
    return loaded.paths()


@pytest.mark.parametrize("path", KNOWN)
def test_a_run_records_every_library_of_arithmetic_that_the_collector_does(path: str) -> None:
    assert [found for _, _, found in of_this_process.parse_maps(mapped([path]))] == [path]
    assert recorded_by_a_run([path]) == [path]


@pytest.mark.parametrize("library", _cuda_libraries.LIBRARIES)
def test_a_run_records_every_library_of_cuda_that_the_collector_does(
    library: _cuda_libraries.Library,
) -> None:
    path = f"/usr/local/cuda/lib64/{library.file}.12"
    assert _cuda_libraries.parse_maps(mapped([path])) == [(library.key, path)]
    assert recorded_by_a_run([path]) == [path]


@pytest.mark.parametrize("path", ["/usr/lib/libc.so.6", "/a/libblasted.so", "/a/libcompute.so.1"])
def test_no_other_library_is_recorded(path: str) -> None:
    assert of_this_process.parse_maps(mapped([path])) == []
    assert recorded_by_a_run([path]) == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_mapped_file_whose_name_is_no_text_is_recorded_like_any_other(tmp_path: Path) -> None:
    file = bytes(tmp_path) + b"/\xff/libgomp.so.1"
    code = (
        "import mmap, os, sys\n"
        "os.makedirs(os.path.dirname(sys.argv[1]))\n"
        "file = open(sys.argv[1], 'w+b'); file.truncate(4096)\n"
        "kept = mmap.mmap(file.fileno(), 4096); print(flush=True); sys.stdin.read()\n"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code, file], stdin=pipe, stdout=pipe) as child:
        assert child.stdout and child.stdout.readline() == b"\n"
        loaded = Loaded()
        loaded.look(child.pid)
        child.communicate()
    assert loaded.paths() == [str(tmp_path) + "/\udcff/libgomp.so.1"]
