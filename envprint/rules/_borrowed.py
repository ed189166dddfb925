"""Mathematics that a framework borrows: few operations, so what moves it is advice.

Measured by the probes, operation by operation; trainings without these operations gave the same
bits.
"""

from __future__ import annotations

from envprint.model import Confidence, Impact
from envprint.rule import Evidence, Rule
from envprint.rules import _isa
from envprint.rules._dials import variable
from envprint.rules._turns import turned_by_variables
from envprint.workload import machine, on_cpu, uses

RULES = (
    Rule(
        id="jax-lapack-kernel-changed",
        title="JAX's decompositions are told to use another kernel",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax") & on_cpu,
        watches=(variable("OPENBLAS_CORETYPE"),),
        why="On a CPU JAX takes LAPACK from SciPy, whose OpenBLAS obeys OPENBLAS_CORETYPE: with "
        "Haswell's kernels on a processor with AVX-512, svd and eigh gave other bits, and every "
        "other operation of the probe the same.",
        not_when="The job calls no decomposition, or the name leads to the kernels that the "
        "processor gets anyway.",
        remedy="Give OPENBLAS_CORETYPE the same value on both sides.",
        evidence=(
            Evidence(
                "Where JAX takes its LAPACK from",
                "https://github.com/jax-ml/jax/blob/main/jaxlib/cpu/lapack.cc",
            ),
            Evidence("A training without decompositions", measured="jax.openblas"),
        ),
        drift=turned_by_variables(_isa.LAPACK),
        advice=True,
        yields_to=("openblas-core-changed",),
        probed=True,
    ),
    Rule(
        id="glibc-double-functions-changed",
        title="A few functions in float64 are limited differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow", "jax") & on_cpu & machine("x86_64"),
        watches=(variable("GLIBC_TUNABLES"),),
        why="For float64 some functions are the C library's, which has others without FMA or AVX2: "
        "TensorFlow's sin, cos and expm1 and its normal draws in float64, JAX's sin and pow gave "
        "other bits, and every other operation of the probes the same.",
        not_when="The job computes in float32, or the tunable masks neither FMA nor AVX2.",
        remedy="Give GLIBC_TUNABLES the same value on both sides.",
        evidence=(
            Evidence(
                "The tunable glibc.cpu.hwcaps",
                "https://sourceware.org/glibc/manual/latest/html_node/"
                "Hardware-Capability-Tunables.html",
            ),
            Evidence("A training in float32", measured="tf.glibc"),
        ),
        drift=turned_by_variables(_isa.DOUBLES),
        advice=True,
        yields_to=("glibc-hwcaps-changed",),
        probed=True,
    ),
)
