"""Asking NVML in a child: what comes back when the driver answers, refuses, hangs and crashes.

A stand-in for pynvml plays the driver; the last tests load the real pynvml, and a library of the
name that the loader looks for, compiled from a few lines of C.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pynvml
import pytest

from envprint import nvml
from tests.collectors.test_gpu import DESKTOP

PREAMBLE = """
import os, signal, sys, time
class NVMLError(Exception):
    def __init__(self, value): self.value = value
    def __str__(self): return f"text of {self.value}"
class NVMLLibraryMismatchError(Exception): pass
def fail(code):
    def call(*arguments): raise NVMLError(code)
    return call
def give(value):
    return lambda *arguments: value
def record(**values):
    return type("record", (), values)()
nvmlInit = give(None)
nvmlSystemGetNVMLVersion = give(b"12.550.90.07")
nvmlSystemGetDriverVersion = give("550.90.07")
nvmlSystemGetCudaDriverVersion_v2 = give(12040)
nvmlDeviceGetCount = give(1)
"""
CARD = """
nvmlMemory_v2 = 2
nvmlDeviceGetHandleByIndex = give("handle")
nvmlDeviceGetUUID = give("GPU-1")
nvmlDeviceGetPciInfo = give(record(busId=b"00000000:01:00.0"))
nvmlDeviceGetName = give("NVIDIA GeForce RTX 2080 Ti")
nvmlDeviceGetCudaComputeCapability = give((7, 5))
nvmlDeviceGetNumGpuCores = give(4352)
def nvmlDeviceGetMemoryInfo(handle, version=None):
    return record(total=11, reserved=1, used=3, free=7)
nvmlDeviceGetMigMode = fail(3)
nvmlDeviceGetEccMode = fail(3)
nvmlDeviceGetPersistenceMode = give(0)
nvmlDeviceGetComputeMode = give(0)
nvmlDeviceGetDisplayActive = give(1)
nvmlDeviceGetComputeRunningProcesses = give([])
nvmlDeviceGetGraphicsRunningProcesses = give([record(pid=7, usedGpuMemory=None)])
"""


def ask(folder: Path, driver: str, timeout_s: float = 20.0) -> Mapping[str, Any]:
    (folder / "pynvml.py").write_text(PREAMBLE + driver)
    return nvml.ask("/nowhere/libnvidia-ml.so.1", str(folder), timeout_s)


def test_a_card_is_read_whole(tmp_path: Path) -> None:
    unsupported = {"error": 3, "name": "text of 3"}
    assert ask(tmp_path, CARD) == {
        "library": "/nowhere/libnvidia-ml.so.1",
        "failure": None,
        "init": None,
        "nvml_version": "12.550.90.07",
        "driver_version": "550.90.07",
        "cuda_driver_version": 12040,
        "count": 1,
        "devices": [
            {
                "handle": None,
                "uuid": "GPU-1",
                "bus_id": "00000000:01:00.0",
                "name": "NVIDIA GeForce RTX 2080 Ti",
                "compute_capability": [7, 5],
                "cores": 4352,
                "memory": {"api": "v2", "total": 11, "reserved": 1, "used": 3, "free": 7},
                "mig_mode": unsupported,
                "mig_devices": [],
                "ecc_mode": unsupported,
                "persistence_mode": 0,
                "compute_mode": 0,
                "display_active": 1,
                "compute_processes": [],
                "graphics_processes": [{"pid": 7, "used": None}],
            }
        ],
    }


def test_the_form_is_that_of_the_recorded_readings(tmp_path: Path) -> None:
    reading = ask(tmp_path, CARD)
    assert reading.keys() == DESKTOP.keys()
    assert reading["devices"][0].keys() == DESKTOP["devices"][0].keys()


def test_a_refused_start_keeps_the_code_and_the_version(tmp_path: Path) -> None:
    reading = ask(tmp_path, "nvmlInit = fail(18)")
    assert reading["init"]["error"] == 18
    assert reading["init"]["name"].startswith("text of 18: /nowhere/libnvidia-ml.so.1")
    assert reading["nvml_version"] == "12.550.90.07"
    assert "devices" not in reading


def test_a_lost_card_costs_only_itself(tmp_path: Path) -> None:
    driver = (
        CARD
        + """
nvmlDeviceGetCount = give(2)
def nvmlDeviceGetHandleByIndex(index):
    return fail(15)() if index else "handle"
"""
    )
    devices = ask(tmp_path, driver)["devices"]
    assert devices[0]["name"] == "NVIDIA GeForce RTX 2080 Ti"
    assert devices[1] == {"handle": {"error": 15, "name": "text of 15"}}


def test_an_older_interface_stands_in_for_a_missing_one(tmp_path: Path) -> None:
    driver = (
        CARD
        + """
def nvmlDeviceGetMemoryInfo(handle, version=None):
    return fail(13)() if version else record(total=11, used=4, free=7)
def nvmlDeviceGetComputeRunningProcesses(handle):
    raise NVMLLibraryMismatchError("no _v3")
nvmlDeviceGetComputeRunningProcesses_v2 = give([record(pid=9, usedGpuMemory=5)])
"""
    )
    device = ask(tmp_path, driver)["devices"][0]
    assert device["memory"] == {"api": "v1", "total": 11, "used": 4, "free": 7}
    assert device["compute_processes"] == [{"pid": 9, "used": 5}]


def test_a_garbled_name_costs_only_the_name(tmp_path: Path) -> None:
    driver = CARD + "\nnvmlDeviceGetName = lambda handle: b'\\xf8'.decode()\n"
    device = ask(tmp_path, driver)["devices"][0]
    assert device["name"]["error"] is None
    assert device["name"]["name"].startswith("UnicodeDecodeError")
    assert device["uuid"] == "GPU-1"


def test_a_divided_card_lists_its_parts(tmp_path: Path) -> None:
    driver = (
        CARD
        + """
nvmlDeviceGetMigMode = give([1, 1])
nvmlDeviceGetMaxMigDeviceCount = give(2)
def nvmlDeviceGetMigDeviceHandleByIndex(parent, index):
    return fail(6)() if index else "part"
nvmlDeviceGetAttributes = give(record(multiprocessorCount=14))
"""
    )
    device = ask(tmp_path, driver)["devices"][0]
    assert device["mig_mode"] == [1, 1]
    assert [(part["uuid"], part["sm_count"]) for part in device["mig_devices"]] == [("GPU-1", 14)]


def test_a_hanging_driver_is_given_up_and_the_call_named(tmp_path: Path) -> None:
    start = time.monotonic()
    reading = ask(tmp_path, "nvmlInit = lambda: time.sleep(60)", timeout_s=2.0)
    assert reading["failure"] == "NVML did not answer within 2 s (during nvmlInit)"
    assert time.monotonic() - start < 30


def test_a_child_that_cannot_be_killed_is_left_behind() -> None:
    class Unkillable:
        stdout = None
        returncode: int | None = None

        def kill(self) -> None:
            """Nothing happens, as to a process that hangs in the kernel."""

        def poll(self) -> int | None:
            return self.returncode

    child: Any = Unkillable()
    nvml._leave(child)
    assert child.returncode == -9


def test_a_crash_in_the_driver_is_a_failure_that_names_the_call(tmp_path: Path) -> None:
    driver = CARD + "\nnvmlDeviceGetName = lambda h: os.kill(os.getpid(), signal.SIGSEGV)\n"
    reading = ask(tmp_path, driver)
    assert reading["failure"] == "reading NVML ended with signal 11 (during nvmlDeviceGetName)"


def test_a_library_that_prints_does_not_spoil_the_reading(tmp_path: Path) -> None:
    driver = CARD + "\nnvmlInit = lambda: print('WARNING: you use a stub', flush=True)\n"
    assert ask(tmp_path, driver)["count"] == 1


def test_no_library_starts_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "find_library", lambda variables: None)
    assert nvml.read(1.0) == {"library": None}


def test_the_library_is_found_in_ld_library_path_and_in_the_loaders_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "libnvidia-ml.so.1"
    library.touch()
    cache = tmp_path / "ld.so.cache"
    monkeypatch.setattr(nvml, "DIRECTORIES", ())
    monkeypatch.setattr(nvml, "LOADER_CACHE", str(cache))
    assert nvml.find_library({}) is None
    assert nvml.find_library({"LD_LIBRARY_PATH": f"/nowhere::{tmp_path}"}) == str(library)
    cache.write_bytes(b"glibc-ld.so.cache1.1\0libnvidia-ml.so.1\0" + bytes(library) + b"\0libz\0")
    assert nvml.find_library({}) == str(library)


def test_a_cache_that_names_a_removed_library_finds_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "ld.so.cache"
    cache.write_bytes(b"libnvidia-ml.so.1\0/gone/libnvidia-ml.so.1\0")
    monkeypatch.setattr(nvml, "DIRECTORIES", ())
    monkeypatch.setattr(nvml, "LOADER_CACHE", str(cache))
    assert nvml.find_library({}) is None


LIBRARY = """
#include <string.h>
typedef unsigned long long bytes;
struct memory { unsigned version; bytes total, reserved, free, used; };
struct process { unsigned pid; bytes used; unsigned gi, ci; };
int nvmlInitWithFlags(unsigned flags) { return 0; }
int nvmlInit_v2(void) { return 0; }
int nvmlSystemGetNVMLVersion(char *text, unsigned size) { strcpy(text, "12.550.90.07"); return 0; }
int nvmlSystemGetDriverVersion(char *text, unsigned size) { strcpy(text, "550.90.07"); return 0; }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 12040; return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 1; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) { *handle = &strcpy; return 0; }
int nvmlDeviceGetName(void *handle, char *text, unsigned size) { strcpy(text, "Card"); return 0; }
int nvmlDeviceGetNumGpuCores(void *handle, unsigned *cores) { *cores = 4352; return 0; }
int nvmlDeviceGetMemoryInfo_v2(void *handle, struct memory *m) {
    if (m->version != (sizeof *m | 2 << 24)) return 25;
    m->total = 11; m->reserved = 1; m->used = 3; m->free = 7; return 0;
}
int nvmlDeviceGetGraphicsRunningProcesses_v3(void *handle, unsigned *count, struct process *list) {
    unsigned room = *count;
    *count = 2;
    if (room < 2) return 7;
    list[0] = (struct process){1201, 432, ~0u, ~0u};
    list[1] = (struct process){2950, ~0ull, ~0u, ~0u};
    return 0;
}
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or not compiler:
        pytest.skip("NO C COMPILER: the real pynvml is not tested against a compiled library")
    folder = tmp_path_factory.mktemp("driver")
    source = folder / "nvml.c"
    source.write_text(LIBRARY)
    library = folder / "libnvidia-ml.so.1"
    options = ["-shared", "-fPIC", "-w", f"-Wl,-soname,{library.name}"]
    subprocess.run([compiler, *options, "-o", library, source], check=True)
    return library


def test_the_real_pynvml_reads_a_compiled_library(
    compiled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", str(compiled.parent))
    reading = nvml.read(20.0)
    device = reading["devices"][0]
    assert reading["library"] == str(compiled)
    assert reading["nvml_version"] == "12.550.90.07"
    assert reading["cuda_driver_version"] == 12040
    assert device["name"] == "Card"
    assert device["cores"] == 4352
    assert device["memory"] == {"api": "v2", "total": 11, "reserved": 1, "used": 3, "free": 7}
    assert device["graphics_processes"] == [{"pid": 1201, "used": 432}, {"pid": 2950, "used": None}]
    assert device["uuid"] == {"error": 13, "name": "Function Not Found"}
    assert device["compute_processes"]["error"] == 13


def test_a_library_outside_the_loaders_path_is_loaded_by_its_path(compiled: Path) -> None:
    folder = str(Path(pynvml.__file__).parent)
    assert nvml.ask(str(compiled), folder, 20.0)["init"] is None
