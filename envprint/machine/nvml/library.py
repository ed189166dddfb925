"""Where the loader would find NVIDIA's management library, judged by file names only."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from envprint.machine.os_calls import LOADER_FOLDERS

LIBRARY = "libnvidia-ml.so.1"
LOADER_CACHE = "/etc/ld.so.cache"
CACHE_BYTES = 1 << 25
"""A hundred times what a large one has."""


def find_library(variables: Mapping[str, str]) -> str | None:
    """The path at which the loader would find the library; None if it is not installed."""
    for path in _candidates(variables):
        if os.path.exists(path):
            return path
    return None


def _candidates(variables: Mapping[str, str]) -> Iterator[str]:
    for directory in filter(None, variables.get("LD_LIBRARY_PATH", "").split(":")):
        yield os.path.join(directory, LIBRARY)
    yield from _cached_paths(LOADER_CACHE)
    for directory in LOADER_FOLDERS:
        yield os.path.join(directory, LIBRARY)


# …libnvidia-ml.so.1\0/lib/x86_64-linux-gnu/libnvidia-ml.so.1\0libnvidia-…
# https://man7.org/linux/man-pages/man8/ldconfig.8.html
def _cached_paths(cache: str) -> list[str]:
    try:
        with open(cache, "rb") as file:  # noqa: PTH123  pathlib costs too much here
            content = file.read(CACHE_BYTES)
    except OSError:  # musl has no cache; the directories are searched anyway
        return []
    name = f"/{LIBRARY}\0".encode()
    if name not in content:  # as on every machine without the driver
        return []
    found = re.findall(rb"(/[^\0]*" + re.escape(name[:-1]) + rb")\0", content)
    return [os.fsdecode(path) for path in found]
