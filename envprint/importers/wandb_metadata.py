"""W&B's `wandb-metadata.json`, in the spelling of old and of new versions.

Arguments, host, mail, paths and the program are left out. `cudaVersion` is what the driver
supports; `"cuda": null` of old versions says nothing.
https://github.com/wandb/wandb/blob/main/wandb/sdk/internal/system/system_info.py
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from envprint.core.fingerprint import OTHERS
from envprint.core.typed import Any
from envprint.importers._found import Found, combined
from envprint.importers._gpus import DEVICES, version
from envprint.importers._machine import platform, python
from envprint.importers._source import Source

TITLE = "W&B's metadata"
_KEYS = frozenset(
    "codePath code_path startedAt heartbeatAt cpu_count cpu_count_logical gpu_count gpu_nvidia "
    "gpuNvidia cudaVersion cpuCount cpuCountLogical gpuCount".split()
)


def recognises(source: Source) -> bool:
    """An object with at least two of the keys that W&B writes."""
    return isinstance(source.json, dict) and len(_KEYS & source.json.keys()) >= 2


def read(source: Source) -> Found:
    """The system, Python, processors and GPUs. Raises `DocumentError`."""
    if not isinstance(source.json, dict):
        raise source.fault("not W&B's metadata: expected an object")
    data = source.json
    return combined(
        [
            Found({"python": _python(_text(data, "python") or "")}),
            platform(_text(data, "os")),
            _processors(data),
            _gpus(data),
            Found({"cuda": _cuda(data)}),
            _commit(data),
        ]
    )


# 3.11.7   CPython 3.11.7
def _python(text: str) -> dict[str, Any]:
    name, _, number = text.rpartition(" ")
    return python(number) | (
        {"implementation": name.lower()} if name in ("CPython", "PyPy") else {}
    )


def _first(data: Mapping[str, Any], *names: str) -> Any:
    return next((data[name] for name in names if data.get(name) is not None), None)


def _text(data: Mapping[str, Any], *names: str) -> str | None:
    value = _first(data, *names)
    return value if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    """A number, which new versions write as text."""
    text = str(value) if type(value) in (int, str) else ""
    return int(text) if re.fullmatch(r"\d{1,15}", text) else None


def _processors(data: Mapping[str, Any]) -> Found:
    cores = _number(_first(data, "cpu_count", "cpuCount"))
    threads = _number(_first(data, "cpu_count_logical", "cpuCountLogical"))
    cpu = {"cores": cores, "threads": threads}
    memory = data.get("memory")
    total = memory.get("total") if isinstance(memory, dict) else None
    live: dict[str, Any] = {}
    # Old versions wrote GiB as a float; new ones write bytes as a text.
    if isinstance(total, str) and _number(total):
        live = {"host": {"memory_total_bytes": _number(total)}}
    return Found({"cpu": {name: count for name, count in cpu.items() if count}}, live)


# "gpu": "NVIDIA A100-SXM4-40GB", "gpu_count": 8,
# "gpu_nvidia": [{"name": "NVIDIA A100-SXM4-40GB", "memory_total": 42949672960}]
def _gpus(data: Mapping[str, Any]) -> Found:
    listed = _first(data, "gpu_nvidia", "gpuNvidia")
    named = (
        [_gpu(one) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    )
    count = _number(_first(data, "gpu_count", "gpuCount"))
    gpu: dict[str, Any] = {}
    if count is not None:
        gpu["count"] = count
    if named:
        gpu["devices"] = {str(index): one for index, one in enumerate(named)}
    is_short = count is not None and len(named) < count and bool(named)
    return Found({"gpu": gpu}, {}, {DEVICES + OTHERS: "not in W&B's metadata"} if is_short else {})


def _gpu(one: Mapping[str, Any]) -> dict[str, Any]:
    fields = {
        "name": _text(one, "name"),
        "memory_total_bytes": _number(_first(one, "memory_total", "memoryTotal")),
        "architecture": _text(one, "architecture"),
        "uuid": _text(one, "uuid"),
    }
    return {name: value for name, value in fields.items() if value}


def _cuda(data: Mapping[str, Any]) -> dict[str, Any]:
    found = version(_text(data, "cudaVersion", "cuda_version"))
    return {"supported_version": found} if found else {}


def _commit(data: Mapping[str, Any]) -> Found:
    git = data.get("git")
    commit = _text(git, "commit") if isinstance(git, dict) else None
    is_one = bool(commit and re.fullmatch(r"[0-9a-f]{7,64}", commit))
    return Found({"code": {"commit": commit}} if is_one else {})
