"""How many threads each library uses, from its variables and the usable CPUs.

The order of the variables and the cap were measured on the wheels of NumPy 2.4, PyTorch 2.13 and
TensorFlow 2.21 with two usable CPUs: OpenBLAS and MKL never use more threads than there are usable
CPUs, TensorFlow does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from envprint.core.errors import Undetermined
from envprint.core.fingerprint import Fingerprint
from envprint.core.versions import numbers
from envprint.rules.kit.settings import Dial, Variables, told, variables_of

OPENBLAS = (
    "OPENBLAS_NUM_THREADS",
    "OPENBLAS_DEFAULT_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "OMP_NUM_THREADS",
)
MKL = ("MKL_NUM_THREADS", "OMP_NUM_THREADS")
POOLS = {
    "openblas": OPENBLAS,
    "mkl": MKL,
    "blis": ("BLIS_NUM_THREADS", "OMP_NUM_THREADS"),
    "accelerate": ("VECLIB_MAXIMUM_THREADS",),
}
# 4   4,2 (one count per level of nesting)
# https://www.openmp.org/spec-html/5.0/openmpse50.html
_COUNT = r"\s*(\d{1,9})\s*(?:,.*)?"


def requested(variables: Variables, names: tuple[str, ...]) -> int | None:
    """The count of the first of `names` that is a positive number."""
    for name in names:
        value = variables.get(name)
        match = re.fullmatch(_COUNT, value) if value else None
        if match and int(match[1]) > 0:
            return int(match[1])
    return None


def _capped(side: Fingerprint, wanted: int | None) -> str:
    usable = side.value("facts.cpu.usable_threads")
    if usable is None:
        return str(wanted or "one per CPU")
    return str(min(wanted or usable, usable))


def blas_pool(side: Fingerprint, owner: str = "numpy") -> str:
    """The key of its BLAS in `POOLS`; "" for any other BLAS, OpenBLAS if none is recorded."""
    name = (side.value(f"facts.frameworks.{owner}.blas.name") or "openblas").lower()
    return next((pool for pool in POOLS if pool in name), "")


def blas_told(side: Fingerprint) -> Mapping[str, Any]:
    """What the process reported about the BLAS that NumPy uses; empty if it was not queried.

    It takes precedence: OpenBLAS reads its variables when it is loaded, and never again.
    """
    library = side.value("facts.frameworks.numpy.blas.library")
    pools = (pool for pool in _pools(side) if pool.get("api") == "blas")
    return next((pool for pool in pools if library and pool.get("library") == library), {})


def _pools(side: Fingerprint) -> list[Mapping[str, Any]]:
    try:
        return side.value("facts.math.thread_pools") or []
    except Undetermined:  # threadpoolctl is not installed there
        return []


def _threads_told(pool: Mapping[str, Any]) -> str | None:
    return str(pool["threads"]) if pool.get("threads") else None


def _numpy(side: Fingerprint, variables: Variables) -> str:
    # A BLAS that is none of these (such as the reference BLAS) has no threads.
    names = POOLS.get(blas_pool(side))
    return _capped(side, requested(variables, names)) if names else "1"


def _pin(name: str, count: str) -> tuple[str, str] | None:
    """None if there is no count to fix: a pool without limit, or an invalid value in a document."""
    return (name, count) if count.isascii() and count.isdecimal() else None


def _numpy_pin(side: Fingerprint, count: str) -> tuple[str, str] | None:
    names = POOLS.get(blas_pool(side))
    return _pin(names[0], count) if names else None


def _torch_names(side: Fingerprint) -> tuple[str, ...]:
    x86 = side.value("facts.cpu.architecture") in (None, "x86_64", "AMD64")
    return MKL if x86 else ("OMP_NUM_THREADS",)


def _tensorflow(side: Fingerprint, variables: Variables) -> str:
    wanted = requested(variables, ("TF_NUM_INTRAOP_THREADS",))
    return str(wanted) if wanted else _capped(side, None)


# https://github.com/scikit-learn/scikit-learn/blob/main/sklearn/utils/_openmp_helpers.pyx
def _scikit_learn(side: Fingerprint, variables: Variables) -> str:
    wanted = requested(variables, ("OMP_NUM_THREADS",))
    usable = side.value("facts.cpu.usable_threads")
    if wanted or usable is None:
        return str(wanted or "one per CPU")
    quota = side.value("facts.cpu.quota_cpus")
    limits = (requested(variables, ("LOKY_MAX_CPU_COUNT",)), quota and math.ceil(quota))
    count = min([usable, *filter(None, limits)])
    # Without a limit it uses one thread per core, not per hardware thread.
    whole = count == side.value("facts.cpu.threads") and _counts_cores(side)
    return str((whole and side.value("facts.cpu.cores")) or count)


def _scikit_learn_told(side: Fingerprint) -> str | None:
    """The count in its own OpenMP runtime, if scikit-learn uses that one alone."""
    if requested(variables_of(side), ("OMP_NUM_THREADS",)) is None:
        return None
    pools = (pool for pool in _pools(side) if pool.get("api") == "openmp")
    own = (p for p in pools if (p.get("library") or "").startswith("scikit_learn"))
    return _threads_told(next(own, {}))


def _counts_cores(side: Fingerprint) -> bool:
    version = side.value("facts.frameworks.scikit_learn.version")
    return not version or numbers(version) >= (1, 3)


NUMPY = Dial(
    "the thread count of NumPy's BLAS",
    ("numpy", "scikit-learn"),
    tuple(dict.fromkeys(name for names in POOLS.values() for name in names)),
    _numpy,
    _numpy_pin,
    on_gpu=True,
    told=lambda side: _threads_told(blas_told(side)),
)
SCIKIT_LEARN = Dial(
    "scikit-learn's OpenMP thread count",
    ("scikit-learn",),
    ("OMP_NUM_THREADS", "LOKY_MAX_CPU_COUNT"),
    _scikit_learn,
    lambda side, count: _pin("OMP_NUM_THREADS", count),
    on_gpu=True,
    told=_scikit_learn_told,
)
TORCH = Dial(
    "PyTorch's thread count",
    ("torch",),
    MKL,
    lambda side, variables: _capped(side, requested(variables, _torch_names(side))),
    lambda side, count: _pin(_torch_names(side)[0], count),
    switch="torch-threads",
    told=lambda side: told(side, "torch-threads"),
)
TENSORFLOW = Dial(
    "TensorFlow's thread count for one operation",
    ("tensorflow",),
    ("TF_NUM_INTRAOP_THREADS",),
    _tensorflow,
    lambda side, count: _pin("TF_NUM_INTRAOP_THREADS", count),
    switch="tensorflow-intra-op-threads",
    told=lambda side: told(side, "tensorflow-intra-op-threads"),
)
JAX = Dial(
    "XLA's thread count",
    ("jax",),
    (),
    lambda side, variables: _capped(side, None),
    lambda side, count: None,
)
THREADS = (NUMPY, SCIKIT_LEARN, TORCH, TENSORFLOW, JAX)
