"""How many threads each library uses, from its variables and the usable CPUs.

The order of the variables and the cap were measured on the wheels of NumPy 2.4, PyTorch 2.13 and
TensorFlow 2.21 with two usable CPUs: OpenBLAS and MKL never use more threads than there are usable
CPUs, TensorFlow does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import Fingerprint
from envprint.core.typed import Any
from envprint.core.versions import numbers
from envprint.rules.kit.settings import Setting, Variables, reported, variables_of

OPENBLAS = (
    "OPENBLAS_NUM_THREADS",
    "OPENBLAS_DEFAULT_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "OMP_NUM_THREADS",
)
MKL = ("MKL_NUM_THREADS", "OMP_NUM_THREADS")
DOMAINS = "MKL_DOMAIN_NUM_THREADS"
XLA = ("PJRT_NPROC", "NPROC")
LIMIT = "OMP_THREAD_LIMIT"
_STRIPES = "MKL_NUM_STRIPES"
POOLS = {
    "openblas": OPENBLAS,
    "mkl": MKL,
    "blis": ("BLIS_NUM_THREADS", "OMP_NUM_THREADS"),
    "accelerate": ("VECLIB_MAXIMUM_THREADS",),
}


def requested(variables: Variables, names: tuple[str, ...]) -> int | None:
    """The count of the first of `names` that is a positive number."""
    for name in names:
        # 4   4,2 (one count per level of nesting)
        # https://www.openmp.org/spec-html/5.0/openmpse50.html
        count = variables.get(name, "").partition(",")[0].strip()
        if count.isascii() and count.isdigit() and len(count) < 10 and int(count) > 0:
            return int(count)
    return None


def limit(variables: Variables) -> int | None:
    """The number in OMP_THREAD_LIMIT; None if there is none, which OpenMP ignores."""
    text = variables.get(LIMIT, "").strip()
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) and int(text) else None


def _capped(side: Fingerprint, wanted: int | None) -> str:
    usable = side.value("facts.cpu.usable_threads")
    if usable is None:
        return str(wanted or "one per CPU")
    return str(min(wanted or usable, usable))


def blas_pool(side: Fingerprint, owner: str = "numpy") -> str:
    """The key of its BLAS in `POOLS`; "" for any other BLAS, OpenBLAS if none is recorded."""
    name = (side.value(f"facts.frameworks.{owner}.blas.name") or "openblas").lower()
    return next((pool for pool in POOLS if pool in name), "")


def reported_blas(side: Fingerprint) -> Mapping[str, Any]:
    """What the process reported about the BLAS that NumPy uses; empty if it was not queried.

    It takes precedence: OpenBLAS reads its variables when it is loaded, and never again.
    """
    library = side.value("facts.frameworks.numpy.blas.library")
    pools = (pool for pool in _pools(side) if pool.get("api") == "blas")
    return next((pool for pool in pools if library and pool.get("library") == library), {})


def _pools(side: Fingerprint) -> list[Mapping[str, Any]]:
    try:
        return side.value("facts.math.thread_pools") or []
    except UnknownValueError:  # threadpoolctl is not installed there
        return []


def _reported_threads(pool: Mapping[str, Any]) -> str | None:
    return str(pool["threads"]) if pool.get("threads") else None


def _numpy(side: Fingerprint, variables: Variables) -> str:
    # A BLAS that is none of these (such as the reference BLAS) has no threads.
    names = POOLS.get(blas_pool(side))
    return _capped(side, requested(variables, names)) if names else "1"


def _fix(name: str, count: str) -> tuple[str, str] | None:
    """None if there is no count to fix: a pool without limit, or an invalid value in a document."""
    return (name, count) if count.isascii() and count.isdecimal() else None


def _fix_numpy(side: Fingerprint, count: str) -> tuple[str, str] | None:
    names = POOLS.get(blas_pool(side))
    return _fix(names[0], count) if names else None


def _torch_names(side: Fingerprint) -> tuple[str, ...]:
    x86 = side.value("facts.cpu.architecture") in (None, "x86_64", "AMD64")
    return MKL if x86 else ("OMP_NUM_THREADS",)


# No more threads than there are CPUs made a difference: 2 to 8 gave the same bits on two CPUs.
# https://github.com/openxla/xla/blob/main/xla/pjrt/utils.cc
def _jax(side: Fingerprint, variables: Variables) -> str:
    for name in XLA:
        wanted = re.fullmatch(r"\s*([+-]?\d{1,9})\s*", variables.get(name, ""), re.ASCII)
        if wanted:
            return _capped(side, max(int(wanted[1]), 1))
    return _capped(side, None)


_DOMAIN = r"MKL_DOMAIN_(ALL|BLAS)[\s,;:=]+(\d{1,9})(?!\d)"
"""A pair in MKL_DOMAIN_NUM_THREADS, such as MKL_DOMAIN_BLAS=1; other domains gave equal bits."""


def _mkl_blas(side: Fingerprint, variables: Variables, count: str) -> str:
    """The count with which MKL multiplies: that of its domain, else the `count` of all domains."""
    wanted = dict(re.findall(_DOMAIN, variables.get(DOMAINS, ""), re.ASCII))
    value = wanted.get("BLAS") or wanted.get("ALL")
    return _capped(side, int(value)) if value and int(value) else count


def _torch_blas(side: Fingerprint, variables: Variables) -> str:
    return _mkl_blas(side, variables, TORCH.forecast(side, variables))


def _numpy_mkl_blas(side: Fingerprint, variables: Variables) -> str:
    count = _numpy(side, variables)
    return _mkl_blas(side, variables, count) if blas_pool(side) == "mkl" else count


def _torch_stripes(side: Fingerprint, variables: Variables) -> str:
    wanted = requested(variables, (_STRIPES,))
    count = _torch_blas(side, variables)
    at_most = int(count) if count.isdecimal() else None
    return str(min(filter(None, (wanted, at_most)))) if wanted else "MKL's own choice"


def _numpy_stripes(side: Fingerprint, variables: Variables) -> str:
    return _torch_stripes(side, variables) if blas_pool(side) == "mkl" else "none"


def _tensorflow(side: Fingerprint, variables: Variables) -> str:
    wanted = requested(variables, ("TF_NUM_INTRAOP_THREADS",))
    return str(wanted) if wanted else _capped(side, None)


# https://github.com/scikit-learn/scikit-learn/blob/main/sklearn/utils/_openmp_helpers.pyx
def _scikit_learn(side: Fingerprint, variables: Variables) -> str:
    wanted = requested(variables, ("OMP_NUM_THREADS",))
    at_most = limit(variables)
    usable = side.value("facts.cpu.usable_threads")
    if wanted or usable is None:
        return str(min(filter(None, (wanted, at_most)))) if wanted else "one per CPU"
    quota = side.value("facts.cpu.quota_cpus")
    limits = (requested(variables, ("LOKY_MAX_CPU_COUNT",)), quota and math.ceil(quota), at_most)
    count = min([usable, *filter(None, limits)])
    # Without a limit it uses one thread per core, not per hardware thread.
    whole = count == side.value("facts.cpu.threads") and _counts_cores(side)
    return str((whole and side.value("facts.cpu.cores")) or count)


def _reported_scikit_learn(side: Fingerprint) -> str | None:
    """The count in its own OpenMP runtime, if scikit-learn uses that one alone."""
    if requested(variables_of(side), ("OMP_NUM_THREADS",)) is None:
        return None
    pools = (pool for pool in _pools(side) if pool.get("api") == "openmp")
    own = (p for p in pools if (p.get("library") or "").startswith("scikit_learn"))
    return _reported_threads(next(own, {}))


def _counts_cores(side: Fingerprint) -> bool:
    version = side.value("facts.frameworks.scikit_learn.version")
    return not version or numbers(version) >= (1, 3)


NUMPY = Setting(
    "the thread count of NumPy's BLAS",
    ("numpy", "scikit-learn"),
    tuple(dict.fromkeys(name for names in POOLS.values() for name in names)),
    _numpy,
    _fix_numpy,
    on_gpu=True,
    reported=lambda side: _reported_threads(reported_blas(side)),
)
SCIKIT_LEARN = Setting(
    "scikit-learn's OpenMP thread count",
    ("scikit-learn",),
    ("OMP_NUM_THREADS", "LOKY_MAX_CPU_COUNT", LIMIT),
    _scikit_learn,
    lambda side, count: _fix("OMP_NUM_THREADS", count),
    on_gpu=True,
    reported=_reported_scikit_learn,
)
TORCH = Setting(
    "PyTorch's thread count",
    ("torch",),
    MKL,
    lambda side, variables: _capped(side, requested(variables, _torch_names(side))),
    lambda side, count: _fix(_torch_names(side)[0], count),
    switch="torch-threads",
    reported=lambda side: reported(side, "torch-threads"),
)
TENSORFLOW = Setting(
    "TensorFlow's thread count for one operation",
    ("tensorflow",),
    ("TF_NUM_INTRAOP_THREADS",),
    _tensorflow,
    lambda side, count: _fix("TF_NUM_INTRAOP_THREADS", count),
    switch="tensorflow-intra-op-threads",
    reported=lambda side: reported(side, "tensorflow-intra-op-threads"),
)
TORCH_BLAS = Setting(
    "the thread count of MKL's products in PyTorch",
    ("torch",),
    (DOMAINS,),
    _torch_blas,
    lambda side, count: None,
)
NUMPY_MKL = Setting(
    "the thread count of MKL's products in NumPy",
    ("numpy", "scikit-learn"),
    (DOMAINS,),
    _numpy_mkl_blas,
    lambda side, count: None,
    on_gpu=True,
)
STRIPES = (
    Setting(
        "how many stripes MKL makes of a product in PyTorch",
        ("torch",),
        (_STRIPES,),
        _torch_stripes,
        lambda side, count: None,
    ),
    Setting(
        "how many stripes MKL makes of a product in NumPy",
        ("numpy", "scikit-learn"),
        (_STRIPES,),
        _numpy_stripes,
        lambda side, count: None,
    ),
)
JAX = Setting(
    "XLA's thread count",
    ("jax",),
    XLA,
    _jax,
    lambda side, count: _fix("NPROC", count),
)
THREADS = (NUMPY, SCIKIT_LEARN, TORCH, TENSORFLOW, JAX)
"""One count for each library, by which it splits its work."""
NUMBA = Setting(
    "Numba's thread count",
    ("numba", "numpy", "scikit-learn"),
    ("NUMBA_NUM_THREADS",),
    lambda side, variables: str(
        requested(variables, ("NUMBA_NUM_THREADS",)) or _capped(side, None)
    ),
    lambda side, count: _fix("NUMBA_NUM_THREADS", count),
)
DOMAIN_THREADS = (TORCH_BLAS, NUMPY_MKL)
"""Counts of a part of a library: they follow the former unless a variable sets them apart."""
