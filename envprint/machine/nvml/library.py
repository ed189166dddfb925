"""Where the loader would find NVIDIA's management library, judged by file names only."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from envprint.machine.os_calls import LOADER_FOLDERS

LIBRARY = "libnvidia-ml.so.1"
LOADER_CACHE = "/etc/ld.so.cache"


class Begun(Protocol):
    """An NVML reading in progress."""

    def result(self) -> Mapping[str, Any]:
        """The reading, in the form of `envprint.machine.nvml.client`."""


class NoLibrary:
    """Stands for a reading on a machine without the library."""

    def result(self) -> Mapping[str, Any]:
        """The reading of a machine without the library."""
        return {"library": None}


def begin(timeout_s: float) -> Begun:
    """Start a reading if there is a library; otherwise import nothing else."""
    if hasattr(os, "posix_spawn") and find_library(os.environ) is None:
        return NoLibrary()
    from envprint.machine.nvml import client

    return client.begin(timeout_s)


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
            content = file.read()
    except OSError:  # musl has no cache; the directories are searched anyway
        return []
    found = re.findall(rb"(/[^\0]*/" + re.escape(LIBRARY.encode()) + rb")\0", content)
    return [os.fsdecode(path) for path in found]
