"""Which instruction set each library uses: the processor's, unless a variable limits it.

The values are classes, not names: within a class, float32 and float64 results had the same bits
(measured on the wheels of NumPy 2.4, PyTorch 2.13 and TensorFlow 2.21, on a processor with
AVX-512), so a limit within the class that the processor would get anyway changes nothing.
"""

from __future__ import annotations

import re

from envprint import knowledge
from envprint.core.fingerprint import Fingerprint
from envprint.core.versions import numbers
from envprint.rules.kit.settings import LEVELS, Setting, Variables
from envprint.rules.kit.threads import blas_pool, reported_blas

# Which of its compiled loops NumPy runs, by the feature names in its variables.
#
# The table lists the loops of each release, best first. A loop requires only some features, so
# disabling the others changes nothing.
_ENABLES_FROM = (1, 25)
"""The first release with NPY_ENABLE_CPU_FEATURES, which disables every feature not named in it."""
_NEWEST = (2, 4)
"""Used if NumPy's version is unknown."""


def loops(side: Fingerprint, level: str, variables: Variables) -> str:
    """The class of the loops in use on a processor of class `level`."""
    disabled = _listed(variables, "NPY_DISABLE_CPU_FEATURES")
    if level not in LEVELS:
        return " ".join([level, *(f"-{name}" for name in sorted(disabled))])
    version = _version(side)
    enabled = _listed(variables, "NPY_ENABLE_CPU_FEATURES")
    if enabled and version >= _ENABLES_FROM:
        disabled = _features() - enabled
    known = knowledge.covering("numpy_loops", version)
    found: str = next(entry["loops"] for entry in known if _runs(entry, level, disabled))
    return found


def _runs(entry: knowledge.Entry, level: str, disabled: frozenset[str]) -> bool:
    is_able = LEVELS.index(level) >= LEVELS.index(entry["level"])
    return is_able and disabled.isdisjoint(entry["needs"])


def _features() -> frozenset[str]:
    """Every feature that some loop requires."""
    listed = knowledge.entries("numpy_loops")
    return frozenset(name for entry in listed for name in entry["needs"])


def _listed(variables: Variables, name: str) -> frozenset[str]:
    return frozenset(variables.get(name, "").replace(",", " ").split())


def _version(side: Fingerprint) -> tuple[int, ...]:
    return numbers(side.value("facts.frameworks.numpy.version") or "") or _NEWEST


def fix(side: Fingerprint, level: str) -> tuple[str, str] | None:
    """The variable, and its value, that limits NumPy to `level`; None if there is none."""
    for entry in knowledge.covering("numpy_loops", _version(side), loops=level):
        if "disable" in entry:
            return "NPY_DISABLE_CPU_FEATURES", " ".join(entry["disable"])
    return None


_AVX512 = frozenset(("avx512f", "avx512bw", "avx512dq", "avx512vl"))
_AVX2 = frozenset(("avx2", "fma"))

_CORE_LEVELS = ("sse3", *LEVELS)


def _flags(side: Fingerprint) -> frozenset[str]:
    return frozenset(side.value("facts.cpu.flags") or ())


def native(side: Fingerprint) -> str:
    """The class of the processor itself; off x86_64, all its relevant flags as one text."""
    flags = _flags(side)
    if side.value("facts.cpu.architecture") not in (None, "x86_64", "AMD64"):
        return " ".join(sorted(flags)) or "baseline"
    if flags >= _AVX512:
        return "avx512"
    return "avx2" if flags >= _AVX2 else "avx" if "avx" in flags else "sse"


def _limited(level: str, limit: str | None) -> str:
    if limit is None or level not in LEVELS:
        return f"{level} limited to {limit}" if limit else level
    return min(level, limit, key=LEVELS.index)


def _openblas(side: Fingerprint, variables: Variables, owner: str = "numpy") -> str:
    core = variables.get("OPENBLAS_CORETYPE", "").lower()
    level = native(side)
    if blas_pool(side, owner) != "openblas":
        return level
    if level not in LEVELS:
        return core or level
    wanted = _core_class(core)
    # OpenBLAS rejects a kernel that the processor cannot run, and ignores an unknown name.
    runs = wanted and _CORE_LEVELS.index(wanted) <= _CORE_LEVELS.index(level)
    return wanted if wanted and runs else level


def _core_class(core: str) -> str | None:
    """The class of the kernels that OpenBLAS loads for a core's name, in any spelling."""
    if not core:
        return None
    cores = knowledge.entries("openblas_cores")
    return next((one["level"] for one in cores if one["core"].lower() == core.lower()), None)


def _fix_core(side: Fingerprint, level: str) -> tuple[str, str] | None:
    cores = knowledge.entries("openblas_cores")
    names = [one["core"] for one in cores if one.get("pins") and one["level"] == level]
    return ("OPENBLAS_CORETYPE", names[0]) if names else None


def _aten(side: Fingerprint, variables: Variables) -> str:
    limits = {"default": "sse", "avx2": "avx2", "avx512": "avx512"}
    level = _limited(native(side), limits.get(variables.get("ATEN_CPU_CAPABILITY", "")))
    return "sse" if level == "avx" else level


# https://uxlfoundation.github.io/oneDNN/dev_guide_cpu_dispatcher_control.html
def _onednn(side: Fingerprint, variables: Variables) -> str:
    name = variables.get("ONEDNN_MAX_CPU_ISA") or variables.get("DNNL_MAX_CPU_ISA") or ""
    name = name.upper()
    limit = None
    if name.startswith(("AVX512", "AVX10")):
        limit = "avx512"
    elif name.startswith("AVX2"):
        limit = "avx2"
    elif name in ("AVX", "SSE41"):
        limit = {"AVX": "avx", "SSE41": "sse"}[name]
    return _limited(native(side), limit)


# GLIBC_TUNABLES=glibc.malloc.check=3:glibc.cpu.hwcaps=-AVX2,-FMA
# https://sourceware.org/glibc/manual/latest/html_node/Hardware-Capability-Tunables.html
# Compiled on first use: most diffs never need these patterns.
_HWCAPS = r"(?:^|:)glibc\.(?:cpu|tune)\.hwcaps=([^:]*)"


def _libm(side: Fingerprint, variables: Variables) -> str:
    tunables = variables.get("GLIBC_TUNABLES")
    found = re.search(_HWCAPS, tunables) if tunables else None
    off = set(found[1].split(",")) if found else set()
    libc = (side.value("facts.os.libc") or "glibc").split()
    # Until glibc 2.32 the features that are usable had separate names.
    suffix = "_Usable" if libc[1:] and numbers(libc[1]) < (2, 33) else ""
    if libc[:1] != ["glibc"] or native(side) not in LEVELS:
        return "without choice"
    blocked = not off.isdisjoint((f"-FMA{suffix}", f"-AVX2{suffix}"))
    return "avx2" if _flags(side) >= _AVX2 and not blocked else "sse"


# On an AMD processor MKL 2024 treated any value except COMPATIBLE as one second mode, even OFF and
# unknown words; both modes differ from an unset or empty variable (measured).
def _mkl_branch(side: Fingerprint, variables: Variables) -> str:
    branch = variables.get("MKL_CBWR") or "unset"
    if side.value("facts.cpu.vendor") == "AuthenticAMD":
        return branch if branch.startswith(("COMPATIBLE", "unset")) else "AUTO"
    return "OFF" if branch == "unset" else branch


# A fixed branch replaces the choice by processor; AUTO restores it.
def _mkl(side: Fingerprint, variables: Variables) -> str:
    branch = _mkl_branch(side, variables).partition(",")[0]
    if native(side) not in LEVELS:
        return "without MKL"
    free = branch in ("unset", "OFF", "AUTO")
    return _mkl_instructions(side, variables).lower() if free else branch


def _fix_mkl(side: Fingerprint, level: str) -> tuple[str, str]:
    is_intel = side.value("facts.cpu.vendor") == "GenuineIntel"
    return "MKL_CBWR", "AVX2" if is_intel and level == "avx2" else "COMPATIBLE"


def _mkl_instructions(side: Fingerprint, variables: Variables) -> str:
    limit = variables.get("MKL_ENABLE_INSTRUCTIONS")
    return limit if limit and side.value("facts.cpu.vendor") == "GenuineIntel" else native(side)


_ONEDNN_PIN = {"sse": "SSE41", "avx": "AVX", "avx2": "AVX2", "avx512": "AVX512_CORE"}

OPENBLAS = Setting(
    "the instruction set of NumPy's OpenBLAS",
    ("numpy", "scikit-learn"),
    ("OPENBLAS_CORETYPE",),
    _openblas,
    _fix_core,
    on_gpu=True,
    reported=lambda side: _core_class(reported_blas(side).get("architecture") or ""),
)
LAPACK = Setting(
    "the instruction set of the OpenBLAS that JAX's decompositions use, SciPy's",
    ("jax",),
    OPENBLAS.variables,
    lambda side, variables: _openblas(side, variables, "scipy"),
    OPENBLAS.fix,
)
NUMPY = Setting(
    "the instruction set of NumPy's loops",
    ("numpy", "scikit-learn"),
    ("NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES"),
    lambda side, variables: loops(side, native(side), variables),
    fix,
    on_gpu=True,
)
LIBM = Setting(
    "the instruction set of the C library's mathematics",
    ("numpy", "scikit-learn"),
    ("GLIBC_TUNABLES",),
    _libm,
    lambda side, level: (
        ("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-FMA,-AVX2") if level == "sse" else None
    ),
    on_gpu=True,
)
DOUBLES = LIBM._replace(
    what="the instruction set of the C library's functions for float64",
    used_by=("tensorflow", "jax"),
    on_gpu=False,
)
ATEN = Setting(
    "the instruction set of PyTorch's kernels",
    ("torch",),
    ("ATEN_CPU_CAPABILITY",),
    _aten,
    lambda side, level: ("ATEN_CPU_CAPABILITY", "default" if level == "sse" else level),
)
ONEDNN = Setting(
    "oneDNN's instruction set",
    ("tensorflow", "torch", "jax"),
    ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"),
    _onednn,
    lambda side, level: ("ONEDNN_MAX_CPU_ISA", _ONEDNN_PIN[level]) if level in LEVELS else None,
)
MKL_BRANCH = Setting(
    "MKL's branch for reproducible results",
    ("torch",),
    ("MKL_CBWR",),
    _mkl_branch,
    lambda side, branch: ("MKL_CBWR", branch),
)
MKL_INSTRUCTIONS = Setting(
    "MKL's instruction set",
    ("torch",),
    ("MKL_ENABLE_INSTRUCTIONS",),
    _mkl_instructions,
    lambda side, level: None,
)
MKL = Setting(
    "MKL's instruction set",
    ("torch",),
    ("MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS"),
    _mkl,
    _fix_mkl,
)
XLA = Setting(
    "XLA's instruction set",
    ("jax",),
    (),
    lambda side, variables: native(side),
    lambda side, level: None,
)
# Under every limit that there is, softmax, a training of Keras and what XLA compiles had other bits
# on a processor with AVX-512 than on one with AVX2 (measured with TensorFlow 2.21, qemu).
TENSORFLOW = Setting(
    "the instruction set of TensorFlow's own kernels",
    ("tensorflow",),
    (),
    lambda side, variables: native(side),
    lambda side, level: None,
)
ISAS = (OPENBLAS, NUMPY, LIBM, ATEN, ONEDNN, MKL, XLA, TENSORFLOW)
