"""Look-ups about CUDA, its drivers and PyTorch's wheels.

An entry that a table lacks is newer than the table or was never in it: each look-up then returns
None, and the rule reports nothing.
"""

from __future__ import annotations

import re

from envprint import knowledge
from envprint.core.versions import numbers

# 2.8.0+cu128   1.13.1+cu117   but not 2.9.0.dev20250901+cu130, 2.6.0a0+ecf3bae40a.nv25.01, 2.5.1
_WHEEL = r"(\d{1,3}\.\d{1,3})\.\d{1,3}\+cu(\d\d)(\d)"
# 2.9.0.dev20250901+cu130   2.6.0+cu124   2.7.0rc1+cu126
_OWN_BUILD = r"\d{1,3}(?:\.\d{1,3}){2}(?:\.dev\d{8}|rc\d)?\+cu(\d\d)(\d)"


def driver_floor(cuda: tuple[int, ...]) -> str | None:
    """The lowest Linux driver for a CUDA version; from CUDA 11 on, one for all minor versions."""
    own = _driver("cuda_driver_floors", cuda[:2])
    return own or _driver("cuda_driver_floors", cuda[:1])


def shipped_driver(cuda: tuple[int, ...]) -> str | None:
    """The Linux driver that came with the first release of a CUDA version."""
    return _driver("cuda_releases", cuda[:2])


def _driver(table: str, cuda: tuple[int, ...]) -> str | None:
    found = knowledge.find(table, cuda=_text(cuda))
    return found["driver"] if found else None


def lowest_capability(cuda: tuple[int, ...]) -> str | None:
    """The lowest compute capability that a major version of CUDA supports."""
    found = knowledge.find("cuda_lowest_capabilities", cuda=_text(cuda[:1]))
    return found["capability"] if found else None


def first_toolkit(capability: tuple[int, ...]) -> tuple[int, ...] | None:
    """The first CUDA version that can generate machine code for a major compute capability."""
    found = knowledge.find("cuda_first_toolkits", capability=_text(capability[:1]))
    return numbers(found["cuda"]) if found else None


def threads_per_sm(capability: str) -> int | None:
    """The number of threads that one multiprocessor holds."""
    found = knowledge.find("compute_capabilities", capability=capability)
    return found.get("threads_per_sm") if found else None


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def torch_wheel_code(version: str, machine: str) -> list[str] | None:
    """Targets such as `sm_86` and `compute_120` of one of PyTorch's own wheels.

    None if the version is not that of such a wheel, or not in the table.
    """
    wheel = re.fullmatch(_WHEEL, version, re.ASCII)
    if not wheel:
        return None
    return torch_wheels(wheel[1], machine).get(f"{wheel[2]}.{wheel[3]}")


def torch_never_has_intermediate(version: str, machine: str) -> bool:
    """Whether `version` is PyTorch's own build, or nightly, for a CUDA whose wheels have no PTX.

    Also False if the table has no wheel for that CUDA.
    """
    build = re.fullmatch(_OWN_BUILD, version, re.ASCII)
    cuda = f"{build[1]}.{build[2]}" if build else ""
    wheels = [
        entry["code"]
        for entry in knowledge.entries("torch_wheels")
        if (entry["machine"], entry["cuda"]) == (machine or "x86_64", cuda)
    ]
    return bool(wheels) and not any(text.endswith("+PTX") for code in wheels for text in code)


def torch_wheels(release: str, machine: str) -> dict[str, list[str]]:
    """CUDA version to targets, for all wheels of a release of PyTorch such as `2.8`.

    `machine` is the processor's architecture; an unknown one counts as x86-64.
    """
    found = knowledge.covering("torch_wheels", numbers(release), machine=machine or "x86_64")
    return {entry["cuda"]: _targets(entry["code"]) for entry in found}


def _targets(capabilities: list[str]) -> list[str]:
    """`12.0+PTX` gives sm_120 and compute_120."""
    machine_code = [f"sm_{text.partition('+')[0].replace('.', '')}" for text in capabilities]
    with_ptx = [text.partition("+")[0] for text in capabilities if text.endswith("+PTX")]
    return [*machine_code, *(f"compute_{text.replace('.', '')}" for text in with_ptx)]
