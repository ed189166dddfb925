"""The effect of mathematics libraries on a result: BLAS, C library, their switches and threads."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Result, Rule, for_each
from envprint.core.shell import command
from envprint.core.workload import Workload, always, machine, on_cpu, uses
from envprint.rules.kit import instruction_sets, threads
from envprint.rules.kit.packages import CONDA
from envprint.rules.kit.setting_rules import changed_by_variables
from envprint.rules.kit.settings import variable

# Mathematics that a framework takes from another library. It covers few operations, so a change is
# advice only. Measured with the probes, operation by operation; trainings without these operations
# gave the same bits.
BORROWED_RULES = (
    Rule(
        id="jax-lapack-kernel-changed",
        title="JAX's decompositions use a different kernel",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax") & on_cpu,
        watches=(variable("OPENBLAS_CORETYPE"),),
        why="On a CPU, JAX takes LAPACK from SciPy, whose OpenBLAS obeys OPENBLAS_CORETYPE. With "
        "Haswell's kernels on a processor with AVX-512, svd and eigh gave different bits; "
        "every other operation of the probe gave the same.",
        not_when="The job calls no decomposition, or the value selects the kernels that the "
        "processor gets anyway.",
        remedy="Give OPENBLAS_CORETYPE the same value on both sides.",
        evidence=(
            Evidence(
                "Where JAX takes its LAPACK from",
                "https://github.com/jax-ml/jax/blob/main/jaxlib/cpu/lapack.cc",
            ),
            Evidence("A training without decompositions", measured="jax.openblas"),
        ),
        drift=changed_by_variables(instruction_sets.LAPACK),
        advice=True,
        yields_to=("openblas-core-changed",),
        probed=True,
    ),
    Rule(
        id="glibc-double-functions-changed",
        title="A few float64 functions are limited differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow", "jax") & on_cpu & machine("x86_64"),
        watches=(variable("GLIBC_TUNABLES"),),
        why="Some float64 functions come from the C library, which has different ones without FMA "
        "or AVX2. TensorFlow's sin, cos, expm1 and normal draws in float64 and JAX's sin and "
        "pow gave different bits; every other operation of the probes gave the same.",
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
        drift=changed_by_variables(instruction_sets.DOUBLES),
        advice=True,
        yields_to=("glibc-hwcaps-changed",),
        probed=True,
    ),
)


Libraries = dict[str, str]


def _in_use(entries: list[dict[str, str | None]] | None) -> Libraries:
    """Owner to library, for the packages whose BLAS NumPy code uses."""
    return {
        entry.get("owner") or "": " ".join(filter(None, (entry.get("name"), entry.get("version"))))
        for entry in entries or []
        if entry.get("owner") in ("numpy", "scipy") and entry.get("name")
    }


def _blas(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    change = comparison.change("facts.math.blas")
    if change is None:
        return
    before, after = _in_use(change.before), _in_use(change.after)
    moved = [
        owner for owner in sorted(before.keys() & after.keys()) if before[owner] != after[owner]
    ]
    if moved:
        text = "; ".join(f"{name}'s BLAS was {before[name]}, is {after[name]}" for name in moved)
        paths = (change.path, *comparison.under(*(f"facts.frameworks.{m}.blas" for m in moved)))
        yield Match(text, paths, before, after)


_CONDA_BLAS = ("mkl", "libopenblas", "libblas", "blis")
"""Packages of conda with the arithmetic that NumPy, SciPy and PyTorch of conda load. The build of
libblas says which one it leads to: 3.9.0 20_linux64_openblas."""
_CONDA_USERS = ("numpy", "numpy-base", "scipy", "pytorch")


def _conda_blas(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    here = comparison.after.value(CONDA) or {}
    if not here.keys() & set(_CONDA_USERS):
        return iter(())
    return for_each(_CONDA_BLAS, lambda name: _conda_blas_moved(comparison, name))


def _conda_blas_moved(comparison: Comparison, name: str) -> Iterator[Match]:
    change = comparison.change(f"{CONDA}[{name}].version")
    if change is None and name == "libblas":
        change = comparison.change(f"{CONDA}[{name}].build")
        kinds = {str(side).rpartition("_")[2] for side in change[2:]} if change else set()
        change = change if len(kinds) > 1 else None
    if change and change.before and change.after:
        yield Match(
            f"conda's {name} was {change.before}, is {change.after}",
            comparison.under(f"{CONDA}[{name}]"),
            change.before,
            change.after,
            remedy=command("conda install --yes {}", _conda_spec(comparison, name)),
        )


def _conda_spec(comparison: Comparison, name: str) -> str | None:
    """The baseline's package as conda install takes it: `libblas=3.9.0=20_linux64_openblas`."""
    was = comparison.before.get(f"{CONDA}[{name}]", {})
    parts = (was.get("version"), was.get("build") if name == "libblas" else None)
    return "=".join((name, *(str(part) for part in parts if part)))


def _libc(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    change = comparison.change("facts.math.libm")
    if change and change.before and change.after:
        yield Match(
            f"the C library was {change.before}, is {change.after}",
            (change.path, *comparison.under("facts.os.libc", "facts.os.distribution")),
            change.before,
            change.after,
        )


def _openmp(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    change = comparison.change("facts.math.openmp")
    if change is None:
        return
    before, after = (
        {(entry.get("owner") or "", entry.get("name") or "") for entry in entries or []}
        for entries in (change.before, change.after)
    )
    if before != after:
        text = ", ".join(f"{name} of {owner}" for owner, name in sorted(before ^ after))
        yield Match(f"on one side only: {text}", (change.path,), change.before, change.after)


_OPENBLAS = Evidence(
    "OpenBLAS reads these variables",
    ""
    "https://github.com/OpenMathLib/OpenBLAS#setting-the-number-of-threads-using-environment-variables",
)
_OPENBLAS_CORE = Evidence(
    "OPENBLAS_CORETYPE chooses the kernel",
    "https://github.com/OpenMathLib/OpenBLAS/blob/develop/docs/faq.md#choose_target_dynamic",
)
_TUNABLES = Evidence(
    "The tunable glibc.cpu.hwcaps",
    "https://sourceware.org/glibc/manual/latest/html_node/Hardware-Capability-Tunables.html",
)
_COUNTS = (*threads.THREADS, *threads.DOMAIN_THREADS)
_THREAD_NAMES = tuple(sorted({name for setting in _COUNTS for name in setting.variables}))

RULES = (
    Rule(
        id="math-threads-changed",
        title="A library computes with a different number of threads",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=always,
        watches=tuple(variable(name) for name in _THREAD_NAMES),
        why="A sum that is split among threads is added in a different order, so it rounds "
        "differently.",
        not_when="The effective count stays the same: OpenBLAS and MKL take no more threads than "
        "there are usable CPUs, and a stronger variable overrides a weaker one. Stock "
        "TensorFlow does not read OMP_NUM_THREADS; NumPy and PyTorch read neither "
        "LOKY_MAX_CPU_COUNT nor the variables of numexpr and Numba. XLA reads NPROC, and "
        "TensorFlow does not. Counts that the program sets itself are not seen here.",
        remedy="Give the variables that set thread counts the same values on both sides.",
        evidence=(
            Evidence("scikit-learn reads LOKY_MAX_CPU_COUNT", measured="sklearn.loky"),
            Evidence("NumPy with one thread and with two", measured="np.omp1"),
            Evidence("MKL_NUM_THREADS and PyTorch", measured="pt.mklthr1"),
            Evidence(
                "MKL_DOMAIN_NUM_THREADS, and its syntax",
                "https://www.intel.com/content/www/us/en/docs/onemkl/developer-guide-linux/2025-1/"
                "mkl-domain-num-threads.html",
            ),
            Evidence(
                "NPROC and PJRT_NPROC are read by XLA",
                "https://github.com/openxla/xla/blob/main/xla/pjrt/utils.cc",
            ),
            _OPENBLAS,
        ),
        drift=changed_by_variables(*_COUNTS),
        probed=True,
    ),
    Rule(
        id="openblas-core-changed",
        title="OpenBLAS uses a different kernel",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=uses("numpy", "scikit-learn"),
        watches=(variable("OPENBLAS_CORETYPE"),),
        why="The kernels for different processors sum in different orders.",
        not_when="The value selects the kernels that the processor gets anyway: the wheels' "
        "OpenBLAS has one set for AVX-512, one for AVX2 and one for AVX, and it ignores "
        "an unknown value. Other builds may have more sets.",
        remedy="Give OPENBLAS_CORETYPE the same value on both sides.",
        evidence=(
            Evidence("Prescott with NumPy", measured="numpy.core-prescott"),
            Evidence("Haswell on a processor with AVX-512", measured="np.ct_Haswell"),
            Evidence("Sandybridge on a processor with AVX-512", measured="np.ct_Sandybridge"),
            _OPENBLAS_CORE,
        ),
        drift=changed_by_variables(instruction_sets.OPENBLAS),
        probed=True,
    ),
    Rule(
        id="math-blas-changed",
        title="NumPy computes with a different BLAS",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("numpy", "scikit-learn"),
        watches=("facts.math.blas",),
        why="A different BLAS, or a different version of one, sums in a different order. "
        "Decompositions may even choose other signs, and random draws that use them then "
        "differ completely.",
        not_when="The job calls no linear algebra.",
        remedy="Install the same builds of NumPy and SciPy from the same place.",
        evidence=(
            Evidence(
                "A different LAPACK may change multivariate_normal completely",
                "https://numpy.org/neps/nep-0019-rng-policy.html",
            ),
        ),
        drift=_blas,
        yields_to=("numpy-version-changed", "scipy-version-changed"),
        probed=True,
    ),
    Rule(
        id="math-openmp-changed",
        title="Different OpenMP runtimes are available",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=uses("scikit-learn", "torch"),
        watches=("facts.math.openmp",),
        why="A different runtime may split work among threads differently. Most coexist in one "
        "process; LLVM's libomp together with Intel's libiomp may crash or hang.",
        not_when="The job does not load the runtime, or only its file name differs.",
        remedy="Install the same builds of the packages that contain the runtimes.",
        evidence=(
            Evidence(
                "Two OpenMP runtimes in one process",
                "https://github.com/joblib/threadpoolctl/blob/master/multiple_openmp.md",
            ),
        ),
        drift=_openmp,
        # Advice: the runtimes lie at hand, and which one a job loads is not known. What they act
        # through, thread counts and kernels, is compared by rules of its own.
        advice=True,
        yields_to=(
            "numpy-version-changed",
            "scikit-learn-version-changed",
            "scipy-version-changed",
            "torch-version-changed",
        ),
    ),
    Rule(
        id="math-conda-blas-changed",
        title="The version of conda's BLAS differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("numpy", "scikit-learn", "torch"),
        watches=tuple(f"{CONDA}[{name}]" for name in _CONDA_BLAS),
        why="conda's NumPy, SciPy and PyTorch load one BLAS of the environment, which is upgraded "
        "on its own: the same NumPy then multiplies and decomposes with different kernels.",
        not_when="NumPy and PyTorch came from pip, whose wheels bring their own BLAS.",
        remedy="Install the same version of the BLAS.",
        evidence=(
            Evidence(
                "The same NumPy with MKL 2019.3 and 2019.4",
                "https://github.com/numpy/numpy/issues/13828",
            ),
        ),
        drift=_conda_blas,
        probed=True,
    ),
    Rule(
        id="math-libc-changed",
        title="The C library differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=always,
        watches=("facts.math.libm", "facts.os.libc", "facts.os.distribution"),
        why="Most of the C library's exp, log, sin and pow are not correctly rounded, so their "
        "last bit may differ between versions.",
        not_when="The functions in use did not change between the two versions. Large array "
        "libraries use their own for arrays; Python's math module and scalar code use "
        "the C library's.",
        remedy="Use the same base image or distribution release on both sides.",
        evidence=(
            Evidence(
                "Known errors of the C library's functions",
                ""
                "https://sourceware.org/glibc/manual/latest/html_node/Errors-in-Math-Functions.html",
            ),
        ),
        drift=_libc,
        probed=True,
    ),
    Rule(
        id="glibc-hwcaps-changed",
        title="The C library's mathematics is limited differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=uses("numpy", "scikit-learn") & machine("x86_64"),
        watches=(variable("GLIBC_TUNABLES"),),
        why="Without FMA or AVX2, the C library's exp, sin, pow and log differ by one unit in the "
        "last place, with glibc 2.36 for less than one value in a thousand. Draws of NumPy's "
        "RandomState that use them differ as rarely.",
        not_when="The tunable masks neither FMA nor AVX2, or the processor lacks one of them. "
        "PyTorch gave the same bits; TensorFlow and JAX take a few float64 functions "
        "from the C library, which glibc-double-functions-changed covers.",
        remedy="Give GLIBC_TUNABLES the same value on both sides.",
        evidence=(_TUNABLES, Evidence("PyTorch is not affected", measured="pt.glibc")),
        drift=changed_by_variables(instruction_sets.LIBM),
        probed=True,
    ),
    *BORROWED_RULES,
)
