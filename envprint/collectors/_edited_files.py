"""Which installed files differ from their RECORD: `--deep` reads and hashes each of them."""

from __future__ import annotations

import csv
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from functools import partial

from envprint.collectors._dist_info import Installed
from envprint.core.fingerprint import Unknown
from envprint.machine.attempt import attempt
from envprint.machine.host import Host


def edited(host: Host, first: Mapping[str, Installed]) -> dict[str, list[str] | Unknown]:
    """The files of each distribution that differ or are missing, or why that is unknown."""
    found = {}
    for name, one in first.items():
        files = attempt(partial(_of, host, one))
        if files:
            found[name] = files
    return found


def _of(host: Host, one: Installed) -> list[str]:
    try:
        listed = host.read(f"{one.directory}/{one.entry}/RECORD")
    except (FileNotFoundError, NotADirectoryError):
        return []
    return _edited_in(host, one.directory, listed)


def _edited_in(host: Host, directory: str, record: bytes) -> list[str]:
    """The files that differ from RECORD or are missing, sorted.

    Raises `OSError` if a file exists but cannot be read.
    """
    return sorted(
        file for file, digest in _hashed(record) if _digest(host, f"{directory}/{file}") != digest
    )


def _hashed(record: bytes) -> Iterator[tuple[str, str]]:
    for row in csv.reader(record.decode("utf-8", "replace").splitlines()):
        if len(row) == 3 and row[1].startswith("sha256="):
            yield row[0], row[1][len("sha256=") :].rstrip("=")


def _digest(host: Host, path: str) -> str | None:
    try:
        digest = bytes.fromhex(host.sha256(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return urlsafe_b64encode(digest).decode().rstrip("=")
