"""Who holds memory of a GPU: the programs that are listed, and what no list accounts for."""

from collections.abc import Iterator, Mapping, Sequence

from envprint import knowledge
from envprint.core.cuda_visible_devices import VisibleDevice
from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import Fingerprint
from envprint.core.typed import Any, NamedTuple
from envprint.core.units import size
from envprint.rules.kit.devices import field, in_use

PIDS_ARE_OURS = "live.gpu.pids_are_ours"
HELD_BYTES = 256 << 20
"""Less than this in the hands of others is a driver at rest."""
HELD_BYTES_V1 = 1 << 30
"""The same where the driver cannot tell its own reserve, some hundred MB, from what is in use."""
NAMED_BYTES = 64 << 20
"""What a process must hold to be named: small ones come and go."""


class Program(NamedTuple):
    """Programs of one name, or a process without one, and what they hold."""

    label: str
    bytes: int
    is_desktop: bool
    has_ended: bool = False


class HeldMemory(NamedTuple):
    """What others hold of one GPU."""

    holders: tuple[Program, ...]
    """The largest first."""
    unlisted_bytes: int
    """In use and held by none of them; 0 where it is not more than a driver at rest takes."""

    @property
    def listed_bytes(self) -> int:
        """What the holders have together."""
        return sum(holder.bytes for holder in self.holders)


def held_memory(now: Fingerprint, one: VisibleDevice) -> HeldMemory:
    """What others hold of one GPU, and who they are. Raises `UnknownValueError`."""
    place = in_use(now, one)
    if _is_inside(now) and now.value(PIDS_ARE_OURS) is False:
        raise UnknownValueError(
            f"{place}.processes", "this process cannot be found among the holders"
        )
    processes = _listed(now, place)
    found: dict[str, Program] = {}
    for process in processes:
        if not process.get("own"):
            holder = _holder(process, now.value(PIDS_ARE_OURS))
            known = found.get(holder.label, holder._replace(bytes=0))
            found[holder.label] = known._replace(bytes=known.bytes + holder.bytes)
    ordered = sorted(found.values(), key=lambda holder: (-holder.bytes, holder.label))
    return HeldMemory(tuple(ordered), _unlisted(now, one.key, place, processes))


def _is_inside(now: Fingerprint) -> bool:
    """Whether the process that captures trains, and may hold memory itself."""
    return bool(now.value("facts.frameworks.imported"))


def _listed(now: Fingerprint, place: str) -> Sequence[Mapping[str, Any]]:
    try:
        processes: Sequence[Mapping[str, Any]] = now.value(f"{place}.processes") or ()
    except UnknownValueError:
        if _is_inside(now):
            raise
        return ()
    return processes


def _unlisted(
    now: Fingerprint, key: str, place: str, processes: Sequence[Mapping[str, Any]]
) -> int:
    """What is in use without a holder; nobody can tell that of memory the system shares."""
    if field(now, key, "shares_system_memory"):
        return 0
    try:
        rest: int = now.value(f"{place}.unattributed_bytes") or 0
    except UnknownValueError:
        if _is_inside(now):
            raise
        # Nobody else but others can hold what is in use beside what is listed.
        known = sum(process.get("memory_bytes") or 0 for process in processes)
        rest = max(0, (now.value(f"{place}.memory_used_bytes") or 0) - known)
    is_v1 = bool(rest) and now.value(f"{place}.memory_interface") == "v1"
    return rest if rest >= (HELD_BYTES_V1 if is_v1 else HELD_BYTES) else 0


def _is_of_desktop(program: str | None) -> bool:
    """Whether a program belongs to a desktop even where it computes: browsers decode video."""
    return any(entry["program"] == program for entry in knowledge.entries("desktop_programs"))


def _holder(process: Mapping[str, Any], pids_are_ours: bool | None) -> Program:
    amount = process.get("memory_bytes") or 0
    name, pid = process.get("name"), process.get("pid")
    if name:
        # A helper process of a browser goes by what it does, such as `RDD Process`.
        if not _is_of_desktop(name) and _is_of_desktop(process.get("program")):
            name = process["program"]
        is_desktop = process.get("kind") == "graphics" or _is_of_desktop(name)
        label = name
        if process.get("exists") is False:
            label = f"{name}, which has ended and waits for its parent:"
        elif process.get("same_user") is False and not is_desktop:
            label = f"{name} (of another user)"
        return Program(label, amount, is_desktop)
    if pids_are_ours is False:
        return Program(f"pid {pid} (of the host; its owner is not visible here)", amount, False)
    if process.get("exists") is False and process.get("still_listed"):
        return Program(f"pid {pid}, which no longer exists:", amount, False, has_ended=True)
    if process.get("exists") is False:
        return Program(f"pid {pid}, which has ended since it was listed:", amount, False)
    return Program(f"pid {pid} (not visible to this user)", amount, False)


def listed(holders: Iterator[Program] | tuple[Program, ...]) -> str:
    """`the desktop: Xorg 412 MiB, firefox 396 MiB; programs that compute: python 9,000 MiB`."""
    groups: dict[str, list[str]] = {}
    for holder in holders:
        if holder.bytes >= NAMED_BYTES:
            group = "the desktop" if holder.is_desktop else "programs that compute"
            groups.setdefault(group, []).append(f"{holder.label} {size(holder.bytes)}")
    texts = [f"{group}: {', '.join(names)}" for group, names in groups.items()]
    return "; and by ".join(texts) or "small programs"
