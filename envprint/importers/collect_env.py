"""PyTorch's `collect_env`, with the headings of vLLM's too, and with all line breaks lost.

    PyTorch version: 2.1.0+cu121
    CUDA used to build PyTorch: 12.1
    OS: Ubuntu 22.04.4 LTS (x86_64)
    Python version: 3.9.19 (main, Mar 21 2024, 17:11:28)  [GCC 11.2.0] (64-bit runtime)
    GPU models and configuration: GPU 0: NVIDIA GeForce RTX 4080
    [pip3] numpy==1.23.5
    [conda] pytorch    2.1.0    py3.9_cuda12.1_cudnn8.9.2_0    pytorch

One GPU stands behind the label, several on lines of their own. "CUDA runtime version" is that of
nvcc, and the cuDNN files need not be what is loaded, so neither is taken.
https://github.com/pytorch/pytorch/blob/main/torch/utils/collect_env.py
"""

from __future__ import annotations

import re

from envprint.core.fingerprint import OTHERS, VARIABLES
from envprint.core.redact import is_recorded, safe_value
from envprint.core.typed import Any
from envprint.importers._conda import conda_rows, packages_of_conda
from envprint.importers._found import Found, combined
from envprint.importers._gpus import DEVICES, version
from envprint.importers._labels import first_line, known, labelled
from envprint.importers._machine import libc, lscpu, platform, python
from envprint.importers._packages import NAME, VERSION, package, packages
from envprint.importers._source import Source

TITLE = "PyTorch's collect_env"
IS_PART = True
_BUILD, _TORCH = "CUDA used to build PyTorch", "PyTorch version"
_LABELS = (
    *(_TORCH, "Is debug build", _BUILD, "ROCM used to build PyTorch", "OS", "GCC version"),
    *("Clang version", "CMake version", "Libc version", "Python version", "Python platform"),
    *("Is CUDA available", "CUDA runtime version", "CUDA_MODULE_LOADING set to", "CPU"),
    *("GPU models and configuration", "Nvidia driver version", "cuDNN version", "NCCL version"),
    *("HIP runtime version", "MIOpen runtime version", "Is XNNPACK available", "GPU topology"),
    *("Is XPU available", "Caching allocator config", "Versions of relevant libraries"),
    *("vLLM Version", "vLLM Build Flags", "Neuron SDK Version", "ROCM Version", "GPU Topology"),
)
_GAP = "collect_env lists a few packages only"
_SOMEVARIABLES = "collect_env shows some variables only"
_GPU = re.compile(r"\bGPU (\d{1,3}): (\S.{0,100}?)(?= *\(UUID|\s+GPU \d|\s*\n|\s*$|  +MIG )")
_PIP = re.compile(rf"\[pip3?\]\s+({NAME})==({VERSION})")
_CONDA = re.compile(r"\[conda\][ \t]+([^\[\n]{1,200})")
_SETTING = re.compile(r"^\s{0,8}([A-Z][A-Z0-9_]{2,60})=(\S[^\n]{0,500})$", re.MULTILINE)
_FLAT_SETTING = re.compile(r"(?<!\S)([A-Z][A-Z0-9_]{2,60})=(\S{1,500})")
"""Without line breaks a value ends at the first space: behind it may stand anything."""
_MARK = re.compile(rf"{_BUILD}\s*:")


def recognises(source: Source) -> bool:
    """Two of its labels, wherever they are."""
    return bool(_MARK.search(source.text)) and f"{_TORCH}" in source.text


def read(source: Source) -> Found:
    """What the labels name. Raises `DocumentError`."""
    mark = _MARK.search(source.text)
    if mark is None:
        raise source.fault(f"no line of collect_env in it: {_BUILD}")
    # vLLM has the system before PyTorch; whatever stands long before is somebody's prose.
    start = max(source.text.rfind(_TORCH, 0, mark.start()), 0)
    earlier = source.text.rfind("OS  ", max(start - 2000, 0), start)
    text = source.text[earlier if earlier >= 0 else start :]
    found = labelled(text, _LABELS)
    system = _system(first_line(known(found, "OS")), first_line(known(found, "Libc version")))
    return combined(
        [
            Found({"python": python(known(found, "Python version"))}),
            system,
            platform(known(found, "Python platform")),
            Found({"cpu": lscpu(text)}),
            _gpus(found),
            _listed(text, found),
            _environ(text),
        ]
    )


# Ubuntu 22.04.4 LTS (x86_64)      glibc-2.35
def _system(name: str | None, library: str | None) -> Found:
    facts: dict[str, Any] = {"os": {}}
    named = re.fullmatch(r"(\S.{0,80}?)(?: \((\w{3,20})\))?", name or "")
    if named:
        facts["os"] = {"distribution_name": named[1]}
        if named[2] and named[2] not in ("64-bit", "32-bit"):
            facts["cpu"] = {"architecture": named[2]}
    parts = re.match(r"(glibc|musl)[- ]([\d.]+)", library or "")
    return Found({**facts, **(libc(facts["os"], parts[1], parts[2]) if parts else {})})


def _gpus(found: dict[str, str]) -> Found:
    text = known(found, "GPU models and configuration") or ""
    named = {number: name.strip() for number, name in _GPU.findall(text)}
    driver = re.match(r"[\d.]+", known(found, "Nvidia driver version") or "")
    gpu: dict[str, Any] = {}
    if driver and version(driver[0].rstrip(".")):
        gpu["driver_version"] = driver[0].rstrip(".")
    if named and set(named) == {str(number) for number in range(len(named))}:
        gpu |= {"devices": {number: {"name": name} for number, name in named.items()}}
        gpu |= {"count": len(named), "status": "ok"}
        return Found({"gpu": gpu})
    gpu |= {"devices": {number: {"name": name} for number, name in named.items()}} if named else {}
    return Found({"gpu": gpu}, {}, {DEVICES + OTHERS: "some GPUs are not listed"} if named else {})


def _listed(text: str, found: dict[str, str]) -> Found:
    """The packages, and what PyTorch says of itself, which is more than its distribution does."""
    listed = [package(name, number) for name, number in _PIP.findall(text)]
    own = _own(found)
    rows = conda_rows(_CONDA.findall(text), is_flat="\n" not in text.strip())
    some = packages([one for one in listed if one], gap=_GAP)
    return combined(
        [
            Found({"frameworks": {"torch": own}} if own else {}),
            some,
            packages_of_conda(rows, gap=_GAP),
        ]
    )


def _own(found: dict[str, str]) -> dict[str, Any]:
    number = re.match(VERSION, known(found, _TORCH) or "")
    if number is None:
        return {}
    cuda, rocm = (
        first_line(known(found, label)) for label in (_BUILD, "ROCM used to build PyTorch")
    )
    own: dict[str, Any] = {"version": number[0]}
    if cuda and version(cuda):
        own |= {"build": "cuda", "cuda_version": cuda}
    elif cuda == "None":
        own["cuda_version"] = None
        if found.get("ROCM used to build PyTorch", "").strip() == "N/A":
            own["build"] = "cpu"
        elif rocm and re.match(r"\d", rocm):
            own["build"] = "rocm"
    return own


def _environ(text: str) -> Found:
    """The variables that vLLM prints behind the packages, as far as a capture records them."""
    start = text.rfind("[pip3]")
    setting = _SETTING if "\n" in text.strip() else _FLAT_SETTING
    settings = setting.findall(text, max(start, 0))
    known_ones = {
        name: safe_value(name, value.strip()) for name, value in settings if is_recorded(name)
    }
    if not known_ones:
        return Found({})
    facts = {"environ": {"variables": known_ones}}
    return Found(facts, {}, {VARIABLES + OTHERS: _SOMEVARIABLES})
