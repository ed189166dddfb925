"""Two sides of which one is somebody else's record, brought to what both can say.

A record lists some packages only, has a release without its local part, and sizes in whole MiB.
What it does not say is neither equal nor different, however much the other side knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import IMPORTED, OTHERS, Fingerprint, split_path
from envprint.core.typed import Any
from envprint.core.versions import numbers

_TORCH = "facts.frameworks.torch.version"
_LOCAL_PART = "the record has the release only, not the build after its +"
_CONDA = "facts.packages.conda"
_SHORT_CHANNEL = "the record has the channel's name, not its address"
_GPUS = "facts.gpu.devices"
_MIB = 1 << 20


def levelled(before: Fingerprint, after: Fingerprint) -> tuple[Fingerprint, Fingerprint]:
    """Both sides, with what a record cannot say against the other side among its unknowns."""
    return _levelled(before, after), _levelled(after, before)


def _levelled(side: Fingerprint, other: Fingerprint) -> Fingerprint:
    if not side.captured_via.startswith(IMPORTED):
        return side
    more = (*_gaps(side, other), *_builds(side, other), *_channels(side, other))
    return side._replace(unknown={**dict(more), **side.unknown}, facts=_sizes(side, other))


def _gaps(side: Fingerprint, other: Fingerprint) -> Iterator[tuple[str, str]]:
    """What only the other side lists, of a map that may leave entries out."""
    for path, reason in side.unknown.items():
        if path.endswith(OTHERS):
            place = path.removesuffix(OTHERS)
            mine, theirs = _map_at(side, place), _map_at(other, place)
            yield from ((f"{place}[{key}]", reason) for key in theirs.keys() - mine.keys())


def _map_at(side: Fingerprint, path: str) -> Mapping[str, Any]:
    value: Any = {"facts": side.facts, "live": side.live}
    for key in split_path(path):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _builds(side: Fingerprint, other: Fingerprint) -> Iterator[tuple[str, str]]:
    """PyTorch says `2.1.0+cu121` of itself where its distribution on PyPI is called `2.1.0`."""
    mine, theirs = side.get(_TORCH), other.get(_TORCH)
    release, plus, _ = (theirs or "").partition("+")
    if mine and plus and "+" not in mine and numbers(mine) == numbers(release):
        yield _TORCH, _LOCAL_PART


def _channels(side: Fingerprint, other: Fingerprint) -> Iterator[tuple[str, str]]:
    """A list has `conda-forge` where a capture has the whole address."""
    for key in _map_at(side, _CONDA).keys() & _map_at(other, _CONDA).keys():
        path = f"{_CONDA}[{key}].channel"
        mine, theirs = side.get(path, ""), other.get(path, "")
        if ("://" in mine) != ("://" in theirs):
            yield path, _SHORT_CHANNEL


def _sizes(side: Fingerprint, other: Fingerprint) -> Mapping[str, Any]:
    """The facts, with the other side's memory of a GPU where that is the same in whole MiB."""
    devices: dict[str, Any] = dict(_map_at(side, _GPUS))
    for key, device in devices.items():
        path = f"{_GPUS}[{key}].memory_total_bytes"
        mine, theirs = side.get(path), other.get(path)
        if type(mine) is int and type(theirs) is int and mine // _MIB == theirs // _MIB:
            devices[key] = {**device, "memory_total_bytes": theirs}
    if not devices:
        return side.facts
    return {**side.facts, "gpu": {**side.facts["gpu"], "devices": devices}}


def nothing_in_common(comparison: Comparison) -> str | None:
    """Why a comparison with a record says nothing at all; None if it says something."""
    before, after = comparison.before, comparison.after
    sections = before.facts.keys() & after.facts.keys()
    if any(_share(f"facts.{name}", before, after) for name in sections):
        return None
    forms = (_form(side) for side in (before, after))
    return f"nothing can be compared: {' and '.join(forms)} have no value in common"


def _share(path: str, before: Fingerprint, after: Fingerprint) -> bool:
    """Whether both sides know anything of a section. An entry that one side alone lists counts
    where the other side's list is whole.
    """
    mine, theirs = _map_at(before, path), _map_at(after, path)
    for key in mine.keys() & theirs.keys():
        place = f"{path}.{key}"
        is_partial = any(place + OTHERS in side.unknown for side in (before, after))
        if not is_partial or _map_at(before, place).keys() & _map_at(after, place).keys():
            return True
    return False


def _form(side: Fingerprint) -> str:
    is_record = side.captured_via.startswith(IMPORTED)
    return side.captured_via.removeprefix(IMPORTED) if is_record else "a fingerprint"
