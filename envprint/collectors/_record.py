"""What RECORD, the list of a distribution's files and their hashes, says of its build.

The same wheel leaves the same files whatever installs it; the installer adds a few of its own and
writes the list anew. Without those, the digest of the list tells one build of a version from
another and costs no look into any file. Work on whole lines of bytes: the lists of a common
environment have 50,000 of them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from hashlib import sha256

from envprint.host import Host

ADDED = (b"INSTALLER,", b"REQUESTED,", b"direct_url.json,", b"provenance_url.json,", b"uv_")
"""How the lines go on, after the dist-info directory, of files that an installer adds."""

SCRIPTS = (b"bin/", b"Scripts/")
"""Folders beside the library whose files an installer writes or rewrites for its interpreter."""


# numpy/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0
# numpy/__pycache__/__init__.cpython-311.pyc,,
# ../../../bin/f2py,sha256=Ay8ZYX6wRrC6eRfl7QSuKFIUNUqWkT4ZD5dGX0bMgUI,220
# https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
def build_id(record: bytes, entry: str) -> str:
    """A digest of what the wheel itself brought; `entry` is the name of its dist-info directory.

    Equal after pip and uv, whatever the order and the line ends. Left out are what installers add
    (`ADDED`), compiled bytecode, and everything in `bin`, where scripts name their interpreter.
    """
    crlf = record.endswith(b"\r\n")
    # No hash: RECORD itself, and bytecode that was compiled after the installation.
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
    """Exchange the lines that begin with `prefix`, which lie together in sorted `lines`."""
    start, end = bisect_left(lines, prefix), bisect_right(lines, prefix + b"\xff")
    lines[start:end] = replacement(lines[start:end], prefix)


def _brought(lines: list[bytes], prefix: bytes) -> list[bytes]:
    return [line for line in lines if not line.startswith(ADDED, len(prefix))]


def _outside(lines: list[bytes], prefix: bytes) -> list[bytes]:
    """Data files beside the library, without the way there, which depends on the layout."""
    files = (line.replace(prefix, b"") for line in lines)
    return sorted(file for file in files if not file.startswith(SCRIPTS))


def edited_files(host: Host, directory: str, record: bytes) -> list[str]:
    """The files whose content is not what RECORD says, or that are gone, sorted.

    Raises `OSError` when a file is there and cannot be read.
    """
    return sorted(
        file for file, digest in _hashed(record) if _digest(host, f"{directory}/{file}") != digest
    )


def _hashed(record: bytes) -> Iterator[tuple[str, str]]:
    import csv

    for row in csv.reader(record.decode("utf-8", "replace").splitlines()):
        if len(row) == 3 and row[1].startswith("sha256="):
            yield row[0], row[1][len("sha256=") :].rstrip("=")


def _digest(host: Host, path: str) -> str | None:
    from base64 import urlsafe_b64encode

    try:
        digest = bytes.fromhex(host.sha256(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return urlsafe_b64encode(digest).decode().rstrip("=")
