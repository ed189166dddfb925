"""What a shared library asks of the dynamic loader, and which texts its code can use: ELF files.

https://gabi.xinuos.com/elf/08-dynamic.html
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from envprint.core.typed import Any, BinaryIO

_NEEDED, _STRTAB, _RPATH, _RUNPATH = 1, 5, 15, 29
_LOAD, _DYNAMIC = 1, 2
_MAX_ENTRIES = 4096
_MAX_TEXT = 1 << 16
_MAX_SEGMENTS = 128
"""Ten times what a library has."""


def linking(path: str) -> Mapping[str, Any]:
    """`needed`, `rpath` and `runpath` of a 64-bit library, of which only these parts are read.

    Raises `OSError`; `ValueError` if it is no such file.
    """
    with Path(path).open("rb") as file:
        header = file.read(64)
        if header[:5] != b"\x7fELF\x02" or len(header) < 64:
            raise ValueError(f"{path} is no 64-bit ELF file")
        order = ">" if header[5] == 2 else "<"
        try:
            return _dynamic(file, order, list(_segments(file, order, header)))
        except (struct.error, OverflowError) as error:  # OverflowError: an offset of 64 bits
            raise ValueError(f"{path} ends in the middle: {error}") from None


def _segments(file: BinaryIO, order: str, header: bytes) -> Iterator[tuple[int, ...]]:
    """Type, offset, address and size in the file of each segment."""
    (start,) = struct.unpack_from(f"{order}Q", header, 32)
    size, count = struct.unpack_from(f"{order}HH", header, 54)
    for number in range(min(count, _MAX_SEGMENTS)):
        file.seek(start + number * size)
        kind, _, offset, address, _, length = struct.unpack(f"{order}IIQQQQ", file.read(40))
        yield kind, offset, address, length


def _dynamic(file: BinaryIO, order: str, segments: list[tuple[int, ...]]) -> Mapping[str, Any]:
    entries: list[tuple[int, int]] = []
    for kind, offset, _, length in segments:
        if kind == _DYNAMIC:
            file.seek(offset)
            count = min(length // 16, _MAX_ENTRIES)
            entries = list(struct.iter_unpack(f"{order}QQ", file.read(count * 16)))
    table = dict(entries).get(_STRTAB, 0)
    place = next(
        (
            table - address + offset
            for kind, offset, address, length in segments
            if kind == _LOAD and address <= table < address + length
        ),
        None,
    )
    texts: dict[int, list[str]] = {_NEEDED: [], _RPATH: [], _RUNPATH: []}
    for tag, value in entries:
        if tag in texts and place is not None:
            file.seek(place + value)
            texts[tag].append(file.read(_MAX_TEXT).partition(b"\0")[0].decode("utf-8", "replace"))
    return {
        "needed": texts[_NEEDED],
        "rpath": next(iter(texts[_RPATH]), None),
        "runpath": next(iter(texts[_RUNPATH]), None),
    }


_MAX_CONSTANTS = 1 << 28
"""Far above the constants of any library; a hostile file may claim more."""


def absent_texts(path: str, texts: Sequence[str]) -> list[str]:
    """Those of `texts` that are no constant of a 64-bit library, of which only these are read.

    A text ends with a zero byte there, and may be the end of a longer one. Raises `OSError`;
    `ValueError` if it is no such file, or has no constants.
    """
    with Path(path).open("rb") as file:
        constants = _section(file, b".rodata")
    return [text for text in texts if text.encode() + b"\0" not in constants]


def _section(file: BinaryIO, name: bytes) -> bytes:
    """The content of a section."""
    header = file.read(64)
    if header[:5] != b"\x7fELF\x02" or len(header) < 64:
        raise ValueError("it is no 64-bit ELF file")
    order = ">" if header[5] == 2 else "<"
    (start,) = struct.unpack_from(f"{order}Q", header, 40)
    size, count, names = struct.unpack_from(f"{order}HHH", header, 58)
    file.seek(start)
    table = file.read(size * count)
    try:
        rows = [struct.unpack_from(f"{order}IIQQQQ", table, size * n) for n in range(count)]
        file.seek(rows[names][4])
        title = file.read(min(rows[names][5], _MAX_TEXT))
    except (struct.error, IndexError) as error:
        raise ValueError(f"its sections cannot be read: {error}") from None
    for at, _, _, _, offset, length in rows:
        if title[at : at + len(name) + 1] == name + b"\0":
            file.seek(offset)
            return file.read(min(length, _MAX_CONSTANTS))
    raise ValueError(f"it has no section {name.decode()}")
