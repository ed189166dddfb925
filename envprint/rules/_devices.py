"""The GPUs that a program would see, and how those of two fingerprints pair up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from envprint.model import Comparison, Fingerprint
from envprint.workload import on_gpu, uses

VISIBLE = "facts.environ.variables[CUDA_VISIBLE_DEVICES]"
DEVICES = "facts.gpu.devices"
MOST = 1024
"""GPUs of one machine that are looked at: a document may claim any number."""

training = on_gpu & uses("tensorflow", "torch", "jax")


def visible(now: Fingerprint) -> list[str]:
    """Keys of the GPUs that CUDA_VISIBLE_DEVICES leaves, in its order; all when it is unset.

    CUDA stops at the first entry that names no GPU. Raises `Undetermined`.
    https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#env-vars
    """
    devices = now.value(DEVICES) or {}
    count = now.value("facts.gpu.count")
    keys = [str(index) for index in range(min(len(devices) if count is None else count, MOST))]
    wanted = now.value(VISIBLE)
    if wanted is None:
        return keys
    chosen: list[str] = []
    for entry in wanted.split(","):
        key = _named(entry.strip(), keys, devices)
        if key is None:
            break
        chosen.append(key)
    return chosen


def _named(entry: str, keys: list[str], devices: dict[str, Any]) -> str | None:
    if entry.isdecimal():
        return entry if entry in keys else None
    for key, device in devices.items():
        names = [
            device.get("uuid"),
            *(part.get("uuid") for part in device.get("mig_devices") or ()),
        ]
        if entry and any(name and name.startswith(entry) for name in names):
            return key
    return None


def field(now: Fingerprint, key: str, name: str) -> Any:
    """One fact of one GPU. Raises `Undetermined`."""
    return now.value(f"{DEVICES}[{key}].{name}")


class Moved(NamedTuple):
    """GPUs for which something was one thing and is another."""

    keys: tuple[str, ...]
    """Those of the later fingerprint."""
    old_key: str
    """That of the first of them in the earlier one."""
    before: Any
    after: Any

    @property
    def which(self) -> str:
        """`GPU 0`, or `GPU 0, 1, 2`."""
        return f"GPU {', '.join(self.keys)}"


def moved(comparison: Comparison, of: Callable[[Fingerprint, str], Any]) -> list[Moved]:
    """Where `of` differs between the n-th visible GPUs of both sides, like differences together."""
    groups: dict[tuple[Any, Any], list[tuple[str, str]]] = {}
    for pair in zip(visible(comparison.before), visible(comparison.after), strict=False):
        before, after = of(comparison.before, pair[0]), of(comparison.after, pair[1])
        if before != after and before is not None and after is not None:
            groups.setdefault((before, after), []).append(pair)
    return [
        Moved(tuple(key for _, key in pairs), pairs[0][0], before, after)
        for (before, after), pairs in groups.items()
    ]


def changed_paths(comparison: Comparison, keys: tuple[str, ...], *names: str) -> tuple[str, ...]:
    """The paths of `names` that changed; the variable that chooses the GPU when none did."""
    prefixes = [f"{DEVICES}[{key}].{name}" for key in keys for name in names]
    return comparison.under(*prefixes) or (VISIBLE,)


def described(now: Fingerprint, key: str) -> str:
    """`NVIDIA A100-SXM4-40GB (compute capability 8.0)`. Raises `Undetermined`."""
    name = field(now, key, "name")
    return f"{name} (compute capability {field(now, key, 'compute_capability')})"
