"""The GPUs that a program would see, and how those of two fingerprints pair up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from envprint import visibility
from envprint.errors import Undetermined
from envprint.model import Comparison, Fingerprint
from envprint.versions import numbers
from envprint.workload import on_gpu, uses

VISIBLE = "facts.environ.variables[CUDA_VISIBLE_DEVICES]"
ORDER = "facts.environ.variables[CUDA_DEVICE_ORDER]"
DEVICES = "facts.gpu.devices"
SHOWN = "facts.gpu.visible"
LIVE = "live.gpu.devices"
HOST_MEMORY = "live.host.memory_available_bytes"

training = on_gpu & uses("tensorflow", "torch", "jax")


def visible(now: Fingerprint) -> list[str]:
    """Keys of the GPUs that CUDA shows a program. Raises `Undetermined` where it is not decided."""
    keys, devices = _all(now)
    order: str | None = now.value(ORDER)
    wanted: str | None = now.value(VISIBLE)
    if not visibility.is_decided(keys, devices, wanted, order):
        raise Undetermined(SHOWN, visibility.UNDECIDED)
    return _chosen(now)


def how_many(now: Fingerprint) -> int:
    """How many GPUs CUDA shows, whichever they are. Raises `Undetermined`."""
    return len(_chosen(now))


def _chosen(now: Fingerprint) -> list[str]:
    doubt = visibility.doubt(*_all(now), now.value(VISIBLE))
    if doubt:
        raise Undetermined(SHOWN, doubt)
    return visibility.chosen(*_all(now), now.value(VISIBLE))


def _cards(now: Fingerprint) -> list[str | None]:
    """The UUIDs of all GPUs, in NVML's order."""
    return [device.get("uuid") for device in (now.value(DEVICES) or {}).values()]


def _all(now: Fingerprint) -> tuple[list[str], dict[str, Any]]:
    devices = now.value(DEVICES) or {}
    return visibility.keys_of(now.value("facts.gpu.count"), devices), devices


def part(now: Fingerprint, key: str) -> Mapping[str, Any] | None:
    """The MIG device that a program gets of a divided GPU; None when the GPU is whole.

    Raises `Undetermined`.
    """
    if field(now, key, "mig_mode") != "on":
        return None
    device = {"mig_devices": field(now, key, "mig_devices")}
    found = visibility.part_of(device, now.value(VISIBLE))
    if found is None:
        raise Undetermined(f"{DEVICES}[{key}].mig_devices", "the GPU is divided into no part")
    return found


def in_use(now: Fingerprint, key: str) -> str:
    """The path of the live values of what a program gets: of a GPU, or of its part."""
    given = part(now, key)
    place = f"{LIVE}[{key}]"
    if given is None:
        return place
    if not given.get("uuid"):
        raise Undetermined(f"{DEVICES}[{key}].mig_devices", "the part has no known UUID")
    return f"{place}.mig_devices[{given['uuid']}]"


def free_path(now: Fingerprint, key: str) -> str:
    """Where the free memory is told of what a program gets, which may be the system's."""
    if field(now, key, "shares_system_memory"):
        return HOST_MEMORY
    return f"{in_use(now, key)}.memory_free_bytes"


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
    """Where `of` differs between the GPUs of both sides, like differences together."""
    groups: dict[tuple[Any, Any], list[tuple[str, str]]] = {}
    for pair in pairs(comparison):
        before, after = of(comparison.before, pair[0]), of(comparison.after, pair[1])
        if before != after and before is not None and after is not None:
            groups.setdefault((before, after), []).append(pair)
    return [
        Moved(tuple(key for _, key in alike), alike[0][0], before, after)
        for (before, after), alike in groups.items()
    ]


def pairs(comparison: Comparison) -> list[tuple[str, str]]:
    """The visible GPUs of both sides that belong together: by UUID, else by model, else by order.

    In the order of the later side. Raises `Undetermined`.
    """
    sides = comparison.before, comparison.after
    # On one machine a number means one card, whichever it is: equal numbers are the same card, and
    # unlike numbers are not.
    cards = _cards(sides[0])
    is_one = None not in cards and cards == _cards(sides[1])
    is_one = is_one and sides[0].value(ORDER) == sides[1].value(ORDER)
    before, after = (_chosen(side) if is_one else visible(side) for side in sides)
    found: dict[str, str] = {}
    for name in ("uuid", "name", None):
        taken = set(found.values())
        left: dict[Any, list[str]] = {}
        for key in reversed(before):
            if key not in taken:
                left.setdefault(_likeness(comparison.before, key, name), []).append(key)
        for key in after:
            like = _likeness(comparison.after, key, name)
            if key not in found and like and left.get(like):
                found[key] = left[like].pop()
    return [(found[key], key) for key in after if key in found]


def _likeness(now: Fingerprint, key: str, name: str | None) -> Any:
    """What two GPUs must share to belong together; None where it is not known."""
    if name is None:
        return "any GPU"
    try:
        return field(now, key, name)
    except Undetermined:
        return None


def changed_paths(comparison: Comparison, keys: tuple[str, ...], *names: str) -> tuple[str, ...]:
    """The paths of `names` that changed; the variable that chooses the GPU when none did."""
    prefixes = [f"{DEVICES}[{key}].{name}" for key in keys for name in names]
    return comparison.under(*prefixes) or (VISIBLE,)


def described(now: Fingerprint, key: str) -> str:
    """`NVIDIA A100-SXM4-40GB (compute capability 8.0)`. Raises `Undetermined`."""
    name = field(now, key, "name")
    return f"{name} (compute capability {field(now, key, 'compute_capability')})"
