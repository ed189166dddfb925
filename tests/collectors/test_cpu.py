"""The cpu section on x86, ARM and odder machines, and the CPU quota of control groups."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.collectors import cpu as section
from envprint.collectors.cpu import (
    implementer_name,
    level_of,
    model_of,
    numeric_flags,
    parse_cpuinfo,
    part_name,
)
from envprint.core.fingerprint import Unknown
from tests.builders.cpu import GRAVITON, machine
from tests.builders.support import host

V2 = "cmov cx8 fpu fxsr mmx syscall sse sse2 cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3"
V3 = f"{V2} avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"
V4 = f"{V3} avx512f avx512bw avx512cd avx512dq avx512vl avx512_vnni amx_tile"


def x86(count: int, flags: str = V3, sockets: int = 1, siblings: int = 2) -> str:
    """A /proc/cpuinfo of `count` processors, `siblings` on each core."""
    per_socket = count // sockets
    return "\n".join(
        f"processor\t: {n}\nvendor_id\t: GenuineIntel\n"
        "model name\t: Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz\nmicrocode\t: 0x5003604\n"
        f"physical id\t: {n // per_socket}\ncore id\t\t: {n % per_socket // siblings}\n"
        f"flags\t\t: {flags}\npower management:\n"
        for n in range(count)
    )


def test_a_server_with_two_sockets_is_read_whole() -> None:
    assert section.collect(machine(x86(8, sockets=2), cpus=[0, 1, 4, 5])) == {
        "model": "Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz",
        "vendor": "GenuineIntel",
        "architecture": "x86_64",
        "level": "x86-64-v3",
        "flags": ["avx", "avx2", "f16c", "fma", "sse4_1", "sse4_2"],
        "sockets": 2,
        "cores": 4,
        "threads": 8,
        "usable_threads": 4,
        "quota_cpus": None,
        "old_microcode": None,
        "microcode": "0x5003604",
    }


@pytest.mark.parametrize(
    ("flags", "level"),
    [
        (V4, "x86-64-v4"),
        (V3, "x86-64-v3"),
        (V2, "x86-64-v2"),
        ("cmov cx8 fpu fxsr mmx syscall sse sse2", "x86-64-v1"),
        # AVX-512 without one part of the third level, as under a hypervisor that hides MOVBE.
        (V4.replace(" movbe", ""), "x86-64-v2"),
        ("", None),
    ],
)
def test_levels_are_those_of_the_psabi(flags: str, level: str | None) -> None:
    assert level_of(frozenset(flags.split())) == level


def test_only_features_that_change_rounding_are_kept() -> None:
    flags = frozenset("fpu aes avx512f avx512_bf16 amx_tile avx_vnni fma4 sha_ni rdrand".split())
    assert numeric_flags(flags) == ["amx_tile", "avx512_bf16", "avx512f", "avx_vnni", "fma4"]


def test_a_feature_that_one_processor_lacks_is_left_out() -> None:
    text = x86(1, V4) + "\n" + x86(1, V3).replace("processor\t: 0", "processor\t: 1")
    assert "avx512f" not in section.collect(machine(text))["flags"]


TOPOLOGY = {
    f"/sys/devices/system/cpu/cpu{n}/topology/{name}": text
    for n in range(2)
    for name, text in (("physical_package_id", "0\n"), ("thread_siblings_list", f"{n}\n"))
}


def test_an_arm_server_has_a_name_and_a_topology_from_sysfs() -> None:
    read = section.collect(machine(GRAVITON, "aarch64", read=TOPOLOGY, cpus=[0, 1]))
    assert read == {
        "model": "Neoverse-V1",
        "vendor": "ARM",
        "architecture": "aarch64",
        "level": None,
        "flags": ["asimd", "asimddp", "asimdhp", "bf16", "fphp", "i8mm", "sve"],
        "sockets": 1,
        "cores": 2,
        "threads": 2,
        "usable_threads": 2,
        "quota_cpus": None,
        "microcode": None,
        "old_microcode": None,
    }


def test_packages_without_numbers_are_unknown_and_cores_are_not() -> None:
    unnumbered = {path: text.replace("0\n", "-1\n") for path, text in TOPOLOGY.items()}
    unnumbered |= {path: text for path, text in TOPOLOGY.items() if "siblings" in path}
    read = section.collect(machine(GRAVITON, "aarch64", read=unnumbered))
    assert isinstance(read["sockets"], Unknown)
    assert read["cores"] == 2


@pytest.mark.parametrize("tree", ["/sys/firmware/devicetree/base", "/proc/device-tree"])
def test_clusters_of_a_device_tree_are_not_called_sockets(tree: str) -> None:
    files = TOPOLOGY | {f"{tree}/cpus/cpu-map/cluster0/core0/phandle": ""}
    read = section.collect(machine(GRAVITON, "aarch64", read=files))
    assert read["sockets"] == Unknown(
        "the device tree does not show which processors share a package"
    )
    assert read["cores"] == 2


def test_an_empty_device_tree_beside_acpi_says_nothing_of_sockets() -> None:
    files = TOPOLOGY | {"/sys/firmware/devicetree/base/chosen/bootargs": ""}
    assert section.collect(machine(GRAVITON, "aarch64", read=files))["sockets"] == 1


def test_a_device_tree_elsewhere_than_on_arm_leaves_the_sockets_alone() -> None:
    power = "processor\t: 0\ncpu\t\t: POWER9\n"
    files = TOPOLOGY | {"/proc/device-tree/cpus/name": ""}
    assert section.collect(machine(power, "ppc64le", read=files))["sockets"] == 1


def test_a_kernel_that_cannot_be_asked_leaves_only_the_machine_unknown() -> None:
    answers = {"read": {"/proc/cpuinfo": x86(2)}, "system": {"error": "ENOSYS"}}
    read = section.collect(host(**answers))
    assert read["architecture"] == read["level"] == Unknown("Function not implemented")
    assert (read["vendor"], read["threads"]) == ("GenuineIntel", 2)


def test_two_kinds_of_core_are_both_named() -> None:
    blocks = parse_cpuinfo(GRAVITON.replace("0xd40\n\n", "0xd0c\n\n"))
    assert model_of(blocks) == "Neoverse-N1 + Neoverse-V1"


def test_parts_and_makers_without_a_name_keep_their_numbers() -> None:
    assert part_name("0x41", "0xfff") == "implementer 0x41 part 0xfff"
    assert part_name("odd", "") == "implementer odd part "
    assert implementer_name("0x99") == "0x99"
    assert implementer_name("odd") == "odd"


def test_a_board_stands_for_a_processor_without_a_name() -> None:
    read = {"/proc/device-tree/model": "NVIDIA Jetson Nano\0"}
    assert section.collect(machine("processor : 0\n", "aarch64", read=read))["model"] == (
        "NVIDIA Jetson Nano"
    )


def test_power_names_its_processor_in_a_field_of_its_own() -> None:
    text = "processor\t: 0\ncpu\t\t: POWER9, altivec supported\n\ntimebase\t: 512000000\n"
    assert section.collect(machine(text, "ppc64le"))["model"] == "POWER9, altivec supported"


def test_no_cpuinfo_leaves_what_comes_from_elsewhere() -> None:
    read = section.collect(
        host(system={"machine": "arm64", "system": "Darwin"}, cpus={"error": "ENOSYS"})
    )
    reason = Unknown("/proc/cpuinfo: No such file or directory")
    assert {name: read[name] for name in ("model", "flags", "cores", "microcode")} == dict.fromkeys(
        ("model", "flags", "cores", "microcode"), reason
    )
    assert read["architecture"] == "arm64"
    assert isinstance(read["usable_threads"], Unknown)
    assert read["quota_cpus"] is None


@pytest.mark.parametrize("text", ["", "\0\0", "nonsense", "model name : x\n", "::::\n\n:"])
def test_odd_cpuinfo_is_unknown_and_no_crash(text: str) -> None:
    assert isinstance(section.collect(machine(text))["model"], Unknown)


def test_a_virtual_machine_may_name_no_cores() -> None:
    read = section.collect(machine("processor : 0\nmodel name : QEMU\nflags : fpu\n"))
    assert (read["model"], read["threads"], read["level"]) == ("QEMU", 1, None)
    assert isinstance(read["cores"], Unknown)


GROUP = "/sys/fs/cgroup"


@pytest.mark.parametrize(
    ("read", "quota"),
    [
        # Version 2, in a container that sees its own group as the root.
        ({"/proc/self/cgroup": "0::/\n", f"{GROUP}/cpu.max": "150000 100000\n"}, 1.5),
        ({"/proc/self/cgroup": "0::/\n", f"{GROUP}/cpu.max": "max 100000\n"}, None),
        ({"/proc/self/cgroup": "0::/\n"}, None),
        # The group around is tighter than the group itself.
        (
            {
                "/proc/self/cgroup": "0::/a/b\n",
                f"{GROUP}/a/b/cpu.max": "400000 100000\n",
                f"{GROUP}/a/cpu.max": "200000 100000\n",
            },
            2.0,
        ),
        # Version 1, where the path is that of the machine outside.
        (
            {
                "/proc/self/cgroup": "4:cpu,cpuacct:/docker/3f9c\n0::/\n",
                f"{GROUP}/cpu/cpu.cfs_quota_us": "50000\n",
                f"{GROUP}/cpu/cpu.cfs_period_us": "100000\n",
            },
            0.5,
        ),
        (
            {
                "/proc/self/cgroup": "4:cpu:/\n",
                f"{GROUP}/cpu/cpu.cfs_quota_us": "-1\n",
                f"{GROUP}/cpu/cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
        ({"/proc/self/cgroup": "odd\n"}, None),
        ({}, None),
    ],
)
def test_the_tightest_quota_counts(read: dict[str, str], quota: float | None) -> None:
    assert section.collect(machine(x86(1), read=read))["quota_cpus"] == quota


@pytest.mark.parametrize("content", ["soon", "1 2 3", "100 0 ", {"error": "EACCES"}])
def test_a_quota_that_cannot_be_read_is_unknown(content: Any) -> None:
    read = {"/proc/self/cgroup": "0::/\n", f"{GROUP}/cpu.max": content}
    assert isinstance(section.collect(machine(x86(1), read=read))["quota_cpus"], Unknown)


def sysfs(*cpus: tuple[int, int, str]) -> dict[str, str]:
    """The topology of each processor: its number, its package, and the processors of its core."""
    place = "/sys/devices/system/cpu/cpu"
    return {
        f"{place}{number}/topology/{name}": value
        for number, package, siblings in cpus
        for name, value in (
            ("physical_package_id", f"{package}\n"),
            ("thread_siblings_list", siblings),
        )
    }


# The forms of these files are the kernel's: arch/s390/kernel/processor.c, arch/sparc/kernel/cpu.c
# and arch/loongarch/kernel/proc.c.
MAINFRAME = (
    "vendor_id       : IBM/S390\n# processors    : 2\nbogomips per cpu: 3033.00\n"
    "features\t: esan3 zarch stfle vx vxe\n"
    "processor 1: version = 00,  identification = 0133E8,  machine = 2964\n"
    "processor 8: version = 00,  identification = 0133E8,  machine = 2964\n"
)
NEWER_MAINFRAME = MAINFRAME + "".join(
    f"\ncpu number      : {n}\nmachine         : 2964\nphysical id     : 2\ncore id         : {n}\n"
    for n in (1, 8)
)
SPARC = (
    "cpu\t\t: TI UltraSparc III (Cheetah)\nncpus active\t: 2\nCpu4ClkTck\t: 0ec82e00\n"
    "MMU Type\t: Cheetah\nState:\nCPU4:\t\tonline\nCPU9:\t\tonline\n"
)
LOONGSON = "system type\t\t: generic-loongson-machine\n" + "".join(
    f"\nprocessor\t\t: {n}\nCPU Family\t\t: Loongson-64bit\nModel Name\t\t: Loongson-3A6000\n"
    "Features\t\t: cpucfg fpu lsx lasx crypto\n"
    for n in range(2)
)


@pytest.mark.parametrize(
    ("text", "numbers", "expected"),
    [
        (MAINFRAME, (1, 8), ("IBM machine type 2964", "IBM/S390", ["vx", "vxe"], 1)),
        (NEWER_MAINFRAME, (1, 8), ("IBM machine type 2964", "IBM/S390", ["vx", "vxe"], 1)),
        (SPARC, (4, 9), ("TI UltraSparc III (Cheetah)", None, [], 1)),
        (LOONGSON, (0, 1), ("Loongson-3A6000", "Loongson", ["lasx", "lsx"], 1)),
    ],
)
def test_odder_architectures_have_model_vendor_cores_and_threads(
    text: str, numbers: tuple[int, int], expected: tuple[str, str | None, list[str], int]
) -> None:
    topology = sysfs(*((n, 0, str(n)) for n in numbers))
    found = section.collect(host(read={"/proc/cpuinfo": text, **topology}))
    keys = ("model", "vendor", "flags", "sockets")
    assert tuple(found[key] for key in keys) == expected
    assert (found["cores"], found["threads"]) == (2, 2)


def test_of_big_and_little_cores_each_kind_is_named_and_common_features_count() -> None:
    kinds = (("0xd46", "asimd bf16"), ("0xd4d", "asimd bf16 i8mm"), ("0xd4e", "asimd bf16 sve"))
    text = "".join(
        f"processor\t: {n}\nFeatures\t: {features}\nCPU implementer\t: 0x41\nCPU part\t: {part}\n\n"
        for n, (part, features) in enumerate(kinds)
    )
    blocks = parse_cpuinfo(text)
    assert model_of(blocks) == "Cortex-A510 + Cortex-A715 + Cortex-X3"
    assert numeric_flags(section.common_flags(blocks)) == ["asimd", "bf16"]


def test_what_old_arm_kernels_say_once_is_said_of_every_processor() -> None:
    text = (
        "Processor\t: ARMv7 Processor rev 4 (v7l)\nprocessor\t: 0\n\nprocessor\t: 1\n\n"
        "Features\t: neon asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xc0f\n"
    )
    blocks = parse_cpuinfo(text)
    assert [block["Features"] for block in blocks] == ["neon asimd"] * 2
    assert model_of(blocks) == "Cortex-A15"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Vulnerable\n", True),
        ("Not affected\n", False),
        ("Unknown: running under hypervisor\n", None),
        (None, None),
    ],
)
def test_what_linux_says_of_the_microcode_is_recorded(
    text: str | None, expected: bool | None
) -> None:
    file = "/sys/devices/system/cpu/vulnerabilities/old_microcode"
    said = {} if text is None else {file: text}
    found = section.collect(host(read={"/proc/cpuinfo": MAINFRAME, **said}))
    assert found["old_microcode"] is expected
