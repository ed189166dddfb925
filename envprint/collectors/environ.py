"""Environment variables that can change a result: their values, near misses, and late ones.

Only the names on envprint's allowlist are read at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from envprint.collectors._attempt import attempt
from envprint.fields import TEXT, Field, MapOf, record
from envprint.host import Host
from envprint.redact import is_recorded, safe_value

FACTS = (
    Field(
        "variables", MapOf(TEXT, "variable"), "Recorded variables that are set, and their values."
    ),
    Field(
        "misspelt",
        MapOf(TEXT, "variable"),
        "Variables whose names nearly match a known one, and the name that was probably meant.",
    ),
    Field(
        "changed_since_start",
        MapOf(
            record(
                Field("start", TEXT, "Value when the process started; null when unset."),
                Field("now", TEXT, "Value at capture; null when unset."),
            ),
            "variable",
        ),
        "Recorded variables that the process itself changed after it had started.",
    ),
)

MEANT = frozenset(
    [
        "PYTHONHASHSEED",
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "OPENBLAS_CORETYPE",
        "MKL_CBWR",
        "TF_DETERMINISTIC_OPS",
        "TF_CUDNN_DETERMINISTIC",
        "TF_ENABLE_ONEDNN_OPTS",
        "TF_FORCE_GPU_ALLOW_GROWTH",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
        "TF_XLA_FLAGS",
        "TF_USE_LEGACY_KERAS",
        "KERAS_BACKEND",
        "CUBLAS_WORKSPACE_CONFIG",
        "CUDA_VISIBLE_DEVICES",
        "CUDA_DEVICE_ORDER",
        "CUDA_LAUNCH_BLOCKING",
        "XLA_FLAGS",
        "NVIDIA_TF32_OVERRIDE",
        "ONEDNN_MAX_CPU_ISA",
        "DNNL_MAX_CPU_ISA",
        "ATEN_CPU_CAPABILITY",
        "JAX_PLATFORMS",
        "NPY_DISABLE_CPU_FEATURES",
        "GLIBC_TUNABLES",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "PYTORCH_CUDA_ALLOC_CONF",
        "JAX_ENABLE_X64",
        "JAX_DEFAULT_MATMUL_PRECISION",
        "JAX_THREEFRY_PARTITIONABLE",
        "XLA_PYTHON_CLIENT_MEM_FRACTION XLA_CLIENT_MEM_FRACTION",
        "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
        "TORCH_CUDNN_V8_API_DISABLED",
    ]
)
"""Names worth guessing at: a slip in one of these silently has no effect."""

KNOWN = MEANT | frozenset(
    [
        "PYTHONPATH",
        "PYTHONHOME",
        "OMP_NUM_TEAMS",
        "TF_CUDNN_USE_AUTOTUNE",
        "TF_GPU_THREAD_MODE",
        "JAX_PLATFORM_NAME",
        "LD_LIBRARY_PATH_64",
        "PYTHONHASHSEED_ORIGINAL",
        "LD_RUN_PATH",
        "PYTORCH_ALLOC_CONF",
        "PYTORCH_HIP_ALLOC_CONF",
        "DYLD_LIBRARY_PATH",
        "MUSA_VISIBLE_DEVICES",
        "MUSA_LAUNCH_BLOCKING",
        "PYTORCH_MUSA_ALLOC_CONF",
    ]
)
"""Real names that lie close to one of `MEANT` and are no slips: those of macOS, Moore Threads, …"""


def collect(host: Host) -> Mapping[str, Any]:
    """Read from `os.environ` and, for the values at start, from proc_pid_environ(5)."""
    variables = host.environ()
    return {
        "variables": _recorded(variables),
        "misspelt": dict(misspelt(variables)),
        "changed_since_start": attempt(lambda: _changed(host.start_environ(), variables)),
    }


def _recorded(variables: Mapping[str, str]) -> dict[str, str]:
    return {
        name: safe_value(name, _as_text(variables[name])) for name in variables if is_recorded(name)
    }


def _as_text(value: str) -> str:
    # Bytes that are no UTF-8 reach Python as lone surrogates, which strict JSON readers refuse.
    if value.isascii():
        return value
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _changed(start: Mapping[str, str], now: Mapping[str, str]) -> dict[str, dict[str, str | None]]:
    before, after = _recorded(start), _recorded(now)
    # In the C locale the interpreter sets LC_CTYPE for itself at start-up (PEP 538).
    names = (before.keys() | after.keys()) - {"LC_CTYPE"}
    return {
        name: {"start": before.get(name), "now": after.get(name)}
        for name in names
        if before.get(name) != after.get(name) and not _is_cut(name, before, after)
    }


def _is_cut(name: str, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Whether only glibc has changed a value: it cuts its tunables in place at each colon."""
    start, now = before.get(name), after.get(name)
    return name == "GLIBC_TUNABLES" and bool(start and now and now.startswith(f"{start}:"))


def misspelt(variables: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each name that nearly matches a known one, and the known one."""
    for name in variables:
        meant = None if name in KNOWN else _meant(name.upper())
        if meant:
            yield name, meant


def _meant(name: str) -> str | None:
    """The nearest of the names worth guessing at, of equals the first; None when none is near."""
    near = [
        (distance(name, meant), meant)
        for meant in MEANT
        # A slip leaves one end of a name whole; this spares most of the comparisons.
        if (name[:3] == meant[:3] or name[-4:] == meant[-4:]) and is_near(name, meant)
    ]
    return min(near)[1] if near else None


def is_near(name: str, meant: str) -> bool:
    """Whether the names differ by one slip at most, or by two when they are long."""
    allowed = 2 if len(meant) >= 12 else 1
    return abs(len(name) - len(meant)) <= allowed and distance(name, meant) <= allowed


def distance(left: str, right: str) -> int:
    """Letters inserted, left out, replaced, or swapped with their neighbour."""
    above: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left):
        before, above, row = above, row, [i + 1]
        for j, b in enumerate(right):
            cost = min(row[j] + 1, above[j + 1] + 1, above[j] + (a != b))
            if i and j and a == right[j - 1] and left[i - 1] == b:
                cost = min(cost, before[j - 1] + 1)
            row.append(cost)
    return row[-1]
