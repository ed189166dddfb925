"""GPUs as nvidia-smi describes them, in the words of a fingerprint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from envprint import knowledge
from envprint.core.fingerprint import OTHERS
from envprint.core.typed import Any
from envprint.importers._found import Found

DEVICES = "facts.gpu.devices"
_MIB = 1 << 20
ABSENT = ("N/A", "[N/A]", "[Not Supported]")
"""What nvidia-smi writes where a card lacks something. `ERR!` and the like are unknown."""
COMPUTE_MODES = {
    **{"default": "default", "prohibited": "prohibited"},
    **dict.fromkeys(("exclusive_process", "e. process"), "exclusive-process"),
    **dict.fromkeys(("exclusive_thread", "e. thread"), "exclusive-thread"),
}
DRIVER_MODELS = {"wddm": "WDDM", "wdm": "WDM", "tcc": "WDM", "mcdm": "MCDM"}
"""TCC is what NVML calls WDM."""
KINDS = {"C": "compute", "G": "graphics", "C+G": "both", "M+C": "compute", "M": "compute"}
"""https://docs.nvidia.com/deploy/nvidia-smi/index.html: M is a client of the MPS server."""
_VERSION = r"\d{1,6}(?:\.\d{1,6}){1,3}"


def version(text: str | None) -> str | None:
    """A version of a driver or of CUDA; None for everything else, such as N/A."""
    found = re.fullmatch(_VERSION, (text or "").strip())
    return found[0] if found else None


def mib(text: str | None) -> int | None:
    """`24564 MiB` in bytes; None where there is no such number."""
    found = re.fullmatch(r"(\d{1,9}) ?MiB", (text or "").strip())
    return int(found[1]) * _MIB if found else None


def number(text: str | None, unit: str) -> float | None:
    """`450.00 W`; None where there is no such number."""
    found = re.fullmatch(rf"(\d{{1,9}}(?:\.\d{{1,6}})?) ?{unit}", (text or "").strip())
    return float(found[1]) if found else None


def architecture(text: str | None) -> str | None:
    """The generation by the name that a capture has for it: `Ada Lovelace` is Ada there."""
    known = {e.get("architecture", "?") for e in knowledge.entries("compute_capabilities")}
    return next((name for name in sorted(known) if text and text.startswith(name)), None)


def known(fields: Mapping[str, Any], nullable: Iterable[str] = ()) -> dict[str, Any]:
    """The fields that have a value; of `nullable` ones None counts, for the card lacks it."""
    return {name: value for name, value in fields.items() if value is not None or name in nullable}


def process(pid: int, kind: str, name: str, held: int | None) -> dict[str, Any]:
    """One holder of memory, by the name of its program alone: no path, no arguments."""
    entry: dict[str, Any] = {"pid": pid, "kind": KINDS.get(kind, "compute")}
    program = _program(name)
    if program:
        entry["program"] = program
    if held is not None:
        entry["memory_bytes"] = held
    return entry


# /usr/bin/gnome-shell      C:\Program Files\x\x.exe      [Insufficient Permissions]
# /opt/microsoft/msedge/msedge --type=gpu-process --crashpad-handler-pid=2176
# ...n3.10/bin/python       ...AAAAAAAA== --shared-files
def _program(name: str) -> str | None:
    path = re.split(r" -|\s{2,}", name.strip())[0].strip()
    if not path or path[0] == "[" or path in ABSENT:
        return None
    if path.startswith("...") and not re.search(r"[/\\]", path):
        return None  # cut in the middle of a word
    base = re.split(r"[/\\]", path)[-1]
    # A word behind the program is an argument, unless the path is one of Windows.
    base = base if "\\" in path else base.split(" ")[0]
    return base[:64] or None


def numbered(devices: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The devices by their place in the list."""
    return {str(index): device for index, device in enumerate(devices)}


def gpus(
    listed: dict[str, dict[str, Any]],
    live: dict[str, dict[str, Any]],
    versions: Mapping[str, str | None],
    count: int | None,
) -> Found:
    """The sections of all GPUs; `count` is how many the driver has, which may list fewer."""
    if count is None and listed:
        count = max(map(int, listed)) + 1
    gpu = known({"driver_version": versions["driver"]})
    cuda = known({"supported_version": versions["cuda"]})
    unknown = {}
    if listed or count == 0:
        gpu |= {"status": "ok", "devices": listed, "count": len(listed)}
    if count is not None and count > len(listed):
        gpu["count"] = count
        unknown[DEVICES + OTHERS] = f"{len(listed)} of {count} GPUs are listed"
    now = {"gpu": {"devices": live}} if listed else {}
    return Found({"gpu": gpu, "cuda": cuda}, now, unknown)
