"""What gpustat and nvitop say of the scenarios, and why it is not always what envprint says.

`DISAGREEMENTS` is the whole list: test_neighbours.py fails for one that is missing from it, and for
one that is no longer seen.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

SCENARIOS = Path(__file__).parent / "scenarios"
TOOLS = ("gpustat==1.1.1", "nvitop==1.7.2")
LIMIT_S = 60.0

NOBODY = 2**22 + 1
"""The first of the numbers that no Linux process can have."""


class Disagreement(NamedTuple):
    """Something that a tool says otherwise than envprint."""

    scenario: str
    tool: str
    what: str
    reason: str


_NO_GPU = (
    "`Device.all()` is empty, as on a machine without a GPU; `Device.count()` and the command"
    " say why"
)
_NO_MIG = (
    "gpustat knows GPUs only: the memory of a MIG device, which is what a job gets, is not told"
)
_NOT_FOUND = "gpustat leaves out a process that it cannot find in /proc, and says nothing of it"
_NO_MPS = "the third list, of processes under the Multi-Process Service, is not asked for"
_NO_NEWEST_LIST = (
    "it ends where pynvml lacks the newest process list; nvitop and envprint ask for an older"
)
_ONE_ENDS_ALL = "a card that is refused for want of power ends it, and the other is not told either"
_HOST = "the memory of the whole machine is reported as the GPU's, without a mark"

DISAGREEMENTS: tuple[Disagreement, ...] = (
    Disagreement("crash", "gpustat", "everything", "the crash ends gpustat too"),
    Disagreement("dead-context", "gpustat", "processes", _NOT_FOUND),
    Disagreement("ended-and-silent", "gpustat", "processes", _NOT_FOUND),
    Disagreement("ended-meanwhile", "gpustat", "processes", _NOT_FOUND),
    Disagreement("error-18", "nvitop", "everything", _NO_GPU),
    Disagreement("error-4", "nvitop", "everything", _NO_GPU),
    Disagreement("error-9", "nvitop", "everything", _NO_GPU),
    Disagreement("error-999", "nvitop", "everything", _NO_GPU),
    Disagreement("error-999-on-the-machine", "nvitop", "everything", _NO_GPU),
    Disagreement("foreign-pids", "gpustat", "processes", _NOT_FOUND),
    Disagreement("gb10", "nvitop", "free", _HOST),
    Disagreement("gb10", "nvitop", "total", _HOST),
    Disagreement("gb10", "nvitop", "used", _HOST),
    Disagreement("hidepid", "gpustat", "processes", _NOT_FOUND),
    Disagreement("library-without-card", "nvitop", "everything", _NO_GPU),
    Disagreement("mig", "gpustat", "devices", _NO_MIG),
    Disagreement("mig-parent-denied", "gpustat", "devices", _NO_MIG),
    Disagreement("mig-second-part", "gpustat", "devices", _NO_MIG),
    Disagreement("mig-several-parts", "gpustat", "devices", _NO_MIG),
    Disagreement("no-memory-at-all", "nvitop", "free", _HOST),
    Disagreement("no-memory-at-all", "nvitop", "total", _HOST),
    Disagreement("no-memory-at-all", "nvitop", "used", _HOST),
    Disagreement("not-loadable", "nvitop", "everything", _NO_GPU),
    Disagreement("one-process-in-all-lists", "gpustat", "processes", _NO_MPS),
    Disagreement("one-process-in-all-lists", "nvitop", "processes", _NO_MPS),
    Disagreement("power-cable", "gpustat", "everything", _ONE_ENDS_ALL),
    Disagreement("power-cable", "nvitop", "everything", _ONE_ENDS_ALL),
    Disagreement("r440", "gpustat", "everything", _NO_NEWEST_LIST),
    Disagreement("r440-no-lists", "gpustat", "everything", _NO_NEWEST_LIST),
    Disagreement(
        "r535",
        "gpustat",
        "processes",
        "of the garbled entries it tells the first, which happens to be right, and leaves out the"
        " rest",
    ),
    Disagreement(
        "r535",
        "nvitop",
        "processes",
        "it tells such a driver by the functions it has, and reads the longer entries; envprint"
        " reads garbled entries and says that the list is unreadable",
    ),
    Disagreement("wddm", "gpustat", "processes", _NOT_FOUND),
    Disagreement(
        "wsl-garbage-name", "gpustat", "everything", "it ends on a name that is not UTF-8"
    ),
)


class Said(NamedTuple):
    """What a tool says of a machine: why it fails, or of each GPU and MIG device what is known.

    Devices are "0" and "0/1"; of each there are `total`, `used` and perhaps `free` in MiB and
    `processes`, pid to MiB. None stands for not known, and for no processes: nvitop does not tell
    the two apart.
    """

    failure: str | None
    devices: Mapping[str, Mapping[str, Any]]


def as_markdown() -> str:
    """The table of disagreements."""
    rows = ["| scenario | tool | what differs | why |", "|---|---|---|---|"]
    rows += [f"| {d.scenario} | {d.tool} | {d.what} | {d.reason} |" for d in DISAGREEMENTS]
    return "\n".join(rows) + "\n"


def differences(envprint: Said, tool: Said) -> dict[str, str]:
    """What differs, with the values; only what the tool speaks of is compared."""
    if bool(envprint.failure) != bool(tool.failure):
        return {"everything": f"{envprint.failure or 'values'} / {tool.failure or 'values'}"}
    ours = {name: envprint.devices[name] for name in envprint.devices if name in tool.devices}
    found = {}
    missing = [name for name in envprint.devices if name not in tool.devices]
    surplus = [name for name in tool.devices if name not in envprint.devices]
    if missing or surplus:
        found["devices"] = f"not told: {missing}, told alone: {surplus}"
    for name, values in ours.items():
        for what, value in tool.devices[name].items():
            if values.get(what) != value:
                found[what] = f"{name}: {values.get(what)} / {value}"
    return found


def numbers_of_processes(scenario: str) -> list[int]:
    """The processes that a scenario names, in order."""
    lists = re.findall(r"^nvml\w+RunningProcesses.*?ok(.*)", scenario, re.MULTILINE)
    return sorted({int(pid) for items in lists for pid in re.findall(r"(\d+):", items)})


def with_numbers(scenario: str, numbers: Mapping[int, int]) -> str:
    """The scenario with other numbers of processes."""

    def renumbered(line: re.Match[str]) -> str:
        return re.sub(r"\b(\d+):", lambda pid: f"{numbers[int(pid[1])]}:", line[0])

    return re.sub(r"^nvml\w+RunningProcesses.*", renumbered, scenario, flags=re.MULTILINE)


def on_this_machine(name: str, living: Sequence[int]) -> str:
    """The scenario with processes of this machine: those that its own machine sees are alive.

    The others, which have ended or are hidden, get numbers that no process can have.
    """
    scenario = (SCENARIOS / name / "driver.txt").read_text(encoding="utf-8")
    answers = json.loads((SCENARIOS / name / "scenario.json").read_text(encoding="utf-8"))[
        "answers"
    ]
    seen = {int(pid) for pid, process in answers["process"].items() if "error" not in process}
    alive, nobody = iter(living), itertools.count(NOBODY)
    numbers = {
        pid: next(alive if pid in seen else nobody) for pid in numbers_of_processes(scenario)
    }
    return with_numbers(scenario, numbers)


def _run(argv: list[str], variables: Mapping[str, str]) -> tuple[str | None, Any]:
    """Why a command fails, or what it prints."""
    done = subprocess.run(
        argv, env=variables, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    if done.returncode < 0:
        return f"signal {-done.returncode}", None
    try:
        return None, json.loads(done.stdout)
    except json.JSONDecodeError:
        words = (done.stderr or done.stdout).strip().splitlines()
        return words[-1] if words else f"exit code {done.returncode}", None


def _mib(value: Any) -> int | None:
    return value // 2**20 if isinstance(value, int) else None


_ASK_ENVPRINT = """
import json
from envprint.machine.live import LiveHost
print(json.dumps(LiveHost().nvml()))
"""


def envprint(variables: Mapping[str, str]) -> Said:
    """What envprint reads."""
    failure, reading = _run([sys.executable, "-c", _ASK_ENVPRINT], variables)
    if failure or "devices" not in reading:
        return Said(failure or str(reading.get("init") or reading["failure"]), {})
    devices: dict[str, Mapping[str, Any]] = {}
    for index, device in enumerate(reading.get("devices", ())):
        devices[str(index)] = _of_envprint(device)
        parts = device.get("mig_devices")
        for part, values in enumerate(parts if isinstance(parts, list) else ()):
            devices[f"{index}/{part}"] = _of_envprint(values)
    return Said(None, devices)


def _of_envprint(device: Mapping[str, Any]) -> dict[str, Any]:
    memory = device.get("memory", {})
    kinds = [device.get(f"{kind}_processes") for kind in ("compute", "graphics", "mps")]
    lists = [kind for kind in kinds if isinstance(kind, list)]
    processes: dict[str, int | None] = {}
    for process in (process for kind in lists for process in kind):
        # One that computes and draws is in two lists, and has its memory once.
        known = processes.get(str(process["pid"]))
        processes[str(process["pid"])] = _mib(process["used"]) if known is None else known
    return {
        **{what: _mib(memory.get(what)) for what in ("total", "used", "free")},
        "processes": processes or None,
    }


def gpustat(python: str, variables: Mapping[str, str]) -> Said:
    """What `gpustat --json` says; it knows no MIG devices."""
    failure, said = _run([python, "-m", "gpustat", "--json"], variables)
    if failure:
        return Said(failure, {})
    return Said(None, {str(gpu["index"]): _of_gpustat(gpu) for gpu in said["gpus"]})


def _of_gpustat(gpu: Mapping[str, Any]) -> dict[str, Any]:
    listed = gpu.get("processes") or ()
    return {
        "total": gpu.get("memory.total"),
        "used": gpu.get("memory.used"),
        "processes": {str(one["pid"]): one["gpu_memory_usage"] for one in listed} or None,
    }


_ASK_NVITOP = """
import json
from nvitop import NA, Device
def told(value):
    return None if value == NA else value
def device(d):
    return {
        "total": told(d.memory_total()), "used": told(d.memory_used()),
        "free": told(d.memory_free()),
        "processes": {pid: told(p.gpu_memory()) for pid, p in d.processes().items()},
    }
said = {}
for d in Device.all():
    said[str(d.index)] = device(d)
    for part, m in enumerate(d.mig_devices()):
        said[f"{d.index}/{part}"] = device(m)
print(json.dumps(said))
"""


def nvitop(python: str, variables: Mapping[str, str]) -> Said:
    """What nvitop's interface says."""
    failure, said = _run([python, "-c", _ASK_NVITOP], variables)
    if failure:
        return Said(failure, {})
    return Said(None, {name: _of_nvitop(device) for name, device in said.items()})


def _of_nvitop(device: Mapping[str, Any]) -> dict[str, Any]:
    processes = {pid: _mib(used) for pid, used in device["processes"].items()}
    sizes = {what: _mib(device[what]) for what in ("total", "used", "free")}
    return {**sizes, "processes": processes or None}
