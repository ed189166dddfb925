"""The GPUs that a program would see, and how those of two fingerprints pair up."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from envprint import visibility
from envprint.errors import Undetermined
from envprint.model import Comparison, Fingerprint, Workload
from envprint.rule import Match
from envprint.versions import numbers
from envprint.visibility import Shown
from envprint.workload import on_gpu, uses

VISIBLE = "facts.environ.variables[CUDA_VISIBLE_DEVICES]"
ORDER = "facts.environ.variables[CUDA_DEVICE_ORDER]"
DEVICES = "facts.gpu.devices"
DRIVER = "facts.gpu.driver_version"
SHOWN = "facts.gpu.visible"
LIVE = "live.gpu.devices"
HOST_MEMORY = "live.host.memory_available_bytes"

Item = TypeVar("Item")
Said = TypeVar("Said")
StateCheck = Callable[[Fingerprint, Workload], Iterator[Match]]

training = on_gpu & uses("tensorflow", "torch", "jax")


def visible(now: Fingerprint) -> list[Shown]:
    """What CUDA shows a program. Raises `Undetermined` where it is not decided."""
    keys, devices = _all(now)
    order: str | None = now.value(ORDER)
    wanted: str | None = now.value(VISIBLE)
    if not visibility.is_decided(keys, devices, wanted, order):
        raise Undetermined(SHOWN, visibility.UNDECIDED)
    return _shown(now)


def cards(now: Fingerprint) -> list[str]:
    """Keys of the GPUs of which CUDA shows all or a part. Raises `Undetermined`."""
    return list(dict.fromkeys(one.key for one in visible(now)))


def how_many(now: Fingerprint) -> int:
    """How many GPUs CUDA shows, whichever they are. Raises `Undetermined`."""
    return len(_shown(now))


def of_each(look: Callable[[Fingerprint, Shown, Workload], Iterable[Match]]) -> StateCheck:
    """A check of all that is shown, one by one: a doubt about one costs only that one."""

    def check(now: Fingerprint, workload: Workload) -> Iterator[Match]:
        for one, match in each(visible(now), lambda one: look(now, one, workload)):
            yield match._replace(about=one.label)

    return check


def of_each_card(look: Callable[[Fingerprint, str, Workload], Iterable[Match]]) -> StateCheck:
    """The same for cards, of which the program may be shown a part only."""

    def check(now: Fingerprint, workload: Workload) -> Iterator[Match]:
        for key, match in each(cards(now), lambda key: look(now, key, workload)):
            yield match._replace(about=key)

    return check


def each(
    items: Iterable[Item], look: Callable[[Item], Iterable[Said]]
) -> Iterator[tuple[Item, Said]]:
    """What `look` says of each item, with the item.

    Raises the first `Undetermined` of them, when all the others have been looked at.
    """
    doubts = []
    for item in items:
        try:
            for said in look(item):
                yield item, said
        except Undetermined as doubt:
            doubts.append(doubt)
    if doubts:
        raise doubts[0]


def _shown(now: Fingerprint) -> list[Shown]:
    keys, devices = _all(now)
    wanted, driver = now.value(VISIBLE), now.value(DRIVER)
    doubt = visibility.doubt(keys, devices, wanted, driver)
    if doubt:
        raise Undetermined(SHOWN, doubt)
    return visibility.shown(keys, devices, wanted, driver)


def _uuids(now: Fingerprint) -> list[str | None]:
    """The UUIDs of all GPUs, in NVML's order."""
    return [device.get("uuid") for device in (now.value(DEVICES) or {}).values()]


def _all(now: Fingerprint) -> tuple[list[str], dict[str, Any]]:
    devices = now.value(DEVICES) or {}
    return visibility.keys_of(now.value("facts.gpu.count"), devices), devices


def part(now: Fingerprint, one: Shown) -> Mapping[str, Any] | None:
    """The MIG device that a program gets of a divided GPU; None when the GPU is whole.

    Raises `Undetermined`.
    """
    if one.part is not None:
        return visibility.parts_of({"mig_devices": field(now, one.key, "mig_devices")})[one.part]
    if field(now, one.key, "mig_mode") != "on":
        return None
    field(now, one.key, "mig_devices")  # raises where the parts could not be read
    raise Undetermined(f"{DEVICES}[{one}].mig_devices", "the GPU is divided into no part")


def in_use(now: Fingerprint, one: Shown) -> str:
    """The path of the live values of what a program gets: of a GPU, or of its part."""
    given = part(now, one)
    place = f"{LIVE}[{one}]"
    if given is None:
        return place
    if not given.get("uuid"):
        raise Undetermined(f"{DEVICES}[{one}].mig_devices", "the part has no known UUID")
    return f"{place}.mig_devices[{given['uuid']}]"


def free_path(now: Fingerprint, one: Shown) -> str:
    """Where the free memory is told of what a program gets, which may be the system's."""
    if field(now, one.key, "shares_system_memory"):
        return HOST_MEMORY
    return f"{in_use(now, one)}.memory_free_bytes"


def size_of(now: Fingerprint, one: Shown, name: str) -> int | None:
    """`sm_count` or `memory_total_bytes` of what a program gets. Raises `Undetermined`."""
    given = part(now, one)
    value: int | None = field(now, one.key, name) if given is None else given.get(name)
    if given is not None and value is None:
        raise Undetermined(f"{DEVICES}[{one}].mig_devices", f"{name} of the part is not known")
    return value


def field(now: Fingerprint, key: str, name: str) -> Any:
    """One fact of one GPU. Raises `Undetermined`."""
    return now.value(f"{DEVICES}[{key}].{name}")


def any_reaches(comparison: Comparison, capability: tuple[int, int]) -> bool:
    """Whether a visible GPU of either side has it, or a later one. Raises `Undetermined`."""
    return any(
        numbers(field(side, key, "compute_capability") or "") >= capability
        for side in (comparison.before, comparison.after)
        for key in cards(side)
    )


class Moved(NamedTuple):
    """What is shown and for which something was one thing and is another."""

    keys: tuple[str, ...]
    """The GPUs of the later fingerprint."""
    old: Shown
    """The first of them in the earlier one."""
    new: Shown
    """The same in the later one."""
    before: Any
    after: Any

    @property
    def which(self) -> str:
        """`GPU 0`, or `GPU 0, 1, 2`."""
        return f"GPU {', '.join(self.keys)}"


def moved(comparison: Comparison, of: Callable[[Fingerprint, Shown], Any]) -> Iterator[Moved]:
    """Where `of` differs between the GPUs of both sides, like differences together.

    Raises `Undetermined` behind them where it was so for a GPU.
    """
    groups: dict[tuple[Any, Any], list[tuple[Shown, Shown]]] = {}
    doubts = []
    for pair in pairs(comparison):
        try:
            before, after = of(comparison.before, pair[0]), of(comparison.after, pair[1])
        except Undetermined as doubt:
            doubts.append(doubt)
            continue
        if before != after and before is not None and after is not None:
            groups.setdefault((before, after), []).append(pair)
    for (before, after), alike in groups.items():
        keys = dict.fromkeys(new.key for _, new in alike)
        yield Moved(tuple(keys), *alike[0], before, after)
    if doubts:
        raise doubts[0]


def pairs(comparison: Comparison) -> list[tuple[Shown, Shown]]:
    """What is shown on both sides and belongs together: by UUID, else by model, else by order.

    In the order of the later side. Raises `Undetermined`.
    """
    sides = comparison.before, comparison.after
    # On one machine a number means one card, whichever it is: equal numbers are the same card, and
    # unlike numbers are not.
    uuids = _uuids(sides[0])
    is_one = None not in uuids and uuids == _uuids(sides[1])
    is_one = is_one and sides[0].value(ORDER) == sides[1].value(ORDER)
    before, after = (_shown(side) if is_one else visible(side) for side in sides)
    found: dict[Shown, Shown] = {}
    for name in ("uuid", "name", None):
        taken = set(found.values())
        left: dict[Any, list[Shown]] = {}
        for one in reversed(before):
            if one not in taken:
                left.setdefault(_likeness(comparison.before, one, name), []).append(one)
        for one in after:
            like = _likeness(comparison.after, one, name)
            if one not in found and like and left.get(like):
                found[one] = left[like].pop()
    return [(found[one], one) for one in after if one in found]


def _likeness(now: Fingerprint, one: Shown, name: str | None) -> Any:
    """What two GPUs or parts must share to belong together; None where it is not known."""
    if name is None:
        return "any GPU"
    try:
        return field(now, one.key, name) if one.part is None else (part(now, one) or {}).get(name)
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
