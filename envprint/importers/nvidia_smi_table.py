"""The table that `nvidia-smi` prints, also where it was pasted into a text.

    | NVIDIA-SMI 550.163.01             Driver Version: 550.163.01     CUDA Version: 12.4     |
    |   0  NVIDIA GeForce RTX 4090        Off |   00000000:4E:00.0 Off |                  Off |
    | 30%   29C    P8             22W /  450W |     507MiB /  24564MiB |      0%      Default |
    |                                         |                        |                  N/A |
    |    0   N/A  N/A            1842      G   /usr/lib/xorg/Xorg                      410MiB |

Long names are cut off with `...`, and under Windows the driver model stands where Linux has the
persistence mode.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from envprint.core.typed import Any
from envprint.importers._found import Found
from envprint.importers._gpus import (
    ABSENT,
    COMPUTE_MODES,
    DEVICES,
    DRIVER_MODELS,
    gpus,
    known,
    mib,
    process,
    version,
)
from envprint.importers._source import Source

TITLE = "nvidia-smi's table"
IS_PART = True
_VERSIONS = re.compile(
    r"NVIDIA-SMI +\S+ +(?:Driver|KMD) Version: *(\S+)(?: +CUDA(?: UMD)? Version: *(\S+))?"
)
_CARD = re.compile(
    r"\| +(?P<index>\d{1,3}) +(?P<name>\S.*?) +(?P<mode>On|Off|N/A|WDDM|TCC|MCDM) *"
    r"\| *(?P<bus>[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.\d) +(?P<display>On|Off|N/A) *"
    r"\| *(?P<ecc>\S+) *\|"
)
_USE = re.compile(
    r"\|(?P<left>[^|]*)\| *(?P<used>\S+) */ *(?P<total>\S+) *"
    r"\| *(?P<load>\S+) +(?P<mode>\S[^|]*?) *\|"
)
_MIG = re.compile(r"\|[^|]*\|[^|]*\| *(?P<mig>N/A|Disabled|Enabled)\*? *\|")
_PROCESS = re.compile(
    r"\| +(?P<gpu>\d{1,3}) +(?:(?:N/A|\d+) +(?:N/A|\d+) +)?(?P<pid>\d{1,10}) +"
    r"(?P<kind>C\+G|M\+C|C|G|M) +(?P<name>\S.*?) +(?P<held>\d+MiB|N/A) *\|"
)
_NONE = "No running processes found"
_MIG_MODES = {"Disabled": "off", "Enabled": "on"}


def recognises(source: Source) -> bool:
    """Its first line, with the version of the driver."""
    return bool(_VERSIONS.search(source.text))


def read(source: Source) -> Found:
    """Facts and live values of every GPU. Raises `DocumentError`."""
    head = _VERSIONS.search(source.text)
    if head is None:
        raise source.fault("no table of nvidia-smi in it")
    lines = source.text[head.start() :].split("\n")
    cards: dict[str, dict[str, str]] = {}
    for card in _cards(lines):
        cards.setdefault(card["index"], card)  # the first table, where a text has several
    facts = {index: _facts(card) for index, card in cards.items()}
    live = {index: _live(card) for index, card in cards.items()}
    if _has_processes(lines):
        _add_processes(lines, live)
    versions = {"driver": version(head[1]), "cuda": version(head[2])}
    found = gpus(facts, live, versions, None)
    cut = [index for index, device in facts.items() if "name" not in device]
    names = {f"{DEVICES}[{index}].name": "cut off in the table" for index in cut}
    return found._replace(unknown={**found.unknown, **names})


def _cards(lines: Sequence[str]) -> Iterator[dict[str, str]]:
    """What the three lines of each GPU say, by name."""
    for place, line in enumerate(lines):
        if first := _CARD.search(line):
            card = first.groupdict()
            second = _USE.search(lines[place + 1]) if place + 1 < len(lines) else None
            third = _MIG.search(lines[place + 2]) if place + 2 < len(lines) else None
            if second:
                card |= {f"use_{name}": text for name, text in second.groupdict().items()}
            yield card | (third.groupdict() if third else {})


def _facts(card: dict[str, str]) -> dict[str, Any]:
    name, mode, ecc, mig = card["name"], card["mode"], card["ecc"], card.get("mig", "")
    limit = re.search(r"/ *(\d+)W", card.get("use_left", ""))
    fields = {
        "bus_id": card["bus"],
        "name": None if name.endswith("...") else name,
        "persistence_mode": {"On": True, "Off": False}.get(mode),
        "driver_model": DRIVER_MODELS.get(mode.lower()),
        # The column counts the errors of a memory with ECC.
        "ecc_mode": "on" if ecc.isdecimal() else "off" if ecc == "Off" else None,
        "memory_total_bytes": mib(card.get("use_total")),
        "mig_mode": _MIG_MODES.get(mig),
        "compute_mode": COMPUTE_MODES.get(card.get("use_mode", "").lower()),
        "power_limit_w": float(limit[1]) if limit else None,
    }
    lacked = [key for key, text in (("ecc_mode", ecc), ("mig_mode", mig)) if text in ABSENT]
    return known(fields, lacked)


def _live(card: dict[str, str]) -> dict[str, Any]:
    degrees = re.search(r"\b(\d{1,3})C\b", card.get("use_left", ""))
    fields = {
        "memory_used_bytes": mib(card.get("use_used")),
        "display_active": {"On": True, "Off": False}.get(card["display"]),
        "temperature_c": int(degrees[1]) if degrees else None,
    }
    return known(fields)


def _has_processes(lines: Sequence[str]) -> bool:
    return any(_NONE in line or _PROCESS.search(line) for line in lines)


def _add_processes(lines: Sequence[str], live: dict[str, dict[str, Any]]) -> None:
    for card in live.values():
        card["processes"] = []
    for line in lines:
        if (one := _PROCESS.search(line)) and one["gpu"] in live:
            entry = process(int(one["pid"]), one["kind"], one["name"], mib(one["held"]))
            live[one["gpu"]]["processes"].append(entry)
