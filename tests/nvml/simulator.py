"""NVIDIA's management library without a GPU: compiled from C, and driven by a scenario file.

The real pynvml loads it through `LD_LIBRARY_PATH`, so that a test sees what a driver could do:

    # generation: current
    nvmlSystemGetDriverVersion = ok 550.90.07
    nvmlDeviceGetName@0 = ok NVIDIA GeForce RTX 2080 Ti
    nvmlDeviceGetMemoryInfo@0 = ok 11264MiB 248MiB 996MiB 10020MiB
    nvmlDeviceGetClockInfo[sm]@0 = ok 1350
    nvmlDeviceGetGraphicsRunningProcesses@0 = ok 1201:412MiB 2950:-
    nvmlDeviceGetUtilizationRates@* = 15
    nvmlDeviceGetPowerUsage@0 = after 2500 ok 71000

One entry a line, `FUNCTION[SELECTOR]@DEVICE = OUTCOME`; lines that begin with `#` are comments.

* `FUNCTION` is an exported symbol, or one without its version (`_v2`, `_v3`, `WithFlags`, `V`),
  which then stands for all versions that have no entry.
* `SELECTOR` is an argument: `SELECTORS` lists them, and a process's number is one of
  `nvmlSystemGetProcessName`. An entry without it stands for all.
* `DEVICE` is `0`, or `0/1` for MIG device 1 of GPU 0, or `*` for all; functions of the system have
  none. Of the entries that fit the most exact counts (its name first, then its selector, then its
  device), of equals the last.
* `OUTCOME` is `ok` and values; NVML's return code, 1 to 999; `crash` (signal 11); `hang`, or
  `hang SECONDS`, which ends with code 999. `after MILLISECONDS` before it delays it.

Values are numbers, in bytes also with `KiB`, `MiB` or `GiB`; text to the end of the line, in which
`\\xF8` is a byte. Memory is `total reserved used free`, from which version 1 is derived, or, for
`nvmlDeviceGetMemoryInfo` alone, `total used free`. BAR1 is `total used free`. Processes are
`PID:SIZE`, SIZE `-` where it is not available, and `/GI.CI` after it for a MIG instance.

Where there is no entry, `nvmlInit` and `nvmlShutdown` succeed, there are as many GPUs as the
scenario names, handles and indexes are given, a MIG device is there when anything is said of it,
and everything else is not supported (3).
"""

from __future__ import annotations

import atexit
import functools
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
LIBRARY = "libnvidia-ml.so.1"
VARIABLE = "ENVPRINT_SIMULATED_NVML"

DRIVERS = {"current": 580, "r535": 535, "r440": 440}
GENERATIONS = (*DRIVERS, "broken")
"""A recent driver, the first R535 with its long process entries, one before R450; a library that
cannot be loaded, because it needs another that does not exist."""

CLOCKS = ("graphics", "sm", "mem", "video")
SELECTORS = {
    "nvmlDeviceGetClockInfo": CLOCKS,
    "nvmlDeviceGetFieldValues": ("recovery-action",),
    "nvmlDeviceGetMaxClockInfo": CLOCKS,
    "nvmlDeviceGetPcieThroughput": ("tx", "rx"),
    "nvmlDeviceGetRetiredPages": ("single-bit", "double-bit"),
    "nvmlDeviceGetTemperature": ("gpu",),
    "nvmlDeviceGetTotalEccErrors": (
        "corrected,volatile",
        "corrected,aggregate",
        "uncorrected,volatile",
        "uncorrected,aggregate",
    ),
}
_ENTRY = re.compile(
    r"(?P<function>\w+)(?:\[(?P<selector>[\w,-]+)\])?(?P<device>@(?:\*|\d+(?:/\d+)?))?"
    r" *= *(?:after \d+ )?(?:ok(?: .*)?|[1-9]\d{0,2}|hang(?: \d+)?|crash)"
)
_WITHOUT_DEVICE = re.compile("nvml(?!Device)|nvmlDeviceGet(Count|HandleBy(UUID|PciBusId))")


class ScenarioError(Exception):
    """A scenario says something that the simulator would not understand."""


def environment(scenario: Path | str, generation: str = "current") -> dict[str, str]:
    """The variables under which a program finds the library, and the library its scenario."""
    validate(scenario)
    folders = [str(library(generation).parent), os.environ.get("LD_LIBRARY_PATH", "")]
    return {
        **os.environ,
        "LD_LIBRARY_PATH": ":".join(filter(None, folders)),
        VARIABLE: str(Path(scenario).absolute()),
    }


def generation_of(scenario: Path | str) -> str:
    """The generation that the first line of a scenario names, else the current one."""
    first = Path(scenario).read_text(encoding="utf-8").partition("\n")[0]
    found = re.fullmatch(r"# generation: (\w+)", first.rstrip())
    generation = found[1] if found else "current"
    if generation not in GENERATIONS:
        raise ScenarioError(f"{scenario}: no generation {generation}")
    return generation


@functools.cache
def library(generation: str = "current") -> Path:
    """The path of the compiled library, which is kept for the life of this process."""
    place = _place() / generation / LIBRARY
    if place.exists():
        return place
    place.parent.mkdir()
    if generation == "broken":
        missing = place.with_name("libenvprint-missing.so")
        _compile("-x", "c", "/dev/null", f"-Wl,-soname,{missing.name}", "-o", missing)
        _compile("-x", "c", "/dev/null", "-x", "none", "-Wl,--no-as-needed", missing, "-o", place)
        missing.unlink()
    else:
        macro = f"-DDRIVER={DRIVERS[generation]}"
        _compile(macro, f"-Wl,-soname,{LIBRARY}", HERE / "simulator.c", "-o", place)
    return place


@functools.cache
def symbols(generation: str = "current") -> frozenset[str]:
    """The functions that the library of a generation has."""
    argv = ["nm", "-D", "--defined-only", "--format=posix", str(library(generation))]
    listed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return frozenset(line.split()[0] for line in listed.splitlines() if line.startswith("nvml"))


def validate(scenario: Path | str) -> None:
    """Raise `ScenarioError` for an entry that the simulator would misunderstand or never use."""
    for number, line in enumerate(Path(scenario).read_text(encoding="utf-8").splitlines(), 1):
        entry = line.strip(" ")
        if entry and not entry.startswith("#"):
            problem = _problem(entry)
            if problem:
                raise ScenarioError(f"{scenario}, line {number}: {problem}: {entry}")


def _problem(entry: str) -> str | None:
    """What is wrong with an entry; None for nothing."""
    found = _ENTRY.fullmatch(entry)
    if not found:
        return "not of the form FUNCTION[SELECTOR]@DEVICE = OUTCOME"
    function, selector, device = found["function"], found["selector"], found["device"]
    if " #" in entry:
        return "a comment has its own line"
    if not any(function + version in symbols() for version in ("", "_v2", "_v3", "WithFlags", "V")):
        return f"the simulator has no function {function}"
    if bool(device) == bool(_WITHOUT_DEVICE.match(function)):
        return "a function of a device names one, another does not"
    if selector and not _is_selector(function, selector):
        return f"{function} has no selector {selector}"
    return None


def _is_selector(function: str, selector: str) -> bool:
    if function == "nvmlSystemGetProcessName":
        return selector.isdigit()
    return selector in SELECTORS.get(function, ())


@functools.cache
def _place() -> Path:
    place = tempfile.mkdtemp(prefix="envprint-nvml-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return Path(place)


def compiler() -> str:
    """The system's C compiler. Without one these tests cannot pass, and must not be skipped."""
    for name in filter(None, (os.environ.get("CC"), "cc", "gcc", "clang")):
        found = shutil.which(name)
        if found:
            return found
    raise RuntimeError("the simulated NVML needs a C compiler: install gcc or clang, or set CC")


def _compile(*arguments: str | Path) -> None:
    argv = [compiler(), "-std=gnu11", "-shared", "-fPIC", "-O1", "-Wall", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the simulated NVML does not compile:\n{done.stderr}")
