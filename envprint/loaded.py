"""Which libraries of numerics a running job has really loaded, it and its children.

Installed is not loaded: what a program computes with is what is mapped into it.
https://man7.org/linux/man-pages/man5/proc_pid_maps.5.html
"""

from __future__ import annotations

import os
import re
from contextlib import suppress

_NUMERIC = re.compile(
    rb"/lib(?:cuda|cudart|cudnn\w*|cublas\w*|cufft|curand|cusolver|cusparse|nvrtc|nccl|nvidia-ml"
    rb"|mkl_\w+|(?:scipy_)?openblas\w*|blas|lapack|blis|flexiblas|gomp|iomp5|omp|dnnl|tensorflow\w*"
    rb"|torch\w*|xla_extension|jax_common)[-.][^/]*$"
)
MOST_PROCESSES = 256
"""Of one job that are looked at, so that a job of thousands costs no more."""


class Loaded:
    """Collects paths; a library that comes and goes between two looks is not seen."""

    def __init__(self) -> None:
        self._paths: set[bytes] = set()

    def look(self, pid: int) -> None:
        """Add what the process and its descendants have mapped now."""
        for one in descendants(pid):
            with suppress(OSError), open(f"/proc/{one}/maps", "rb") as maps:  # noqa: PTH123
                for line in maps:
                    if b".so" in line:
                        path = line[line.find(b"/") :].rstrip(b"\n")
                        if _NUMERIC.search(path):
                            self._paths.add(path)

    def paths(self) -> list[str]:
        """Every path seen, sorted."""
        return sorted(map(os.fsdecode, self._paths.copy()))


def descendants(pid: int) -> list[int]:
    """The process itself and all below it, `MOST_PROCESSES` at most."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            for thread in os.listdir(f"/proc/{one}/task"):
                path = f"/proc/{one}/task/{thread}/children"
                with suppress(OSError), open(path, "rb") as file:  # noqa: PTH123
                    found += map(int, file.read().split())
        if len(found) >= MOST_PROCESSES:
            break
    return found[:MOST_PROCESSES]
