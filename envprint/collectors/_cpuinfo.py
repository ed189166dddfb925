"""What /proc/cpuinfo says, on x86, ARM and the rest, which each have a form of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from envprint import knowledge

Block = Mapping[str, str]

# x86:  model name	: AMD EPYC                 ARM:  CPU implementer	: 0x41
#       physical id	: 0                              CPU part	: 0xd0c
#       flags		: fpu vme de pse …               Features	: fp asimd evtstrm …
# https://man7.org/linux/man-pages/man5/proc_cpuinfo.5.html


def parse_cpuinfo(text: str) -> Sequence[Block]:
    """One mapping per processor that is online, in the order of the file.

    Raises `ValueError` when no processor is named.
    """
    blocks: list[dict[str, str]] = []
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        name = name.strip()
        if name == "processor":
            blocks.append({})
        if colon and blocks:
            blocks[-1][name] = value.strip()
    if not blocks:
        raise ValueError("no processor in /proc/cpuinfo")
    return blocks


def every(blocks: Sequence[Block], name: str) -> str | None:
    """The values of `name`, each once, sorted and joined by ` + `; None when nobody has it."""
    return " + ".join(sorted({block[name] for block in blocks if block.get(name)})) or None


def model_of(blocks: Sequence[Block]) -> str | None:
    """The processor's name; two kinds of core in one machine give two names.

    Vendor kernels for ARM call every core `ARMv8 Processor rev 1 (v8l)`, so part numbers go first.
    """
    names = ("model name", "cpu", "uarch", "cpu model")
    return arm_model(blocks) or next(filter(None, (every(blocks, name) for name in names)), None)


def arm_model(blocks: Sequence[Block]) -> str | None:
    """The names behind the part numbers of ARM cores, each once."""
    parts = {
        (block["CPU implementer"], block["CPU part"])
        for block in blocks
        if "CPU implementer" in block and "CPU part" in block
    }
    return " + ".join(sorted({part_name(*numbers) for numbers in parts})) or None


def part_name(implementer: str, part: str) -> str:
    """The name of an ARM core, or its numbers where the table has no name for them."""
    found = knowledge.find("arm_parts", implementer=_hex(implementer, 2), part=_hex(part, 3))
    return found["name"] if found else f"implementer {implementer} part {part}"


def implementer_name(implementer: str) -> str:
    """The name of a maker of ARM cores, or its number."""
    found = knowledge.find("arm_implementers", implementer=_hex(implementer, 2))
    return found["name"] if found else implementer


def _hex(text: str, digits: int) -> str:
    """A number as the kernel writes it: 0x41 with two digits, 0xd0c with three."""
    try:
        return f"0x{int(text, 16):0{digits}x}"
    except ValueError:
        return text


def vendor_of(blocks: Sequence[Block]) -> str | None:
    """Who made the processor, such as GenuineIntel, AuthenticAMD or ARM."""
    vendor = every(blocks, "vendor_id")
    implementer = every(blocks, "CPU implementer")
    return vendor or (implementer_name(implementer) if implementer else None)


def common_flags(blocks: Sequence[Block]) -> frozenset[str]:
    """The features that every processor has: what a thread may rely on wherever it runs."""
    texts = {block.get("flags") or block.get("Features") or "" for block in blocks}
    return frozenset.intersection(*(frozenset(text.split()) for text in texts))


# The four levels of https://gitlab.com/x86-psABIs/x86-64-ABI, by the names Linux gives their
# features: pni is SSE3, abm holds LZCNT.
LEVELS = (
    ("x86-64-v1", "cmov cx8 fpu fxsr mmx syscall sse sse2"),
    ("x86-64-v2", "cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3"),
    ("x86-64-v3", "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"),
    ("x86-64-v4", "avx512f avx512bw avx512cd avx512dq avx512vl"),
)


def level_of(flags: frozenset[str]) -> str | None:
    """The highest level whose features, and those of all levels below, are there."""
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
    """.split()
)


def numeric_flags(flags: frozenset[str]) -> list[str]:
    """The features by which libraries choose a kernel that rounds differently, sorted."""
    return sorted(f for f in flags if f in _NUMERIC or f.startswith(("avx512", "amx_")))
