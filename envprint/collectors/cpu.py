"""The processor: model, instruction sets, and how much of it this process may use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from envprint.collectors._attempt import attempt, text_or_none
from envprint.collectors._cgroup import quota_cpus
from envprint.collectors._cpuinfo import (
    Block,
    common_flags,
    every,
    level_of,
    model_of,
    numeric_flags,
    parse_cpuinfo,
    vendor_of,
)
from envprint.fields import INTEGER, NUMBER, TEXT, Field, ListOf
from envprint.host import Host
from envprint.model import Unknown

FACTS = (
    Field(
        "model",
        TEXT,
        "Name of the processor; of every kind of core where there are several.",
        unwatched="libraries go by vendor and flags, which are watched",
    ),
    Field("vendor", TEXT, "Maker, such as GenuineIntel, AuthenticAMD or ARM."),
    Field("architecture", TEXT, "Machine as the kernel names it: x86_64, aarch64, …"),
    Field(
        "level",
        TEXT,
        "Level of the x86-64 psABI, x86-64-v1 to v4; null elsewhere.",
        unwatched="follows from the flags, which are watched",
    ),
    Field(
        "flags",
        ListOf(TEXT),
        "Features by which libraries choose kernels that round differently, sorted; only those "
        "that every processor has.",
    ),
    Field(
        "sockets",
        INTEGER,
        "Processor packages.",
        unwatched="libraries count usable_threads, whatever package they are in",
    ),
    Field(
        "cores",
        INTEGER,
        "Physical cores that are online.",
    ),
    Field(
        "threads",
        INTEGER,
        "Logical processors that are online.",
    ),
    Field(
        "usable_threads",
        INTEGER,
        "Logical processors this process may run on, see sched_getaffinity(2); libraries count "
        "these when they choose a number of threads.",
    ),
    Field(
        "quota_cpus",
        NUMBER,
        "CPU time per time that passes which control groups allow; null without a limit.",
    ),
    Field(
        "microcode",
        TEXT,
        "Microcode revision; null where the kernel names none.",
        unwatched="one report of wrong results, on one model, and not settled",
    ),
)

_CPUS = "/sys/devices/system/cpu"


def collect(host: Host) -> Mapping[str, Any]:
    """Read from /proc/cpuinfo, /sys/devices/system/cpu and the control groups."""
    machine = attempt(lambda: host.system()["machine"])
    blocks = attempt(lambda: parse_cpuinfo(host.text("/proc/cpuinfo")))
    described = (
        dict.fromkeys(_FROM_CPUINFO, blocks)
        if isinstance(blocks, Unknown)
        else _described(host, blocks, machine)
    )
    return {
        **described,
        "architecture": machine,
        "usable_threads": attempt(lambda: len(host.cpus())),
        "quota_cpus": attempt(lambda: quota_cpus(host)),
    }


_FROM_CPUINFO = (
    *("model", "vendor", "level", "flags"),
    *("sockets", "cores", "threads", "microcode"),
)


def _described(host: Host, blocks: Sequence[Block], machine: str | Unknown) -> dict[str, Any]:
    flags = common_flags(blocks)
    sockets, cores = _topology(host, blocks)
    elsewhere = machine if isinstance(machine, Unknown) else None
    return {
        "model": model_of(blocks) or attempt(lambda: _board(host)),
        "vendor": vendor_of(blocks),
        "level": level_of(flags) if machine == "x86_64" else elsewhere,
        "flags": numeric_flags(flags),
        "sockets": sockets,
        "cores": cores,
        "threads": len(blocks),
        "microcode": every(blocks, "microcode"),
    }


def _board(host: Host) -> str | None:
    """The board's name in the device tree, which ends with a zero byte."""
    return (text_or_none(host, "/proc/device-tree/model") or "").rstrip("\0\n") or None


def _topology(host: Host, blocks: Sequence[Block]) -> tuple[int | Unknown, int | Unknown]:
    """Sockets and cores, from /proc/cpuinfo on x86 and from sysfs elsewhere."""
    places = {(block.get("physical id"), block.get("core id")) for block in blocks}
    if all(package and core for package, core in places):
        return len({package for package, _ in places}), len(places)
    cpus = [f"{_CPUS}/cpu{block['processor']}/topology" for block in blocks]
    ids = attempt(lambda: {host.text(f"{cpu}/physical_package_id").strip() for cpu in cpus})
    return (
        ids if isinstance(ids, Unknown) else _packages(host, blocks, ids),
        attempt(lambda: len({host.text(f"{cpu}/thread_siblings_list") for cpu in cpus})),
    )


_DEVICE_TREES = ("/sys/firmware/devicetree/base", "/proc/device-tree")
"""With ACPI a kernel may show an empty one, without processors."""


def _packages(host: Host, blocks: Sequence[Block], ids: set[str]) -> int | Unknown:
    """How many there are, if what the kernel numbers are packages.

    A device tree for ARM groups processors in clusters and mostly names no sockets; then the
    numbers are those of clusters, and lscpu(1) prints `-` for the sockets.
    https://www.kernel.org/doc/Documentation/devicetree/bindings/cpu/cpu-topology.txt
    """
    is_arm = any("CPU implementer" in block for block in blocks)
    if is_arm and any(host.kind(f"{tree}/cpus") == "directory" for tree in _DEVICE_TREES):
        return Unknown("the device tree does not say which processors share a package")
    return Unknown("the firmware does not number its packages") if "-1" in ids else len(ids)
