"""What gpustat and nvitop say of the scenarios, and why it is not always what envprint says.

`DISAGREEMENTS` is the whole list: test_neighbours.py fails for one that is missing from it, and for
one that is no longer seen.
"""

from __future__ import annotations

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

ELSEWHERE = "# processes: elsewhere"
"""A line of scenarios whose processes are not to be seen: ended, or in another namespace."""
NOBODY = 2**22 + 1
"""The first of the numbers that no Linux process can have."""


class Disagreement(NamedTuple):
    """Something that a tool says otherwise than envprint."""

    scenario: str
    tool: str
    what: str
    reason: str


DISAGREEMENTS: tuple[Disagreement, ...] = ()


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


def with_processes(scenario: str, alive: Sequence[int]) -> str:
    """The scenario with other process numbers: of processes that live, or that cannot exist."""
    listed = re.findall(r"^nvml\w+RunningProcesses.*?ok(.*)", scenario, re.MULTILINE)
    numbers = sorted({int(pid) for line in listed for pid in re.findall(r"(\d+):", line)})
    is_elsewhere = ELSEWHERE in scenario.splitlines()
    new = range(NOBODY, NOBODY + len(numbers)) if is_elsewhere else alive
    chosen = dict(zip(numbers, new, strict=False))
    assert len(chosen) == len(numbers), "more processes are needed"

    def line_with_new(line: re.Match[str]) -> str:
        return re.sub(r"\b(\d+):", lambda pid: f"{chosen[int(pid[1])]}:", line[0])

    return re.sub(r"^nvml\w+RunningProcesses.*", line_with_new, scenario, flags=re.MULTILINE)


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
from envprint.host import LiveHost
print(json.dumps(LiveHost().gpu()))
"""


def envprint(variables: Mapping[str, str]) -> Said:
    """What envprint reads."""
    failure, reading = _run([sys.executable, "-c", _ASK_ENVPRINT], variables)
    if failure or reading.get("init") or reading.get("library") is None:
        return Said(failure or str(reading.get("init")), {})
    devices: dict[str, Mapping[str, Any]] = {}
    for index, device in enumerate(reading.get("devices", ())):
        devices[str(index)] = _of_envprint(device)
        for part, values in enumerate(device.get("mig_devices", ())):
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
