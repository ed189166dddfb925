"""The GPUs that a program would see, and how those of two fingerprints pair up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from envprint.errors import Undetermined
from envprint.model import Comparison, Fingerprint
from envprint.versions import numbers
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
        if _names(entry, device) or any(_names(entry, part) for part in _parts(device)):
            return key
    return None


def _names(entry: str, what: dict[str, Any]) -> bool:
    """Whether `entry` is the beginning of a UUID, as CUDA_VISIBLE_DEVICES allows."""
    return bool(entry and what.get("uuid") and what["uuid"].startswith(entry))


def _parts(device: dict[str, Any]) -> list[dict[str, Any]]:
    return device.get("mig_devices") or []


def part(now: Fingerprint, key: str) -> dict[str, Any] | None:
    """The MIG device that a program gets of a divided GPU; None when the GPU is whole.

    That is the first one unless CUDA_VISIBLE_DEVICES names another. Raises `Undetermined`.
    https://docs.nvidia.com/datacenter/tesla/mig-user-guide/
    """
    if field(now, key, "mig_mode") != "on":
        return None
    parts = field(now, key, "mig_devices") or []
    entries = (now.value(VISIBLE) or "").split(",")
    named = [part for part in parts if any(_names(entry.strip(), part) for entry in entries)]
    if not parts:
        raise Undetermined(f"{DEVICES}[{key}].mig_devices", "the GPU is divided into no part")
    found: dict[str, Any] = (named or parts)[0]
    return found


def size_of(now: Fingerprint, key: str, name: str) -> int | None:
    """`sm_count` or `memory_total_bytes` of what a program gets. Raises `Undetermined`."""
    given = part(now, key)
    value: int | None = field(now, key, name) if given is None else given.get(name)
    if given is not None and value is None:
        raise Undetermined(f"{DEVICES}[{key}].mig_devices", f"{name} of the part is not known")
    return value


def field(now: Fingerprint, key: str, name: str) -> Any:
    """One fact of one GPU. Raises `Undetermined`."""
    return now.value(f"{DEVICES}[{key}].{name}")


def any_reaches(comparison: Comparison, capability: tuple[int, int]) -> bool:
    """Whether a visible GPU of either side has it, or a later one. Raises `Undetermined`."""
    return any(
        numbers(field(side, key, "compute_capability") or "") >= capability
        for side in (comparison.before, comparison.after)
        for key in visible(side)
    )


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
