"""The processor: model, instruction sets, and how much of it this process may use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from envprint import knowledge
from envprint.collectors._cgroup import quota_cpus
from envprint.core.fields import FLAG, INTEGER, NUMBER, TEXT, Field, ListOf
from envprint.core.fingerprint import Unknown
from envprint.core.typed import Any
from envprint.machine.attempt import attempt, text_or_none
from envprint.machine.host import Host

# /proc/cpuinfo, whose format depends on the architecture.

Block = Mapping[str, str]

# x86:  model name	: AMD EPYC                 ARM:  CPU implementer	: 0x41
#       physical id	: 0                              CPU part	: 0xd0c
#       flags		: fpu vme de pse …               Features	: fp asimd evtstrm …
# s390: processor 1: version = 00,  identification = 279F25,  machine = 2817
#       cpu number      : 1              (newer kernels, a paragraph for each, further below)
# sparc64: CPU6:		online
# https://man7.org/linux/man-pages/man5/proc_cpuinfo.5.html


def parse_cpuinfo(text: str) -> Sequence[Block]:
    """One mapping per online processor, in file order.

    What a paragraph without a processor says is said of every processor. Raises `ValueError` if
    there is no processor.
    """
    common: dict[str, str] = {}
    blocks: dict[str, dict[str, str]] = {}
    current = common
    for line in text.splitlines():
        name, colon, value = (part.strip() for part in line.partition(":"))
        number = _processor(name, value)
        if number is not None:
            current = blocks.setdefault(number, {"processor": number})
            current.update(_pairs(value))
        elif colon:
            current[name] = value
        else:
            current = common
    if not blocks:
        raise ValueError("no processor in /proc/cpuinfo")
    return [common | block for block in blocks.values()]


def _processor(name: str, value: str) -> str | None:
    """The number of the processor that a line begins to describe; None for other lines."""
    if name in ("processor", "cpu number"):
        return value
    if not name.startswith(("processor ", "CPU")):  # nearly all lines
        return None
    found = re.fullmatch(r"processor (\d+)" if value != "online" else r"CPU(\d+)", name)
    return found[1] if found else None


def _pairs(text: str) -> dict[str, str]:
    """`version = 00,  machine = 2817` as a mapping."""
    return dict(re.findall(r"(\w+) = (\w+)", text)) if "=" in text else {}


def every(blocks: Sequence[Block], name: str) -> str | None:
    """The distinct values of `name`, sorted and joined by ` + `; None if no block has it."""
    return " + ".join(sorted({block[name] for block in blocks if block.get(name)})) or None


def model_of(blocks: Sequence[Block]) -> str | None:
    """The processor's name; a machine with two kinds of core gives two names.

    Vendor kernels for ARM call every core `ARMv8 Processor rev 1 (v8l)`, so part numbers come
    first.
    """
    names = ("model name", "Model Name", "cpu", "uarch", "cpu model")
    named = next(filter(None, (every(blocks, name) for name in names)), None)
    return arm_model(blocks) or named or _mainframe(blocks)


def _mainframe(blocks: Sequence[Block]) -> str | None:
    """IBM's s390 names the type of the machine only, such as 2964 for the z13."""
    machine = every(blocks, "machine")
    is_ibm = every(blocks, "vendor_id") == "IBM/S390"
    return f"IBM machine type {machine}" if is_ibm and machine else None


def arm_model(blocks: Sequence[Block]) -> str | None:
    """The names for the part numbers of ARM cores, without duplicates."""
    parts = {
        (block["CPU implementer"], block["CPU part"])
        for block in blocks
        if "CPU implementer" in block and "CPU part" in block
    }
    return " + ".join(sorted({part_name(*numbers) for numbers in parts})) or None


def part_name(implementer: str, part: str) -> str:
    """The name of an ARM core, or its numbers if it is not in the table."""
    found = knowledge.find("arm_parts", implementer=_hex(implementer, 2), part=_hex(part, 3))
    return found["name"] if found else f"implementer {implementer} part {part}"


def implementer_name(implementer: str) -> str:
    """The name of a designer of ARM cores, or its number."""
    found = knowledge.find("arm_implementers", implementer=_hex(implementer, 2))
    return found["name"] if found else implementer


def _hex(text: str, digits: int) -> str:
    """A number in the kernel's format: 0x41 with two digits, 0xd0c with three."""
    try:
        return f"0x{int(text, 16):0{digits}x}"
    except ValueError:
        return text


def vendor_of(blocks: Sequence[Block]) -> str | None:
    """The processor's vendor, such as GenuineIntel, AuthenticAMD or ARM."""
    vendor = every(blocks, "vendor_id")
    implementer = every(blocks, "CPU implementer")
    family = every(blocks, "CPU Family")
    if family and family.startswith("Loongson"):
        return "Loongson"
    return vendor or (implementer_name(implementer) if implementer else None)


def common_flags(blocks: Sequence[Block]) -> frozenset[str]:
    """The features of every processor, which a thread may rely on wherever it runs."""
    names = ("flags", "Features", "features")
    texts = {next(filter(None, map(block.get, names)), "") for block in blocks}
    return frozenset.intersection(*(frozenset(text.split()) for text in texts))


# The four levels of https://gitlab.com/x86-psABIs/x86-64-ABI, with Linux' names of the features:
# pni is SSE3, abm includes LZCNT.
LEVELS = (
    ("x86-64-v1", "cmov cx8 fpu fxsr mmx syscall sse sse2"),
    ("x86-64-v2", "cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3"),
    ("x86-64-v3", "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"),
    ("x86-64-v4", "avx512f avx512bw avx512cd avx512dq avx512vl"),
)


def level_of(flags: frozenset[str]) -> str | None:
    """The highest level whose features are present, together with those of all lower levels."""
    reached = None
    for level, needed in LEVELS:
        if not flags.issuperset(needed.split()):
            break
        reached = level
    return reached


_NUMERIC = frozenset(
    """
    sse4_1 sse4_2 avx f16c fma fma4 avx2 avx_vnni avx_vnni_int8 avx_ne_convert avx10
    asimd fphp asimdhp asimddp asimdfhm sve sve2 bf16 svebf16 i8mm svei8mm sme sme2 vsx
    lsx lasx vx vxe vxe2
    """.split()
)


def numeric_flags(flags: frozenset[str]) -> list[str]:
    """The features by which libraries choose among kernels that round differently, sorted."""
    return sorted(f for f in flags if f in _NUMERIC or f.startswith(("avx512", "amx_")))


FACTS = (
    Field(
        "model",
        TEXT,
        "Name of the processor; of every kind of core if there are several.",
    ),
    Field("vendor", TEXT, "Vendor, such as GenuineIntel, AuthenticAMD or ARM."),
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
        "that all processors have.",
    ),
    Field(
        "sockets",
        INTEGER,
        "Processor packages.",
        unwatched="libraries count usable_threads, in whatever package they are",
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
        "CPU time that control groups allow per unit of time; null without a limit.",
    ),
    Field(
        "microcode",
        TEXT,
        "Microcode revision; null if the kernel reports none.",
    ),
    Field(
        "old_microcode",
        FLAG,
        "Whether Linux knows a later microcode that mends a known issue; null if it does not say, "
        "as before Linux 6.16 and in most virtual machines.",
    ),
)

_CPUS = "/sys/devices/system/cpu"


def collect(host: Host) -> Mapping[str, Any]:
    """Read from /proc/cpuinfo, /sys/devices/system/cpu and the control groups."""
    machine = attempt(lambda: host.system()["machine"])
    blocks = attempt(lambda: parse_cpuinfo(host.read_text("/proc/cpuinfo")))
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
        "old_microcode": attempt(lambda: _old_microcode(host)),
    }


def _old_microcode(host: Host) -> bool | None:
    """https://docs.kernel.org/admin-guide/hw-vuln/old_microcode.html"""
    text = (text_or_none(host, f"{_CPUS}/vulnerabilities/old_microcode") or "").strip()
    known = {"Vulnerable": True, "Not affected": False}
    return known.get(text.partition(":")[0])


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
    ids = attempt(lambda: {host.read_text(f"{cpu}/physical_package_id").strip() for cpu in cpus})
    return (
        ids if isinstance(ids, Unknown) else _packages(host, blocks, ids),
        attempt(lambda: len({host.read_text(f"{cpu}/thread_siblings_list") for cpu in cpus})),
    )


_DEVICE_TREES = ("/sys/firmware/devicetree/base", "/proc/device-tree")
"""With ACPI a kernel may show an empty one, without processors."""


def _packages(host: Host, blocks: Sequence[Block], ids: set[str]) -> int | Unknown:
    """The number of packages, if the kernel's ids are those of packages.

    A device tree for ARM groups processors in clusters and rarely names sockets; then the ids are
    those of clusters, and lscpu(1) prints `-` for the sockets.
    https://www.kernel.org/doc/Documentation/devicetree/bindings/cpu/cpu-topology.txt
    """
    is_arm = any("CPU implementer" in block for block in blocks)
    if is_arm and any(host.file_type(f"{tree}/cpus") == "directory" for tree in _DEVICE_TREES):
        return Unknown("the device tree does not show which processors share a package")
    return Unknown("the firmware does not number its packages") if "-1" in ids else len(ids)
