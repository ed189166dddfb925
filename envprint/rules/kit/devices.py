"""The GPUs that a program would see, and how those of two fingerprints match."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from envprint.core import cuda_visible_devices
from envprint.core.comparison import Comparison
from envprint.core.cuda_visible_devices import VisibleDevice
from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import Fingerprint
from envprint.core.rule import Drift, Match, Result, State, UnknownValue, for_each
from envprint.core.typed import Any, NamedTuple, TypeVar
from envprint.core.versions import numbers
from envprint.core.workload import Workload, on_gpu, uses

VISIBLE = "facts.environ.variables[CUDA_VISIBLE_DEVICES]"
ORDER = "facts.environ.variables[CUDA_DEVICE_ORDER]"
DEVICES = "facts.gpu.devices"
DRIVER = "facts.gpu.driver_version"
STATUS = "facts.gpu.status"
VISIBLE_DEVICES = "facts.gpu.visible"
LIVE = "live.gpu.devices"
HOST_MEMORY = "live.host.memory_available_bytes"

Item = TypeVar("Item")

gpu_training = on_gpu & uses("tensorflow", "torch", "jax")


def visible(now: Fingerprint) -> list[VisibleDevice]:
    """What CUDA shows a program. Raises `UnknownValueError` where it is not decided."""
    keys, devices = _all(now)
    order: str | None = now.value(ORDER)
    wanted: str | None = now.value(VISIBLE)
    if not cuda_visible_devices.is_decided(keys, devices, wanted, order):
        raise UnknownValueError(VISIBLE_DEVICES, cuda_visible_devices.UNKNOWN_ORDER)
    return _visible_devices(now)


def cards(now: Fingerprint) -> list[str]:
    """Keys of the GPUs that are visible in whole or in part. Raises `UnknownValueError`."""
    return list(dict.fromkeys(one.key for one in visible(now)))


def how_many(now: Fingerprint) -> int:
    """How many GPUs CUDA shows, whichever they are. Raises `UnknownValueError`."""
    return len(_visible_devices(now))


def of_each(look: Callable[[Fingerprint, VisibleDevice, Workload], Iterable[Match]]) -> State:
    """A check of every visible GPU or part; each match carries the label of its GPU."""

    def check(now: Fingerprint, workload: Workload) -> Iterator[Result]:
        labelled = [(one.label, one) for one in visible(now)]
        return about_each(labelled, lambda one: look(now, one, workload))

    return check


def of_each_card(look: Callable[[Fingerprint, str, Workload], Iterable[Match]]) -> State:
    """The same for whole cards, even if the program sees only a part of one."""

    def check(now: Fingerprint, workload: Workload) -> Iterator[Result]:
        return about_each(((key, key) for key in cards(now)), lambda key: look(now, key, workload))

    return check


def about_each(
    labelled: Iterable[tuple[str, Item]], look: Callable[[Item], Iterable[Match]]
) -> Iterator[Result]:
    """What `look` finds in each item, with the item's label. An unknown ends only its own item."""

    def look_at(entry: tuple[str, Item]) -> Iterator[Match]:
        label, item = entry
        for match in look(item):
            yield match._replace(about=label)

    return for_each(labelled, look_at)


def _visible_devices(now: Fingerprint) -> list[VisibleDevice]:
    keys, devices = _all(now)
    wanted, driver = now.value(VISIBLE), now.value(DRIVER)
    reason = cuda_visible_devices.unknown_reason(keys, devices, wanted, driver)
    if reason:
        raise UnknownValueError(VISIBLE_DEVICES, reason)
    return cuda_visible_devices.visible_devices(keys, devices, wanted, driver)


def _uuids(now: Fingerprint) -> list[str | None]:
    """The UUIDs of all GPUs, in NVML's order."""
    return [device.get("uuid") for device in (now.value(DEVICES) or {}).values()]


def _all(now: Fingerprint) -> tuple[list[str], dict[str, Any]]:
    devices = now.value(DEVICES) or {}
    return cuda_visible_devices.keys_of(now.value("facts.gpu.count"), devices), devices


def part(now: Fingerprint, one: VisibleDevice) -> Mapping[str, Any] | None:
    """The MIG device that a program gets on a divided GPU; None if the GPU is whole.

    Raises `UnknownValueError`.
    """
    if one.part is not None:
        return cuda_visible_devices.parts_of({"mig_devices": field(now, one.key, "mig_devices")})[
            one.part
        ]
    if field(now, one.key, "mig_mode") != "on":
        return None
    field(now, one.key, "mig_devices")  # raises if the parts could not be read
    raise UnknownValueError(f"{DEVICES}[{one.key}].mig_devices", "the GPU is divided into no part")


def in_use(now: Fingerprint, one: VisibleDevice) -> str:
    """The path of the live values of what a program gets: a GPU, or its part."""
    given = part(now, one)
    place = f"{LIVE}[{one.key}]"
    if given is None:
        return place
    if not given.get("uuid"):
        raise UnknownValueError(f"{DEVICES}[{one.key}].mig_devices", "the part has no known UUID")
    return f"{place}.mig_devices[{given['uuid']}]"


def free_path(now: Fingerprint, one: VisibleDevice) -> str:
    """The path of the free memory of what a program gets; it may be the system's memory."""
    if field(now, one.key, "shares_system_memory"):
        return HOST_MEMORY
    return f"{in_use(now, one)}.memory_free_bytes"


def size_of(now: Fingerprint, one: VisibleDevice, name: str) -> int | None:
    """`sm_count` or `memory_total_bytes` of what a program gets. Raises `UnknownValueError`."""
    given = part(now, one)
    value: int | None = field(now, one.key, name) if given is None else given.get(name)
    if given is not None and value is None:
        raise UnknownValueError(
            f"{DEVICES}[{one.key}].mig_devices", f"{name} of the part is unknown"
        )
    return value


def field(now: Fingerprint, key: str, name: str) -> Any:
    """One fact about one GPU. Raises `UnknownValueError`."""
    return now.value(f"{DEVICES}[{key}].{name}")


def any_reaches(comparison: Comparison, capability: tuple[int, int]) -> bool:
    """Whether a visible GPU of either side has it, or a later one. Raises `UnknownValueError`."""
    return any(
        numbers(field(side, key, "compute_capability") or "") >= capability
        for side in (comparison.before, comparison.after)
        for key in cards(side)
    )


class DeviceChange(NamedTuple):
    """Visible GPUs whose value changed in the same way."""

    keys: tuple[str, ...]
    """The GPUs of the later fingerprint."""
    old: VisibleDevice
    """The first of them in the earlier one."""
    new: VisibleDevice
    """The same in the later one."""
    before: Any
    after: Any

    @property
    def which(self) -> str:
        """`GPU 0`, or `GPU 0, 1, 2`."""
        return f"GPU {', '.join(self.keys)}"


def of_each_change(
    value_of: Callable[[Fingerprint, VisibleDevice], Any],
    look: Callable[[Comparison, DeviceChange], Iterable[Match]],
) -> Drift:
    """A drift check of a value of visible GPUs; GPUs whose value changed alike share a match."""

    def drift(comparison: Comparison, workload: Workload) -> Iterator[Result]:
        alike: dict[tuple[Any, Any], list[tuple[VisibleDevice, VisibleDevice]]] = {}
        for old, new in match_devices(comparison):
            try:
                values = value_of(comparison.before, old), value_of(comparison.after, new)
            except UnknownValueError as error:
                yield UnknownValue.of(error)
                continue
            if values[0] != values[1] and None not in values:
                alike.setdefault(values, []).append((old, new))
        changes = [
            DeviceChange(tuple(dict.fromkeys(new.key for _, new in pairs)), *pairs[0], *values)
            for values, pairs in alike.items()
        ]
        yield from for_each(changes, lambda change: look(comparison, change))

    return drift


def match_devices(comparison: Comparison) -> list[tuple[VisibleDevice, VisibleDevice]]:
    """What is visible on both sides, matched by UUID, else by model, else by order.

    In the order of the later side. Raises `UnknownValueError`.
    """
    before, after = _visible_on_both_sides(comparison)
    found: dict[VisibleDevice, VisibleDevice] = {}
    for name in ("uuid", "name", None):
        matched = set(found.values())
        left_before = [one for one in before if one not in matched]
        left_after = [one for one in after if one not in found]
        found.update(_match_by(name, comparison, left_before, left_after))
    return [(found[one], one) for one in after if one in found]


def _visible_on_both_sides(
    comparison: Comparison,
) -> tuple[list[VisibleDevice], list[VisibleDevice]]:
    sides = comparison.before, comparison.after
    # On one machine a number identifies a card, whatever its model: equal numbers are the same
    # card, and different numbers are not.
    uuids = _uuids(sides[0])
    is_one = None not in uuids and uuids == _uuids(sides[1])
    is_one = is_one and sides[0].value(ORDER) == sides[1].value(ORDER)
    before, after = (_visible_devices(side) if is_one else visible(side) for side in sides)
    return before, after


def _match_by(
    name: str | None,
    comparison: Comparison,
    before: list[VisibleDevice],
    after: list[VisibleDevice],
) -> Iterator[tuple[VisibleDevice, VisibleDevice]]:
    """Pairs (later, earlier) with equal values of `name`, each matched first to first."""
    alike: dict[Any, list[VisibleDevice]] = {}
    for one in before:
        alike.setdefault(_likeness(comparison.before, one, name), []).append(one)
    candidates = {like: iter(ones) for like, ones in alike.items() if like}
    for one in after:
        old = next(candidates.get(_likeness(comparison.after, one, name), iter(())), None)
        if old:
            yield one, old


def _likeness(now: Fingerprint, one: VisibleDevice, name: str | None) -> Any:
    """The value that two GPUs or parts must share to match; None if it is unknown."""
    if name is None:
        return "any GPU"
    try:
        return field(now, one.key, name) if one.part is None else (part(now, one) or {}).get(name)
    except UnknownValueError:
        return None


def changed_paths(comparison: Comparison, keys: tuple[str, ...], *names: str) -> tuple[str, ...]:
    """The paths of `names` that changed; if none did, the variable that selects the GPU."""
    prefixes = [f"{DEVICES}[{key}].{name}" for key in keys for name in names]
    return comparison.under(*prefixes) or (VISIBLE,)


def described(now: Fingerprint, key: str) -> str:
    """`NVIDIA A100-SXM4-40GB (compute capability 8.0)`. Raises `UnknownValueError`."""
    name = field(now, key, "name")
    return f"{name} (compute capability {field(now, key, 'compute_capability')})"
