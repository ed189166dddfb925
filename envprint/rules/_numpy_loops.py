"""Which of its compiled loops NumPy runs, by the names of features in its variables.

Which names open which loops was measured on the wheels of 1.23 to 2.4, on a processor with
AVX-512: a loop asks for some features only, so that disabling others changes nothing.
https://numpy.org/doc/stable/reference/simd/build-options.html#runtime-simd-dispatch
"""

from __future__ import annotations

from envprint.model import Fingerprint
from envprint.rules._dials import LEVELS, Variables
from envprint.versions import numbers

_WITH_AVX2 = frozenset(("AVX", "F16C", "FMA3", "AVX2"))
_KNOWN = frozenset(("AVX512F", "AVX512CD", "AVX512_SKX", "X86_V3", "X86_V4")) | _WITH_AVX2


def loops(side: Fingerprint, level: str, variables: Variables) -> str:
    """The class of the loops in use on a processor of class `level`."""
    version = numbers(side.value("facts.frameworks.numpy.version") or "") or (2, 4)
    disabled = _listed(variables, "NPY_DISABLE_CPU_FEATURES")
    if level not in LEVELS:
        return " ".join([level, *(f"-{name}" for name in sorted(disabled))])
    enabled = _listed(variables, "NPY_ENABLE_CPU_FEATURES")
    if enabled and version >= (1, 25):
        disabled = _KNOWN - enabled
    return _today(level, disabled) if version >= (2, 4) else _before_2_4(level, disabled, version)


def _listed(variables: Variables, name: str) -> frozenset[str]:
    return frozenset(variables.get(name, "").replace(",", " ").split())


def _today(level: str, disabled: frozenset[str]) -> str:
    if "X86_V3" in disabled or level not in ("avx2", "avx512"):
        return "sse"
    return "avx2" if "X86_V4" in disabled else level


def _before_2_4(level: str, disabled: frozenset[str], version: tuple[int, ...]) -> str:
    gate = {"AVX512F", "AVX512CD"} if version >= (1, 25) else {"AVX512_SKX"}
    if level == "avx512" and disabled.isdisjoint(gate):
        # Up to 1.24 complex products ask for AVX512F alone.
        return "avx512 in part" if "AVX512F" in disabled else "avx512"
    if level == "avx512" and "AVX512F" not in disabled:
        return "avx512f"
    return "avx2" if level in ("avx2", "avx512") and not disabled & _WITH_AVX2 else "sse"


def pin(side: Fingerprint, level: str) -> tuple[str, str] | None:
    """The variable, and its value, that holds NumPy at `level`; None where there is none."""
    version = numbers(side.value("facts.frameworks.numpy.version") or "") or (2, 4)
    if version >= (2, 4):
        off = {"avx2": "X86_V4", "sse": "X86_V4 X86_V3"}
    else:
        first = "AVX512F" if version >= (1, 25) else "AVX512F AVX512_SKX"
        off = {"avx2": first, "sse": f"{first} AVX2"}
    return ("NPY_DISABLE_CPU_FEATURES", off[level]) if level in off else None
