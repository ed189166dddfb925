"""Queries NVIDIA's management library in a child process that may hang or crash without harm.

`library` finds the library, `client` starts the child and `messages` assembles its reports; in the
child, `child` runs `calls` and `queries`. A reading is raw: `envprint.gpu` interprets it, so that a
recorded machine can replay it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

TYPE_CHECKING = False  # the child that asks does without `typing`
if TYPE_CHECKING:
    from envprint.machine.nvml.client import NvmlQuery


class NoLibrary:
    """There is nobody to ask."""

    def result(self) -> Mapping[str, object]:
        """The reading of a machine without the library."""
        return {"library": None}


def start_query(timeout_s: float) -> NvmlQuery | NoLibrary:
    """Start to ask the driver, where there is a library; elsewhere nothing else is imported."""
    from envprint.machine.nvml import library

    if hasattr(os, "posix_spawn") and library.find_library(os.environ) is None:
        return NoLibrary()
    from envprint.machine.nvml import client

    return client.start_query(timeout_s)
