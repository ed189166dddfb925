"""Limits that make a processor with more instructions compute like the recorded one.

What each limit reaches was measured on an AMD processor with AVX-512, beside one with AVX2 only
(emulated by qemu): NumPy's loops and its OpenBLAS gave equal bits, PyTorch did except in LSTM
layers, and TensorFlow did not in softmax, training and XLA. On an Intel processor with AVX-512,
MKL_ENABLE_INSTRUCTIONS=AVX2 gave PyTorch the same matmul, exp and SVD as MKL_CBWR=AVX2.
The names that NumPy knows are read from the installed one, as each release has others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from envprint.core.errors import EnvprintError, UnknownValueError
from envprint.core.fingerprint import Fingerprint
from envprint.core.typed import NamedTuple
from envprint.isolate.commands import run
from envprint.rules.framework_switches import ONEDNN
from envprint.rules.kit import instruction_sets as sets
from envprint.rules.kit.settings import LEVELS
from envprint.rules.kit.threads import blas_pool

_DISPATCH_S = 60.0
_READ = """
import json
try:
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
except ImportError:
    from numpy.core._multiarray_umath import __cpu_dispatch__, __cpu_features__
print(json.dumps([name for name in __cpu_dispatch__ if __cpu_features__.get(name)]))
"""
_ABOVE_AVX2 = re.compile(r"AVX512.*|AVX10.*|X86_V4")
_ABOVE_SSE = re.compile(r"AVX.*|FMA.*|F16C|XOP|X86_V[34]")


class Cap(NamedTuple):
    """A variable that limits a library."""

    name: str
    value: str


class Caps(NamedTuple):
    """The limits for one machine, and how far each framework then computes as recorded."""

    variables: tuple[Cap, ...]
    claims: tuple[str, ...]
    """A sentence for each framework."""


NONE = Caps((), ())


def caps_for(
    recorded: Fingerprint, here: Fingerprint, python: str | None, given: Mapping[str, str]
) -> Caps:
    """The limits that this machine (`here`) needs, beside the variables that are `given`.

    `python` is the interpreter of the environment that was built, if there is one.
    """
    try:
        return _caps(recorded, here, python, given)
    except UnknownValueError as error:
        return Caps((), (f"whether a limit is needed is unknown: {error}",))


def _caps(
    recorded: Fingerprint, here: Fingerprint, python: str | None, given: Mapping[str, str]
) -> Caps:
    there, own = sets.native(recorded), sets.native(here)
    if there not in LEVELS or own not in LEVELS:
        return NONE
    if LEVELS.index(there) >= LEVELS.index(own):
        lacks = f"this processor has {own} and the recorded one {there}: no limit adds the rest"
        return Caps((), (lacks,) if there != own else ())
    found: dict[str, str] = {}
    claims = []
    for one in (_numpy, _torch, _tensorflow, _jax):
        for variables, claim in one(recorded, here, python, there):
            found |= variables
            claims.append(claim)
    chosen = (Cap(name, value) for name, value in found.items() if name not in given)
    return Caps(tuple(chosen), tuple(claims))


_Found = Iterator[tuple[dict[str, str], str]]


def _has(side: Fingerprint, name: str) -> bool:
    return side.get(f"facts.frameworks.{name}") is not None


def _numpy(recorded: Fingerprint, here: Fingerprint, python: str | None, level: str) -> _Found:
    if not _has(recorded, "numpy"):
        return
    names = _dispatched(python, level) if python else None
    loops = sets.fix(recorded, level)
    if names is not None:
        loops = ("NPY_DISABLE_CPU_FEATURES", " ".join(names)) if names else None
    core = sets.OPENBLAS.fix(recorded, level)
    if level != "avx2":
        claim = f"NumPy: not measured for {level}"
    elif blas_pool(recorded, "numpy") != "openblas":
        claim, core = "NumPy's own loops compute as recorded; its BLAS has no limit", None
    else:
        claim = "NumPy computes as recorded, bit for bit"
    source = "names from the installed NumPy" if names is not None else "names from a table"
    yield dict(filter(None, (core, loops))), f"{claim} ({source})"
    if _has(recorded, "scikit_learn"):
        yield {}, "scikit-learn: what it computes itself was not measured under these limits"


def _dispatched(python: str, level: str) -> list[str] | None:
    """The features above `level` that the installed NumPy would use here; None if unknown."""
    above = _ABOVE_AVX2 if level == "avx2" else _ABOVE_SSE
    try:
        names = json.loads(run([python, "-I", "-c", _READ], _DISPATCH_S, "numpy"))
    except (EnvprintError, ValueError):
        return None
    return [name for name in names if isinstance(name, str) and above.fullmatch(name)]


_INTEL, _AMD = "GenuineIntel", "AuthenticAMD"


def _torch(recorded: Fingerprint, here: Fingerprint, python: str | None, level: str) -> _Found:
    if not _has(recorded, "torch"):
        return
    vendors = [side.get("facts.cpu.vendor") for side in (recorded, here)]
    fixes = [sets.ATEN.fix(recorded, level), sets.ONEDNN.fix(recorded, level)]
    if level == "avx2" and vendors[1] == _INTEL:  # on others MKL does not read it
        fixes.append(("MKL_ENABLE_INSTRUCTIONS", "AVX2"))
    if vendors[0] != vendors[1] or not vendors[0]:
        claim = (
            "PyTorch does not compute as recorded: MKL chooses by vendor, and the recorded "
            "processor is of another one"
        )
    elif level == "avx2" and vendors[0] == _AMD:
        claim = "PyTorch computes as recorded, bit for bit, except in LSTM layers"
    else:
        claim = f"PyTorch is limited to {level}; not measured beside a processor of this vendor"
    yield dict(filter(None, fixes)), claim


_OF_TENSORFLOW = (
    "TensorFlow does not compute as recorded: only matmul, exp, sum, convolutions and tanh do; "
    "softmax, training and what XLA compiles differ under every limit that was tried"
)


def _tensorflow(recorded: Fingerprint, here: Fingerprint, python: str | None, level: str) -> _Found:
    if not _has(recorded, "tensorflow"):
        return
    found = dict(filter(None, [sets.ONEDNN.fix(recorded, level)]))
    # By default it depends on other features of the processor, which no limit takes away.
    default = ONEDNN.forecast(recorded, {})
    if default in ("on", "off") and default != ONEDNN.forecast(here, {}):
        found |= dict(filter(None, [ONEDNN.fix(recorded, default)]))
    yield found, _OF_TENSORFLOW


def _jax(recorded: Fingerprint, here: Fingerprint, python: str | None, level: str) -> _Found:
    if _has(recorded, "jax"):
        fix = sets.ONEDNN.fix(recorded, level)
        yield (
            dict(filter(None, [fix])),
            "JAX does not compute as recorded: XLA compiles for the processor it finds",
        )
