"""Who holds memory of a GPU: the listed programs, and memory that no list accounts for."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from envprint import knowledge
from envprint.core.cuda_visible_devices import Shown
from envprint.core.errors import Undetermined
from envprint.core.fingerprint import Fingerprint
from envprint.core.units import size
from envprint.rules.kit.devices import field, in_use

PIDS_ARE_OURS = "live.gpu.pids_are_ours"
HELD_BYTES = 256 << 20
"""Below this, usage by others is attributed to the idle driver."""
HELD_BYTES_V1 = 1 << 30
"""The same if the driver cannot separate its own reserve, some hundred MB, from memory in use."""
NAMED_BYTES = 64 << 20
"""Minimum for a process to be named: small ones come and go."""


class Holder(NamedTuple):
    """Programs of one name, or one unnamed process, and the bytes they hold."""

    label: str
    bytes: int
    is_desktop: bool
    has_ended: bool = False


class Held(NamedTuple):
    """What others hold of one GPU."""

    holders: tuple[Holder, ...]
    """Largest first."""
    unlisted_bytes: int
    """In use but held by none of them; 0 if no more than an idle driver takes."""

    @property
    def listed_bytes(self) -> int:
        """The total of all holders."""
        return sum(holder.bytes for holder in self.holders)


def held(now: Fingerprint, one: Shown) -> Held:
    """What others hold of one GPU, and who they are. Raises `Undetermined`."""
    place = in_use(now, one)
    if _is_inside(now) and now.value(PIDS_ARE_OURS) is False:
        raise Undetermined(f"{place}.processes", "this process is not known among the holders")
    processes = _listed(now, place)
    found: dict[str, Holder] = {}
    for process in processes:
        if not process.get("own"):
            holder = _holder(process, now.value(PIDS_ARE_OURS))
            known = found.get(holder.label, holder._replace(bytes=0))
            found[holder.label] = known._replace(bytes=known.bytes + holder.bytes)
    ordered = sorted(found.values(), key=lambda holder: (-holder.bytes, holder.label))
    return Held(tuple(ordered), _unlisted(now, one.key, place, processes))


def _is_inside(now: Fingerprint) -> bool:
    """Whether the capturing process trains, and may hold memory itself."""
    return bool(now.value("facts.frameworks.imported"))


def _listed(now: Fingerprint, place: str) -> Sequence[Mapping[str, Any]]:
    try:
        processes: Sequence[Mapping[str, Any]] = now.value(f"{place}.processes") or ()
    except Undetermined:
        if _is_inside(now):
            raise
        return ()
    return processes


def _unlisted(
    now: Fingerprint, key: str, place: str, processes: Sequence[Mapping[str, Any]]
) -> int:
    """Bytes in use without a holder; 0 for memory shared with the system, where nobody can tell."""
    if field(now, key, "shares_system_memory"):
        return 0
    try:
        rest: int = now.value(f"{place}.unattributed_bytes") or 0
    except Undetermined:
        if _is_inside(now):
            raise
        # Memory in use beyond what is listed can only be held by others.
        known = sum(process.get("memory_bytes") or 0 for process in processes)
        rest = max(0, (now.value(f"{place}.memory_used_bytes") or 0) - known)
    is_v1 = bool(rest) and now.value(f"{place}.memory_interface") == "v1"
    return rest if rest >= (HELD_BYTES_V1 if is_v1 else HELD_BYTES) else 0


def _is_of_desktop(program: str | None) -> bool:
    """Whether a program belongs to a desktop even if it computes: browsers decode video."""
    return any(entry["program"] == program for entry in knowledge.entries("desktop_programs"))


def _holder(process: Mapping[str, Any], pids_are_ours: bool | None) -> Holder:
    amount = process.get("memory_bytes") or 0
    name, pid = process.get("name"), process.get("pid")
    if name:
        # A browser's helper process is named after its task, such as `RDD Process`.
        if not _is_of_desktop(name) and _is_of_desktop(process.get("program")):
            name = process["program"]
        is_desktop = process.get("kind") == "graphics" or _is_of_desktop(name)
        label = name
        if process.get("exists") is False:
            label = f"{name}, which has ended and waits for its parent:"
        elif process.get("same_user") is False and not is_desktop:
            label = f"{name} (of another user)"
        return Holder(label, amount, is_desktop)
    if pids_are_ours is False:
        return Holder(f"pid {pid} (of the host, its owner is not visible here)", amount, False)
    if process.get("exists") is False and process.get("still_listed"):
        return Holder(f"pid {pid}, which no longer exists:", amount, False, has_ended=True)
    if process.get("exists") is False:
        return Holder(f"pid {pid}, which has ended since it was listed:", amount, False)
    return Holder(f"pid {pid} (not visible to this user)", amount, False)


def listed(holders: Iterator[Holder] | tuple[Holder, ...]) -> str:
    """`the desktop: Xorg 412 MiB, firefox 396 MiB; programs that compute: python 9,000 MiB`."""
    groups: dict[str, list[str]] = {}
    for holder in holders:
        if holder.bytes >= NAMED_BYTES:
            group = "the desktop" if holder.is_desktop else "programs that compute"
            groups.setdefault(group, []).append(f"{holder.label} {size(holder.bytes)}")
    told = [f"{group}: {', '.join(names)}" for group, names in groups.items()]
    return "; and by ".join(told) or "small programs"
