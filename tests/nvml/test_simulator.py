"""The simulated NVML as the real pynvml sees it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.nvml import simulator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="NVML is simulated on Linux")

Write = Callable[[str], Path]
CARD = """
# A comment, and an empty line.

nvmlSystemGetDriverVersion = ok 550.90.07
nvmlSystemGetNVMLVersion = ok 12.550.90.07
nvmlSystemGetCudaDriverVersion = ok 12040
nvmlDeviceGetUUID@0 = ok GPU-1f0a
nvmlDeviceGetName@0 = ok NVIDIA GeForce RTX 2080 Ti
nvmlDeviceGetPciInfo@0 = ok 00000000:65:00.0
nvmlDeviceGetCudaComputeCapability@0 = ok 7 5
nvmlDeviceGetMemoryInfo@0 = ok 11264MiB 248MiB 996MiB 10020MiB
nvmlDeviceGetComputeRunningProcesses@0 = ok 2950:396MiB 1201:412MiB
nvmlDeviceGetGraphicsRunningProcesses@0 = ok 77:-
"""
MIB = 2**20
BEGIN = """
import json, time
from pynvml import *
def ask(function, *arguments):
    try:
        return function(*arguments)
    except NVMLError as error:
        return error.value
    except Exception as error:
        return type(error).__name__
nvmlInit()
gpu = nvmlDeviceGetHandleByIndex(0)
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A function that writes a scenario and returns where it stands."""

    def written(text: str) -> Path:
        path = tmp_path / "driver.txt"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def run(
    scenario: Path, script: str, generation: str = "current", begin: str = BEGIN
) -> subprocess.CompletedProcess[str]:
    """Run a script that begins with pynvml in use."""
    return subprocess.run(
        [sys.executable, "-c", begin + script],
        env=simulator.environment(scenario, generation),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def value(scenario: Path, expression: str, generation: str = "current") -> Any:
    """What an expression gives there."""
    done = run(scenario, f"print(json.dumps({expression}))", generation)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_values_of_all_kinds(write: Write) -> None:
    card = CARD + (
        "nvmlDeviceGetClockInfo[sm]@0 = ok 1350\n"
        "nvmlDeviceGetTotalEccErrors[uncorrected,volatile]@0 = ok 3\n"
        "nvmlDeviceGetRetiredPages[single-bit]@0 = ok 4096 8192\n"
        "nvmlDeviceGetRetiredPages[double-bit]@0 = ok\n"
        "nvmlDeviceGetRemappedRows@0 = ok 1 2 0 1\n"
        "nvmlDeviceGetMigMode@0 = ok 0 1\n"
        "nvmlDeviceGetTemperature@0 = ok 43\n"
        "nvmlDeviceGetAddressingMode@0 = ok 2\n"
        "nvmlDeviceGetCurrentClocksEventReasons@0 = ok 0x40\n"
        "nvmlDeviceGetDriverModel@0 = ok 0 1\n"
        "nvmlSystemGetProcessName[2950] = ok /usr/bin/python\n"
    )
    expression = (
        "[nvmlSystemGetDriverVersion(), nvmlSystemGetNVMLVersion(),"
        " nvmlSystemGetCudaDriverVersion_v2(), nvmlDeviceGetCount(), nvmlDeviceGetUUID(gpu),"
        " nvmlDeviceGetName(gpu), nvmlDeviceGetPciInfo(gpu).busId,"
        " nvmlDeviceGetPciInfo(gpu).busIdLegacy, nvmlDeviceGetPciInfo(gpu).bus,"
        " nvmlDeviceGetCudaComputeCapability(gpu),"
        " nvmlDeviceGetClockInfo(gpu, NVML_CLOCK_SM), ask(nvmlDeviceGetClockInfo, gpu, 2),"
        " nvmlDeviceGetTotalEccErrors(gpu, 1, 0), ask(nvmlDeviceGetTotalEccErrors, gpu, 0, 0),"
        " nvmlDeviceGetRetiredPages(gpu, 0), nvmlDeviceGetRetiredPages(gpu, 1),"
        " nvmlDeviceGetRemappedRows(gpu), nvmlDeviceGetMigMode(gpu),"
        " nvmlDeviceGetTemperature(gpu, 0), nvmlDeviceGetTemperatureV(gpu, 0),"
        " nvmlDeviceGetAddressingMode(gpu), nvmlDeviceGetCurrentClocksEventReasons(gpu),"
        " nvmlDeviceGetCurrentClocksThrottleReasons(gpu), nvmlDeviceGetDriverModel(gpu),"
        " nvmlSystemGetProcessName(2950), ask(nvmlSystemGetProcessName, 2951)]"
    )
    assert value(write(card), expression) == [
        *("550.90.07", "12.550.90.07", 12040, 1, "GPU-1f0a"),
        *("NVIDIA GeForce RTX 2080 Ti", "00000000:65:00.0", "0000:65:00.0", 0x65, [7, 5]),
        *(1350, 3, 3, 3, [4096, 8192], [], [1, 2, 0, 1], [0, 1], 43, 43, 2, 64, 64, [0, 1]),
        *("/usr/bin/python", 6),
    ]


def test_version_1_of_memory_is_derived(write: Write) -> None:
    def memory(version: str) -> list[int]:
        names = "m.total, m.used, m.free, getattr(m, 'reserved', 0)"
        call = f"nvmlDeviceGetMemoryInfo(gpu, version={version})"
        numbers: list[int] = value(write(CARD), f"[[{names}] for m in [{call}]][0]")
        return [number // MIB for number in numbers]

    assert memory("nvmlMemory_v2") == [11264, 996, 10020, 248]
    assert memory("None") == [11264, 996 + 248, 10020, 0]


def test_return_codes(write: Write) -> None:
    card = CARD + (
        "nvmlDeviceGetPowerUsage@0 = 15\n"
        "nvmlDeviceGetFanSpeed@* = 4\n"
        "nvmlDeviceGetSerial@0 = 777\n"
        "nvmlDeviceGetHandleByIndex@1 = 15\n"
    )
    expression = (
        "[ask(nvmlDeviceGetPowerUsage, gpu), ask(nvmlDeviceGetFanSpeed, gpu),"
        " ask(nvmlDeviceGetPersistenceMode, gpu), ask(nvmlDeviceGetSerial, gpu),"
        " ask(nvmlDeviceGetHandleByIndex, 1), ask(nvmlDeviceGetHandleByIndex, 2),"
        " nvmlErrorString(777), [nvmlShutdown(), ask(nvmlDeviceGetName, gpu)],"
        " nvmlSystemGetNVMLVersion()]"
    )
    assert value(write(card), expression) == [
        *(15, 4, 3, 777, 15, 2, "simulated error 777", [None, 1], "12.550.90.07")
    ]


def test_initialisation_fails_with_a_code(write: Write) -> None:
    script = "from pynvml import *\ntry: nvmlInit()\nexcept NVMLError as e: print(e.value)"
    assert run(write("nvmlInit = 18"), script, begin="").stdout == "18\n"


def test_the_most_exact_entry_counts_and_of_equals_the_last(write: Write) -> None:
    scenario = write(
        "nvmlDeviceGetCount = ok 2\n"
        "nvmlDeviceGetName@1 = ok one\n"
        "nvmlDeviceGetName@* = ok any\n"
        "nvmlDeviceGetClockInfo[sm]@* = ok 2\n"
        "nvmlDeviceGetClockInfo@0 = ok 1\n"
        "nvmlDeviceGetMemoryInfo_v2@* = 3\n"
        "nvmlDeviceGetMemoryInfo@0 = 15\n"
        "nvmlDeviceGetMemoryInfo@0 = ok 3 2 1\n"
    )
    expression = (
        "[nvmlDeviceGetName(gpu), nvmlDeviceGetName(nvmlDeviceGetHandleByIndex(1)),"
        " nvmlDeviceGetClockInfo(gpu, 1), nvmlDeviceGetClockInfo(gpu, 0),"
        " ask(nvmlDeviceGetMemoryInfo, gpu, nvmlMemory_v2), nvmlDeviceGetMemoryInfo(gpu).used]"
    )
    assert value(scenario, expression) == ["any", "one", 2, 1, 3, 2]


def test_a_garbled_name_cannot_be_decoded(write: Write) -> None:
    scenario = write("nvmlDeviceGetName@0 = ok NV\\xF8\\x20")
    assert value(scenario, "ask(nvmlDeviceGetName, gpu)") == "UnicodeDecodeError"


def test_process_lists(write: Write) -> None:
    scenario = write(CARD + "nvmlDeviceGetMPSComputeRunningProcesses@0 = ok 8:20MiB/1.0\n")
    expression = (
        "[[[p.pid, p.usedGpuMemory, p.gpuInstanceId, p.computeInstanceId] for p in f(gpu)] for f in"
        " (nvmlDeviceGetComputeRunningProcesses, nvmlDeviceGetGraphicsRunningProcesses_v2,"
        " nvmlDeviceGetMPSComputeRunningProcesses)]"
    )
    none = 0xFFFFFFFF
    assert value(scenario, expression) == [
        [[2950, 396 * MIB, none, none], [1201, 412 * MIB, none, none]],
        [[77, None, none, none]],
        [[8, 20 * MIB, 1, 0]],
    ]


def test_too_little_room_is_said_so_with_the_number_needed(write: Write) -> None:
    script = """
import ctypes, pynvml
call = pynvml.nvmlLib.nvmlDeviceGetComputeRunningProcesses_v3
processes = (c_nvmlProcessInfo_v3_t * 4)()
said = []
for room, place in ((0, None), (1, processes), (2, processes), (4, processes)):
    count = ctypes.c_uint(room)
    said.append((call(gpu, ctypes.byref(count), place), count.value, processes[0].pid))
print(json.dumps(said))
"""
    said = json.loads(run(write(CARD), script).stdout)
    assert said == [[7, 2, 0], [7, 2, 0], [0, 2, 2950], [0, 2, 2950]]


def test_mig_devices(write: Write) -> None:
    scenario = write(
        "nvmlDeviceGetUUID@0 = ok GPU-a\n"
        "nvmlDeviceGetUUID@0/1 = ok MIG-b\n"
        "nvmlDeviceGetAttributes@0/1 = ok 42 1 1 1 0 0 3 3 20096\n"
        "nvmlDeviceGetGpuInstanceId@0/1 = ok 2\n"
        "nvmlDeviceGetUUID@1 = ok GPU-c\n"
        "nvmlDeviceGetPciInfo@1 = ok 00000000:0B:00.0\n"
    )
    expression = (
        "[nvmlDeviceGetMaxMigDeviceCount(gpu), ask(nvmlDeviceGetMigDeviceHandleByIndex, gpu, 0),"
        " *[[nvmlDeviceGetUUID(part), nvmlDeviceGetGpuInstanceId(part),"
        " ask(nvmlDeviceGetComputeInstanceId, part), nvmlDeviceGetIndex(part),"
        " nvmlDeviceIsMigDeviceHandle(part).value,"
        " nvmlDeviceGetAttributes(part).multiprocessorCount,"
        " nvmlDeviceGetAttributes(part).memorySizeMB,"
        " nvmlDeviceGetUUID(nvmlDeviceGetDeviceHandleFromMigDeviceHandle(part))]"
        " for part in (nvmlDeviceGetMigDeviceHandleByIndex(gpu, 1),"
        " nvmlDeviceGetHandleByUUID(b'MIG-b'))],"
        " nvmlDeviceGetMaxMigDeviceCount(nvmlDeviceGetHandleByUUID(b'GPU-c')),"
        " nvmlDeviceGetUUID(nvmlDeviceGetHandleByPciBusId(b'00000000:0b:00.0')),"
        " ask(nvmlDeviceGetHandleByUUID, b'GPU-d')]"
    )
    part = ["MIG-b", 2, 3, 1, 1, 42, 20096, "GPU-a"]
    assert value(scenario, expression) == [7, 6, part, part, 0, "GPU-c", 6]


def test_early_r535_drivers_garble_the_list(write: Write) -> None:
    scenario = write("nvmlDeviceGetComputeRunningProcesses@0 = ok 12953:1MiB 40:1MiB 41:1MiB\n")
    pids = "[p.pid for p in nvmlDeviceGetComputeRunningProcesses{}(gpu)]"
    assert value(scenario, pids.format("_v3"), "r535") == [12953, 0, 4294967295]
    assert value(scenario, pids.format("_v2"), "r535") == [12953, 40, 41]
    assert value(scenario, pids.format("_v3"), "current") == [12953, 40, 41]


def test_drivers_before_r450_lack_functions(write: Write) -> None:
    script = """
import ctypes, pynvml
class Process(ctypes.Structure):
    _fields_ = [("pid", ctypes.c_uint), ("used", ctypes.c_ulonglong)]
processes, count = (Process * 2)(), ctypes.c_uint(2)
code = pynvml.nvmlLib.nvmlDeviceGetComputeRunningProcesses(gpu, ctypes.byref(count), processes)
print(json.dumps([
    ask(nvmlDeviceGetMemoryInfo, gpu, nvmlMemory_v2),
    nvmlDeviceGetMemoryInfo(gpu).used,
    ask(nvmlDeviceGetComputeRunningProcesses, gpu),
    ask(nvmlDeviceGetComputeRunningProcesses_v2, gpu),
    ask(nvmlDeviceGetMigMode, gpu),
    ask(nvmlDeviceGetNumGpuCores, gpu),
    code, count.value, [[p.pid, p.used] for p in processes],
]))
"""
    done = run(write(CARD), script, "r440")
    mismatch = "NVMLLibraryMismatchError"
    processes = [[2950, 396 * MIB], [1201, 412 * MIB]]
    assert json.loads(done.stdout) == [13, 1244 * MIB, mismatch, 13, 13, 13, 0, 2, processes]


def test_each_older_driver_has_fewer_functions() -> None:
    of = simulator.symbols
    assert of("r440") < of("r535") < of("current")
    assert of("r535") - of("r440") > {"nvmlDeviceGetMigMode", "nvmlDeviceGetMemoryInfo_v2"}
    assert of("current") - of("r535") > {"nvmlDeviceGetTemperatureV"}


def test_a_broken_library_cannot_be_loaded(write: Write) -> None:
    script = """
import ctypes
from pynvml import *
try: nvmlInit()
except NVMLError as error: print(error.value)
try: ctypes.CDLL("libnvidia-ml.so.1")
except OSError as error: print(error)
"""
    done = run(write(CARD), script, "broken", begin="")
    assert done.stdout.startswith("12\nlibenvprint-missing.so: cannot open shared object file")


def test_a_call_is_delayed(write: Write) -> None:
    script = """
def took(scale):
    begun = time.monotonic()
    return [ask(nvmlDeviceGetName, gpu), ask(nvmlDeviceGetFanSpeed, gpu), time.monotonic() - begun]
print(json.dumps(took(1)))
"""
    scenario = write("nvmlDeviceGetName@0 = after 300 ok x\nnvmlDeviceGetFanSpeed@0 = after 200 9")
    name, speed, spent_s = json.loads(run(scenario, script).stdout)
    assert (name, speed) == ("x", 9)
    assert 0.5 <= spent_s < 5


def test_a_crash_is_a_signal(write: Write) -> None:
    done = run(write("nvmlDeviceGetName@0 = crash"), "nvmlDeviceGetName(gpu)")
    assert done.returncode == -signal.SIGSEGV


def test_a_hanging_call_can_be_killed_or_ends_when_told(write: Write) -> None:
    scenario = write("nvmlDeviceGetName@0 = hang\nnvmlDeviceGetSerial@0 = hang 1")
    script = BEGIN + "print(ask(nvmlDeviceGetSerial, gpu), flush=True); nvmlDeviceGetName(gpu)"
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env=simulator.environment(scenario),
        stdout=subprocess.PIPE,
        text=True,
    ) as hanging:
        assert hanging.stdout
        assert hanging.stdout.readline() == "999\n"
        time.sleep(0.3)
        assert hanging.poll() is None
        hanging.terminate()
        assert hanging.wait(10) == -signal.SIGTERM


def test_the_scenario_may_change_while_a_program_runs(write: Write) -> None:
    script = """
import os
path = os.environ["ENVPRINT_SIMULATED_NVML"]
said = [nvmlDeviceGetFanSpeed(gpu)]
with open(path + ".new", "w") as new: new.write("nvmlDeviceGetFanSpeed@0 = ok 2")
os.replace(path + ".new", path)
print(said + [nvmlDeviceGetFanSpeed(gpu)])
"""
    assert run(write("nvmlDeviceGetFanSpeed@0 = ok 1"), script).stdout == "[1, 2]\n"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("nvmlDeviceGetNam@0 = ok x", "no function nvmlDeviceGetNam"),
        ("nvmlDeviceGetName = ok x", "names one"),
        ("nvmlInit@0 = ok", "another does not"),
        ("nvmlDeviceGetName@0 ok x", "not of the form"),
        ("nvmlDeviceGetName@0 = fine", "not of the form"),
        ("nvmlDeviceGetName@0 = 1000", "not of the form"),
        ("nvmlDeviceGetName@GPU = ok", "not of the form"),
        ("nvmlDeviceGetFanSpeed@0 = ok 3  # percent", "own line"),
        ("nvmlDeviceGetClockInfo[memory]@0 = ok 3", "no selector memory"),
        ("nvmlDeviceGetName[sm]@0 = ok 3", "no selector sm"),
    ],
)
def test_a_typing_error_does_not_pass_silently(write: Write, entry: str, problem: str) -> None:
    with pytest.raises(simulator.ScenarioError, match=f"line 2: .*{problem}"):
        simulator.environment(write(f"# typing errors\n{entry}\n"))


@pytest.mark.parametrize(
    "entry",
    [
        "nvmlDeviceGetFanSpeed@0 = ok",
        "nvmlDeviceGetFanSpeed@0 = ok fast",
        "nvmlDeviceGetMemoryInfo@0 = ok 1 2",
        "nvmlDeviceGetComputeRunningProcesses@0 = ok 12MiB",
        "nvmlDeviceGetFieldValues@0 = ok",
    ],
)
def test_values_of_a_wrong_form_end_the_program(write: Write, entry: str) -> None:
    script = (
        "nvmlDeviceGetFanSpeed(gpu); nvmlDeviceGetMemoryInfo(gpu);"
        "nvmlDeviceGetComputeRunningProcesses(gpu); nvmlDeviceGetFieldValues(gpu, [1])"
    )
    right = (
        "nvmlDeviceGetFanSpeed@0 = ok 1\n"
        "nvmlDeviceGetMemoryInfo@0 = ok 3 2 1\n"
        "nvmlDeviceGetComputeRunningProcesses@0 = ok\n"
    )
    done = run(write(right + entry), script)
    assert done.returncode == -signal.SIGABRT
    assert done.stderr.startswith("simulated NVML: ")


def test_the_generation_stands_in_the_first_line(write: Write) -> None:
    assert simulator.generation_of(write("# generation: r535\n")) == "r535"
    assert simulator.generation_of(write(CARD)) == "current"
    with pytest.raises(simulator.ScenarioError, match="no generation r99"):
        simulator.generation_of(write("# generation: r99\n"))


def test_without_a_compiler_it_fails_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(RuntimeError, match="needs a C compiler"):
        simulator.compiler()
