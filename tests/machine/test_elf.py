"""Reading the dynamic section of an ELF file: written ones, and this interpreter's own."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from envprint.machine.elf import absent_texts, linking

NAMES = b"\0libcudart.so.12\0$ORIGIN/../nvidia/lib\0"


def library(order: str, *entries: tuple[int, int]) -> bytes:
    """An ELF file with one segment that holds the names at address 0x1000, and a dynamic one."""
    entries = (*entries, (5, 0x1000), (0, 0))
    dynamic = b"".join(struct.pack(f"{order}QQ", *entry) for entry in entries)
    start = 64 + 2 * 56
    ident = b"\x7fELF\x02" + (b"\x01" if order == "<" else b"\x02") + b"\x01" + bytes(9)
    header = ident + struct.pack(f"{order}HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    size = len(NAMES)
    load = struct.pack(f"{order}IIQQQQQQ", 1, 4, start, 0x1000, 0x1000, size, size, 4096)
    place = start + size
    own = struct.pack(f"{order}IIQQQQQQ", 2, 4, place, place, place, len(dynamic), len(dynamic), 8)
    return header + load + own + NAMES + dynamic


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("tag", "name"), [(15, "rpath"), (29, "runpath")])
def test_a_library_says_what_it_needs_and_where_to_look(
    tmp_path: Path, order: str, tag: int, name: str
) -> None:
    file = tmp_path / "lib.so"
    file.write_bytes(library(order, (1, 1), (tag, 17)))
    nothing = {"rpath": None, "runpath": None}
    expected = {"needed": ["libcudart.so.12"], **nothing, name: "$ORIGIN/../nvidia/lib"}
    assert linking(str(file)) == expected


def test_a_library_without_a_dynamic_section_asks_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "lib.so"
    file.write_bytes(library("<")[: 64 + 2 * 56].replace(b"\x02\0\0\0\x04", b"\x04\0\0\0\x04"))
    assert linking(str(file)) == {"needed": [], "rpath": None, "runpath": None}


@pytest.mark.parametrize(
    "content", [b"", b"\x7fELF", b"\x7fELF\x01" + bytes(60), b"#!/bin/sh\n" * 20]
)
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "lib.so"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="no 64-bit ELF file"):
        linking(str(file))


def test_a_file_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "lib.so"
    file.write_bytes(library("<", (1, 1))[:100])
    with pytest.raises(ValueError, match="ends in the middle"):
        linking(str(file))


@pytest.mark.skipif(sys.platform != "linux", reason="ELF is Linux' format")
def test_this_interpreter_needs_the_c_library() -> None:
    assert "libc.so.6" in linking(sys.executable)["needed"]


def constants(text: bytes, name: bytes = b".rodata") -> bytes:
    """An ELF file with two sections: the names of sections, and constants."""
    names = b"\0" + name + b"\0"
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    table = 64 + len(names) + len(text)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, table, 0, 64, 0, 0, 64, 2, 0)
    own = struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, 64, len(names), 0, 0, 1, 0)
    other = struct.pack("<IIQQQQIIQQ", 1, 1, 0, 0, 64 + len(names), len(text), 0, 0, 1, 0)
    return header + names + text + own + other


def test_a_text_is_a_constant_if_it_ends_with_a_zero_byte(tmp_path: Path) -> None:
    file = tmp_path / "lib.so"
    file.write_bytes(constants(b"xla_cpu_ftz\0no_xla_gpu_ftz\0"))
    asked = ["xla_cpu_ftz", "xla_gpu_ftz", "xla_cpu_ft", "xla_nothing"]
    assert absent_texts(str(file), asked) == ["xla_cpu_ft", "xla_nothing"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"#!/bin/sh\n" * 20, "no 64-bit ELF file"),
        (constants(b"a\0", b".text"), "it has no section .rodata"),
        (constants(b"a\0")[:150], "its sections cannot be read"),
    ],
)
def test_a_file_without_constants_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "lib.so"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        absent_texts(str(file), ["a"])
