"""The build of a distribution, by RECORD, the list of its files and their hashes.

Every installer unpacks the same files from a wheel, adds a few of its own and rewrites the list. A
digest of the list without these distinguishes two builds of a version and needs no other file.
Works on lines of bytes, as the lists of a common environment have 50,000 of them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from hashlib import sha256

ADDED = (b"INSTALLER,", b"REQUESTED,", b"direct_url.json,", b"provenance_url.json,", b"uv_")
"""Continuation, after the dist-info directory, of the lines that an installer adds."""

SCRIPTS = (b"bin/", b"Scripts/")
"""Folders outside the library whose files an installer generates or rewrites."""


# numpy/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0
# numpy/__pycache__/__init__.cpython-311.pyc,,
# ../../../bin/f2py,sha256=Ay8ZYX6wRrC6eRfl7QSuKFIUNUqWkT4ZD5dGX0bMgUI,220
# https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
def build_id(record: bytes, entry: str) -> str:
    """A digest of the files from the wheel; `entry` is the name of its dist-info directory.

    Equal for pip and uv, independent of order and line ends. Omits what installers add (`ADDED`),
    compiled bytecode, and everything in `bin`, where scripts name their interpreter.
    """
    crlf = record.endswith(b"\r\n")
    # RECORD itself, and bytecode compiled after the installation, have no hash.
    bare = b",\r" if crlf else b","
    cut = -len(bare)
    lines = [line for line in record.split(b"\n") if line[cut:] != bare]
    lines.sort()
    _replace(lines, f"{entry}/".encode(), _brought)
    _replace(lines, b"../", _outside)
    end = b"\n" if crlf else b"\r\n"
    content = end.join(lines)
    if b".pyc," in content:
        content = end.join(line for line in lines if b".pyc," not in line)
    return sha256(content.strip()).hexdigest()[:32]


def _replace(
    lines: list[bytes], prefix: bytes, replacement: Callable[[list[bytes], bytes], list[bytes]]
) -> None:
    """Replace the lines that begin with `prefix`, which are adjacent in the sorted `lines`."""
    start, end = bisect_left(lines, prefix), bisect_right(lines, prefix + b"\xff")
    lines[start:end] = replacement(lines[start:end], prefix)


def _brought(lines: list[bytes], prefix: bytes) -> list[bytes]:
    return [line for line in lines if not line.startswith(ADDED, len(prefix))]


def _outside(lines: list[bytes], prefix: bytes) -> list[bytes]:
    """Data files outside the library, without the relative path to them, which varies."""
    files = (line.replace(prefix, b"") for line in lines)
    return sorted(file for file in files if not file.startswith(SCRIPTS))
