"""Rules about BLAS, the C library, their switches, and thread counts."""

from __future__ import annotations

import pytest

from envprint.core.fingerprint import NO_THREADPOOLCTL, Fingerprint
from envprint.core.impact import Impact
from envprint.judging.policy.model import Policy
from envprint.rules.kit import threads as _threads
from tests.builders.cpus import AVX, AVX2, AVX512, cpu, limited
from tests.builders.judged import judge_drift
from tests.builders.support import drift, fingerprint, workload

THREADS = "math-threads-changed"
BLAS = "facts.math.blas"


def machine(cpus: int = 2, blas: str = "scipy-openblas", **variables: str) -> Fingerprint:
    return fingerprint(
        {
            "facts.cpu.usable_threads": cpus,
            "facts.cpu.architecture": "x86_64",
            "facts.frameworks.numpy.blas.name": blas,
            "facts.environ.variables": variables,
        }
    )


@pytest.mark.parametrize(
    ("framework", "blas", "variables", "said"),
    [
        ("numpy", "scipy-openblas", {"OMP_NUM_THREADS": "1"}, 1),
        ("numpy", "scipy-openblas", {"GOTO_NUM_THREADS": "1"}, 1),
        ("numpy", "scipy-openblas", {"OPENBLAS_DEFAULT_NUM_THREADS": "1"}, 1),
        ("numpy", "scipy-openblas", {"OMP_NUM_THREADS": "1,4"}, 1),
        ("numpy", "scipy-openblas", {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "1"}, 0),
        ("numpy", "scipy-openblas", {"OPENBLAS_NUM_THREADS": "4"}, 0),
        ("numpy", "scipy-openblas", {"OPENBLAS_NUM_THREADS": "2"}, 0),
        ("numpy", "scipy-openblas", {"OMP_NUM_THREADS": "many"}, 0),
        ("numpy", "scipy-openblas", {"OMP_NUM_THREADS": "0"}, 0),
        ("numpy", "scipy-openblas", {"MKL_NUM_THREADS": "1"}, 0),
        ("numpy", "mkl-sdl", {"MKL_NUM_THREADS": "1"}, 1),
        ("numpy", "mkl-sdl", {"OPENBLAS_NUM_THREADS": "1"}, 0),
        ("numpy", "blis", {"BLIS_NUM_THREADS": "1"}, 1),
        ("numpy", "accelerate", {"OMP_NUM_THREADS": "1"}, 0),
        ("numpy", "blas", {"OMP_NUM_THREADS": "1"}, 0),
        ("torch", "scipy-openblas", {"OMP_NUM_THREADS": "1"}, 1),
        ("torch", "scipy-openblas", {"MKL_NUM_THREADS": "1"}, 1),
        ("torch", "scipy-openblas", {"MKL_NUM_THREADS": "2", "OMP_NUM_THREADS": "1"}, 0),
        ("torch", "scipy-openblas", {"OMP_NUM_THREADS": "4"}, 0),
        ("torch", "scipy-openblas", {"OPENBLAS_NUM_THREADS": "1"}, 0),
        ("tensorflow", "scipy-openblas", {"OMP_NUM_THREADS": "1"}, 0),
        ("tensorflow", "scipy-openblas", {"TF_NUM_INTRAOP_THREADS": "1"}, 1),
        ("tensorflow", "scipy-openblas", {"TF_NUM_INTRAOP_THREADS": "4"}, 1),
        ("tensorflow", "scipy-openblas", {"TF_NUM_INTRAOP_THREADS": "2"}, 0),
        ("tensorflow", "scipy-openblas", {"TF_NUM_INTRAOP_THREADS": "0"}, 0),
        ("tensorflow", "scipy-openblas", {"TF_NUM_INTEROP_THREADS": "1"}, 0),
        ("jax", "scipy-openblas", {"OMP_NUM_THREADS": "1"}, 0),
        ("scikit-learn", "blas", {"OMP_NUM_THREADS": "1"}, 1),
        ("scikit-learn", "blas", {"OMP_NUM_THREADS": "4"}, 1),
        ("scikit-learn", "blas", {"LOKY_MAX_CPU_COUNT": "1"}, 1),
        ("scikit-learn", "blas", {"LOKY_MAX_CPU_COUNT": "4"}, 0),
        ("scikit-learn", "blas", {"LOKY_MAX_CPU_COUNT": "1", "OMP_NUM_THREADS": "2"}, 0),
        ("numpy", "scipy-openblas", {"LOKY_MAX_CPU_COUNT": "1"}, 0),
        ("numpy", "scipy-openblas", {"NUMEXPR_NUM_THREADS": "1"}, 0),
    ],
)
def test_a_thread_variable_counts_when_the_count_in_force_changes(
    framework: str, blas: str, variables: dict[str, str], said: int
) -> None:
    findings, undecided = drift(
        THREADS, machine(blas=blas), machine(blas=blas, **variables), [framework]
    )
    assert (len(findings), undecided) == (said, [])
    assert all(f.impact is Impact.NUMERIC for f in findings)


def test_the_finding_names_variable_library_and_both_counts() -> None:
    findings, _ = drift(THREADS, machine(), machine(OMP_NUM_THREADS="1"), ["numpy"])
    assert [(f.message, f.paths, f.before, f.after, f.remedy) for f in findings] == [
        (
            "OMP_NUM_THREADS was unset, is 1: the thread count of NumPy's BLAS was 2, is 1",
            ("facts.environ.variables[OMP_NUM_THREADS]",),
            None,
            "1",
            "unset OMP_NUM_THREADS",
        )
    ]


def test_several_variables_are_one_finding_with_both_values() -> None:
    before = machine(MKL_NUM_THREADS="2", OMP_NUM_THREADS="2")
    findings, _ = drift(THREADS, before, machine(), ["torch"])
    assert findings == []
    findings, _ = drift(THREADS, before, machine(OMP_NUM_THREADS="1"), ["torch"])
    assert [(f.before, f.after, f.remedy) for f in findings] == [
        (
            {"MKL_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"},
            {"MKL_NUM_THREADS": None, "OMP_NUM_THREADS": "1"},
            "export MKL_NUM_THREADS=2; export OMP_NUM_THREADS=2",
        )
    ]


def test_a_variable_beside_fewer_cpus_is_left_to_the_rule_about_cpus() -> None:
    assert drift(THREADS, machine(4), machine(1, OMP_NUM_THREADS="1"), ["numpy"]) == ([], [])


def test_mkls_variable_is_nothing_to_pytorch_on_arm() -> None:
    arm = {"facts.cpu.usable_threads": 4, "facts.cpu.architecture": "aarch64"}
    after = fingerprint({**arm, "facts.environ.variables": {"MKL_NUM_THREADS": "1"}})
    assert drift(THREADS, fingerprint(arm), after, ["torch"]) == ([], [])


def test_an_unknown_blas_hides_no_other_library_whose_threads_changed() -> None:
    lost = {"facts.frameworks.numpy.blas": "denied"}
    before, after = (
        fingerprint(
            {"facts.cpu.usable_threads": 8, "facts.environ.variables": variables}, unknown=lost
        )
        for variables in ({}, {"OMP_NUM_THREADS": "1"})
    )
    findings, undecided = drift(THREADS, before, after, ["numpy", "torch"])
    assert [f.message.partition(": ")[2] for f in findings] == [
        "PyTorch's thread count was 8, is 1"
    ]
    assert [entry.path for entry in undecided] == ["facts.frameworks.numpy.blas"]


def test_an_unknown_number_of_cpus_is_a_doubt_only_when_a_variable_changed() -> None:
    lost = {"facts.cpu.usable_threads": "denied"}
    before, same = fingerprint(unknown=lost), fingerprint(unknown=lost)
    assert drift(THREADS, before, same, ["torch"]) == ([], [])
    after = fingerprint({"facts.environ.variables": {"OMP_NUM_THREADS": "1"}}, lost)
    assert [d.reason for d in drift(THREADS, before, after, ["torch"])[1]] == ["denied"]


def test_without_a_count_of_cpus_the_wish_is_what_counts() -> None:
    nothing = fingerprint({"facts.environ.variables": {}})
    assert _threads.TORCH.forecast(nothing, {}) == "one per CPU"
    assert _threads.TORCH.forecast(nothing, {"OMP_NUM_THREADS": "3"}) == "3"
    assert _threads.TORCH_BLAS.fix(nothing, "1") is None


@pytest.mark.parametrize(
    ("value", "flags", "said"),
    [
        ("Haswell", AVX512, ["numeric"]),
        ("zen", AVX512, ["numeric"]),
        ("Sandybridge", AVX512, ["numeric"]),
        ("Nehalem", AVX, ["numeric"]),
        ("Prescott", AVX512, ["numeric"]),
        ("Prescott", [], ["numeric"]),
        ("Core2", AVX512, ["numeric"]),
        ("Barcelona", AVX512, ["numeric"]),
        ("Bobcat", [], []),
        ("SkylakeX", AVX512, []),
        ("Cooperlake", AVX512, []),
        ("Zen", AVX2, []),
        ("SkylakeX", AVX2, []),
        ("junk", AVX512, []),
    ],
)
def test_openblas_is_told_another_kernel(value: str, flags: list[str], said: list[str]) -> None:
    rule = "openblas-core-changed"
    assert limited(rule, "OPENBLAS_CORETYPE", value, flags, "numpy") == said
    assert limited(rule, "OPENBLAS_CORETYPE", value, flags, "scikit-learn") == said
    assert limited(rule, "OPENBLAS_CORETYPE", value, flags, "torch", "tensorflow") == []


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("Prescott", "Core2", 0),
        ("Nehalem", "Barcelona", 0),
        ("Bulldozer", "Sandybridge", 0),
        ("Zen", "Haswell", 0),
        ("Nehalem", "Prescott", 1),
        ("Sandybridge", "Nehalem", 1),
    ],
)
def test_names_of_one_class_of_kernels_are_one(one: str, other: str, said: int) -> None:
    before, after = (cpu(AVX512, OPENBLAS_CORETYPE=name) for name in (one, other))
    assert len(drift("openblas-core-changed", before, after, ["numpy"])[0]) == said


def test_openblas_variable_is_nothing_to_mkl() -> None:
    values = {"facts.cpu.flags": AVX512, "facts.frameworks.numpy.blas.name": "mkl"}
    after = fingerprint({**values, "facts.environ.variables": {"OPENBLAS_CORETYPE": "Haswell"}})
    assert drift("openblas-core-changed", fingerprint(values), after, ["numpy"]) == ([], [])


def test_on_arm_the_kernels_name_is_taken_as_it_is() -> None:
    arm = {"facts.cpu.flags": ["asimd"], "facts.cpu.architecture": "aarch64"}
    after = fingerprint({**arm, "facts.environ.variables": {"OPENBLAS_CORETYPE": "ARMV8"}})
    assert len(drift("openblas-core-changed", fingerprint(arm), after, ["numpy"])[0]) == 1


def test_an_unknown_blas_is_a_doubt() -> None:
    lost = {"facts.frameworks.numpy": "odd file"}
    after = fingerprint({"facts.environ.variables": {"OPENBLAS_CORETYPE": "Zen"}}, lost)
    assert len(drift("openblas-core-changed", fingerprint(unknown=lost), after, ["numpy"])[1]) == 1


def blas(*entries: tuple[str, str, str | None]) -> Fingerprint:
    return fingerprint(
        {
            BLAS: [
                {"owner": owner, "name": name, "version": version, "library": f"{name}.so"}
                for owner, name, version in entries
            ]
        }
    )


def test_another_blas_is_numeric_for_numpy() -> None:
    before, after = blas(("numpy", "openblas", "0.3.27")), blas(("numpy", "mkl", "2024.1"))
    findings, undecided = drift("math-blas-changed", before, after, ["numpy"])
    assert [(f.impact, f.message, f.paths) for f in findings] == [
        (Impact.NUMERIC, "numpy's BLAS was openblas 0.3.27, is mkl 2024.1", (BLAS,))
    ]
    assert undecided == []
    assert drift("math-blas-changed", before, after, ["tensorflow"]) == ([], [])


def test_a_blas_that_comes_with_another_package_is_quiet() -> None:
    before = blas(("numpy", "openblas", None))
    after = blas(("numpy", "openblas", None), ("torch", "mkl", None), ("scipy", "openblas", None))
    assert drift("math-blas-changed", before, after, ["numpy"]) == ([], [])
    assert drift("math-blas-changed", fingerprint(), before, ["numpy"]) == ([], [])


def test_a_new_numpy_speaks_for_its_blas() -> None:
    sides = [
        fingerprint(
            {
                "facts.frameworks.numpy.version": version,
                BLAS: [{"owner": "numpy", "name": "openblas", "version": version}],
            }
        )
        for version in ("2.3.5", "2.4.6")
    ]
    assert drift("math-blas-changed", *sides, ["numpy"]) == ([], [])
    findings, _ = drift("numpy-version-changed", *sides, ["numpy"])
    assert findings[0].paths == ("facts.frameworks.numpy.version", BLAS)


def test_an_unknown_blas_list_is_a_doubt() -> None:
    unknown = fingerprint(unknown={BLAS: "denied"})
    assert len(drift("math-blas-changed", blas(), unknown, ["numpy"])[1]) == 1


def openmp(*entries: tuple[str, str]) -> Fingerprint:
    listed = [{"owner": o, "name": n, "library": f"{o}.libs/{n}-1.so"} for o, n in entries]
    return fingerprint({"facts.math.openmp": listed})


def test_another_openmp_runtime_is_advice() -> None:
    before, after = openmp(("torch", "libgomp")), openmp(("torch", "libiomp5"))
    advice, undecided = drift("math-openmp-changed", before, after, ["torch"])
    assert [(f.impact, f.message) for f in advice] == [
        (Impact.NUMERIC, "on one side only: libgomp of torch, libiomp5 of torch")
    ]
    assert undecided == []
    assert drift("math-openmp-changed", before, before, ["torch"]) == ([], [])
    assert drift("math-openmp-changed", before, after, ["tensorflow"]) == ([], [])
    unknown = fingerprint(unknown={"facts.math.openmp": "?"})
    assert len(drift("math-openmp-changed", before, unknown, ["torch"])[1]) == 1


def test_another_c_library_is_numeric_and_explains_the_distribution() -> None:
    sides = [
        fingerprint({"facts.math.libm": libc, "facts.os.libc": libc, "facts.os.distribution": name})
        for libc, name in (("glibc 2.31", "debian 11"), ("glibc 2.36", "debian 12"))
    ]
    findings, undecided = drift("math-libc-changed", *sides)
    assert [(f.impact, f.message, f.paths) for f in findings] == [
        (
            Impact.NUMERIC,
            "the C library was glibc 2.31, is glibc 2.36",
            ("facts.math.libm", "facts.os.distribution", "facts.os.libc"),
        )
    ]
    assert undecided == []


def test_another_distribution_with_the_same_c_library_is_quiet() -> None:
    sides = [
        fingerprint({"facts.math.libm": "glibc 2.39", "facts.os.distribution": name})
        for name in ("ubuntu 24.04", "fedora 40")
    ]
    assert drift("math-libc-changed", *sides) == ([], [])
    unknown = fingerprint(unknown={"facts.math.libm": "?"})
    assert len(drift("math-libc-changed", sides[0], unknown)[1]) == 1


@pytest.mark.parametrize(
    ("value", "flags", "said"),
    [
        ("glibc.cpu.hwcaps=-AVX2,-FMA", AVX2, ["numeric"]),
        ("glibc.malloc.check=3:glibc.cpu.hwcaps=-FMA", AVX512, ["numeric"]),
        ("glibc.cpu.hwcaps=-AVX2_Usable,-FMA_Usable", AVX2, []),
        ("glibc.cpu.hwcaps=-AVX512F", AVX512, []),
        ("glibc.malloc.arena_max=1", AVX2, []),
        ("glibc.cpu.hwcaps=-FMA", AVX, []),
        ("=:=", AVX2, []),
    ],
)
def test_glibcs_tunables_count_when_they_mask_fma(
    value: str, flags: list[str], said: list[str]
) -> None:
    assert limited("glibc-hwcaps-changed", "GLIBC_TUNABLES", value, flags, "numpy") == said
    assert limited("glibc-hwcaps-changed", "GLIBC_TUNABLES", value, flags, "torch") == []


@pytest.mark.parametrize(("libc", "said"), [("glibc 2.31", 1), ("glibc 2.33", 0), ("musl 1.2", 0)])
def test_until_glibc_2_32_the_names_of_features_were_others(libc: str, said: int) -> None:
    values = {"facts.cpu.flags": AVX2, "facts.os.libc": libc}
    tunables = {"GLIBC_TUNABLES": "glibc.tune.hwcaps=-FMA_Usable"}
    after = fingerprint({**values, "facts.environ.variables": tunables})
    findings, undecided = drift("glibc-hwcaps-changed", fingerprint(values), after, ["numpy"])
    assert (len(findings), undecided) == (said, [])


@pytest.mark.parametrize(
    ("vendor", "value", "said"),
    [
        ("GenuineIntel", "COMPATIBLE", 1),
        ("GenuineIntel", "AVX2", 1),
        ("AuthenticAMD", "COMPATIBLE", 1),
        ("AuthenticAMD", "AVX2", 1),
        ("AuthenticAMD", "OFF", 1),
        ("AuthenticAMD", "", 0),
        ("GenuineIntel", "OFF", 0),
    ],
)
def test_mkls_branch_by_maker(vendor: str, value: str, said: int) -> None:
    values = {"facts.cpu.vendor": vendor, "facts.cpu.flags": AVX2}
    after = fingerprint({**values, "facts.environ.variables": {"MKL_CBWR": value}})
    findings, undecided = drift("mkl-branch-changed", fingerprint(values), after, ["torch"])
    assert (len(findings), undecided) == (said, [])


def test_of_mkls_branches_an_amd_processor_tells_two_apart() -> None:
    def side(value: str) -> Fingerprint:
        variables = {"facts.environ.variables": {"MKL_CBWR": value}}
        return fingerprint({"facts.cpu.vendor": "AuthenticAMD", **variables})

    assert drift("mkl-branch-changed", side("AVX2"), side("AUTO"), ["torch"]) == ([], [])
    findings, _ = drift("mkl-branch-changed", side("AVX2"), side("COMPATIBLE"), ["torch"])
    assert [f.impact for f in findings] == [Impact.NUMERIC]


def test_mkls_limit_counts_on_intel_only() -> None:
    rule, name = "mkl-instructions-limited", "MKL_ENABLE_INSTRUCTIONS"
    assert limited(rule, name, "SSE4_2", AVX2, "torch") == ["numeric"]
    amd = {"facts.cpu.vendor": "AuthenticAMD", "facts.cpu.flags": AVX2}
    after = fingerprint({**amd, "facts.environ.variables": {name: "SSE4_2"}})
    assert drift(rule, fingerprint(amd), after, ["torch"]) == ([], [])
    unknown = fingerprint(
        {"facts.environ.variables": {name: "AVX"}}, {"facts.cpu.vendor": "no /proc"}
    )
    assert len(drift(rule, cpu(AVX2), unknown, ["torch"])[1]) == 1


POOLS = "facts.math.thread_pools"
PYTHON_USERS = ["numpy", "scikit-learn"]


def pool(
    threads: int = 2, kernel: str | None = "SkylakeX", api: str = "blas", file: str = "a"
) -> dict[str, object]:
    folder = "numpy.libs" if api == "blas" else "scikit_learn.libs"
    return {
        "api": api,
        "name": "openblas" if api == "blas" else "openmp",
        "library": f"{folder}/lib-{file}.so",
        "version": "0.3.31",
        "architecture": kernel,
        "threading_layer": "pthreads" if api == "blas" else None,
        "threads": threads,
    }


def inside(*pools: dict[str, object]) -> Fingerprint:
    return fingerprint({POOLS: list(pools)})


def test_another_kernel_or_count_of_a_loaded_library_is_numeric() -> None:
    rule = "math-thread-pools-changed"
    before, after = inside(pool()), inside(pool(1, "Haswell", file="b"))
    findings, undecided = drift(rule, before, after, ["numpy"])
    assert [(f.impact, f.message, f.paths) for f in findings] == [
        (
            Impact.NUMERIC,
            "openblas of numpy.libs: the kernel was SkylakeX, is Haswell, the number of threads "
            "was 2, is 1",
            (POOLS,),
        )
    ]
    assert undecided == []
    assert drift(rule, before, after, ["tensorflow"]) == ([], [])


def test_a_pool_that_one_side_has_not_loaded_is_quiet() -> None:
    rule = "math-thread-pools-changed"
    assert drift(rule, inside(), inside(pool()), ["numpy"]) == ([], [])
    assert drift(rule, inside(pool()), inside(pool(file="b")), ["numpy"]) == ([], [])
    told_nothing = inside(pool(kernel=None))
    assert drift(rule, told_nothing, inside(pool()), ["numpy"]) == ([], [])


def test_openmps_threads_reach_scikit_learn_only() -> None:
    rule = "math-thread-pools-changed"
    before, after = inside(pool(2, api="openmp")), inside(pool(4, api="openmp"))
    assert drift(rule, before, after, ["numpy"]) == ([], [])
    messages = [f.message for f in drift(rule, before, after, PYTHON_USERS)[0]]
    assert messages == ["openmp of scikit_learn.libs: the number of threads was 2, is 4"]


def test_pools_without_threadpoolctl_are_left_to_the_other_rules() -> None:
    rule, known = "math-thread-pools-changed", inside(pool())
    assert drift(rule, known, fingerprint(unknown={POOLS: NO_THREADPOOLCTL}), ["numpy"]) == ([], [])
    broken = fingerprint(unknown={POOLS: "threadpoolctl: OSError: gone"})
    assert len(drift(rule, known, broken, ["numpy"])[1]) == 1


def test_what_set_a_pool_speaks_for_it() -> None:
    before, after = (
        side._replace(facts={**side.facts, "math": {"thread_pools": [pool(threads)]}})
        for side, threads in ((machine(), 2), (machine(OPENBLAS_NUM_THREADS="1"), 1))
    )
    assert drift("math-thread-pools-changed", before, after, ["numpy"]) == ([], [])
    assert len(drift("math-threads-changed", before, after, ["numpy"])[0]) == 1


def process(late: bool = False, threads: int = 2, kernel: str = "SkylakeX") -> Fingerprint:
    """A process with NumPy and scikit-learn that threadpoolctl was asked of, on two CPUs.

    In a late one the program has asked for one thread and other kernels after the imports.
    """
    wanted = {"OPENBLAS_CORETYPE": "Haswell", "OMP_NUM_THREADS": "1"} if late else {}
    blas = "numpy.libs/libscipy_openblas64_-32a4b2a6.so"
    own = {"api": "blas", "library": blas, "architecture": kernel, "threads": threads}
    openmp = {"api": "openmp", "library": "scikit_learn.libs/libgomp-e985bcbb.so", "threads": 2}
    return fingerprint(
        {
            "facts.math.thread_pools": [own, openmp],
            "facts.frameworks.numpy.blas": {"name": "scipy-openblas", "library": blas},
            "facts.frameworks.imported": ["numpy", "scikit-learn"],
            "facts.cpu": {"usable_threads": 2, "architecture": "x86_64", "flags": AVX512},
            "facts.environ": {
                "variables": wanted,
                "changed_since_start": {
                    name: {"start": None, "now": value} for name, value in wanted.items()
                },
            },
        }
    )


def without_pools(side: Fingerprint) -> Fingerprint:
    facts = {name: section for name, section in side.facts.items() if name != "math"}
    return side._replace(facts=facts, unknown={"facts.math.thread_pools": NO_THREADPOOLCTL})


BOTH = ["numpy", "scikit-learn"]


def test_what_a_program_asks_for_too_late_is_not_in_force() -> None:
    for rule in (THREADS, "openblas-core-changed", "math-thread-pools-changed"):
        assert drift(rule, process(), process(late=True), BOTH) == ([], [])


def test_where_pools_could_not_be_asked_it_is_said_when_a_variable_counts() -> None:
    before, after = without_pools(process()), without_pools(process(late=True))
    messages = [f.message for f in drift(THREADS, before, after, ["numpy"])[0]]
    assert messages == [
        "OMP_NUM_THREADS was unset, is 1: the thread count of NumPy's BLAS was 2, is 1 (set by the "
        "program itself: it counts only if that was before the import of numpy and scikit-learn)"
    ]


def test_a_variable_that_pools_confirm_is_told_without_a_proviso() -> None:
    before, after = process(), process(late=True, threads=1, kernel="Haswell")
    assert [f.message for f in drift(THREADS, before, after, ["numpy"])[0]] == [
        "OMP_NUM_THREADS was unset, is 1: the thread count of NumPy's BLAS was 2, is 1"
    ]
    assert [f.message for f in drift("openblas-core-changed", before, after, ["numpy"])[0]] == [
        "OPENBLAS_CORETYPE was unset, is Haswell: the instruction set of NumPy's OpenBLAS was "
        "avx512, is avx2"
    ]


def test_tunables_count_as_they_were_when_the_process_started() -> None:
    changed = {"GLIBC_TUNABLES": {"start": None, "now": "glibc.cpu.hwcaps=-AVX2"}}
    cpu_facts = {"flags": AVX512, "architecture": "x86_64"}
    before, after = (
        fingerprint(
            {
                "facts.cpu": cpu_facts,
                "facts.environ.variables": {k: v["now"] for k, v in late.items()},
                "facts.environ.changed_since_start": late,
            }
        )
        for late in ({}, changed)
    )
    assert drift("glibc-hwcaps-changed", before, after, ["numpy"]) == ([], [])


@pytest.mark.parametrize(
    ("rule", "stronger", "variables", "framework"),
    [
        (
            "jax-lapack-kernel-changed",
            "openblas-core-changed",
            {"OPENBLAS_CORETYPE": "Haswell"},
            "jax",
        ),
        (
            "glibc-double-functions-changed",
            "glibc-hwcaps-changed",
            {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2"},
            "tensorflow",
        ),
        (
            "glibc-double-functions-changed",
            "glibc-hwcaps-changed",
            {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA"},
            "jax",
        ),
    ],
)
def test_what_a_framework_borrows_for_few_operations_is_advice(
    rule: str, stronger: str, variables: dict[str, str], framework: str
) -> None:
    before, after = cpu(AVX512), cpu(AVX512, **variables)
    advice, undecided = drift(rule, before, after, [framework])
    assert ([f.impact for f in advice], undecided) == ([Impact.NUMERIC], [])
    report = judge_drift(before, after, workload([framework]), Policy())
    assert (report.impact, [f.rule for f in report.advice]) == (Impact.NONE, [rule])
    assert drift(rule, before, before, [framework]) == ([], [])
    assert drift(rule, before, after, [framework], "gpu") == ([], [])
    assert drift(rule, before, after, ["torch"]) == ([], [])
    # With NumPy in the job all of it may differ, and that is said instead.
    assert drift(rule, before, after, [framework, "numpy"]) == ([], [])
    assert len(drift(stronger, before, after, [framework, "numpy"])[0]) == 1
    unknown = fingerprint(unknown={"facts.environ": "denied"})
    assert len(drift(rule, before, unknown, [framework])[1]) == 1


def conda_with(**packages: str) -> Fingerprint:
    """Packages of conda, each as `version build`."""
    found = {}
    for name, text in packages.items():
        version, _, build = text.partition(" ")
        found[name] = {"version": version, "build": build}
    return fingerprint({"facts.packages.conda": found})


def test_another_blas_of_conda_is_judged_under_the_same_numpy() -> None:
    before = conda_with(numpy="1.16.4 py37_0", mkl="2019.3 199", libopenblas="0.3.6 0")
    after = conda_with(numpy="1.16.4 py37_0", mkl="2019.4 243", libopenblas="0.3.7 0")
    findings, undecided = drift("math-conda-blas-changed", before, after, ["numpy"])
    assert [(f.impact, f.message, f.remedy) for f in findings] == [
        (
            Impact.NUMERIC,
            "conda's libopenblas was 0.3.6, is 0.3.7",
            "conda install --yes libopenblas=0.3.6",
        ),
        (Impact.NUMERIC, "conda's mkl was 2019.3, is 2019.4", "conda install --yes mkl=2019.3"),
    ]
    assert undecided == []


def test_the_build_of_condas_libblas_says_which_blas_it_leads_to() -> None:
    before = conda_with(numpy="1.26.4 0", libblas="3.9.0 20_linux64_openblas")
    after = conda_with(numpy="1.26.4 0", libblas="3.9.0 20_linux64_mkl")
    rebuilt = conda_with(numpy="1.26.4 0", libblas="3.9.0 21_linux64_openblas")
    (found,) = drift("math-conda-blas-changed", before, after, ["numpy"])[0]
    assert found.remedy == "conda install --yes libblas=3.9.0=20_linux64_openblas"
    assert drift("math-conda-blas-changed", before, rebuilt, ["numpy"]) == ([], [])


def test_a_blas_of_conda_that_nothing_of_conda_loads_is_quiet() -> None:
    before, after = conda_with(mkl="2019.3 199"), conda_with(mkl="2019.4 243")
    assert drift("math-conda-blas-changed", before, after, ["numpy"]) == ([], [])


def test_an_unknown_blas_of_conda_is_undecided() -> None:
    before = conda_with(numpy="1 0", mkl="2019.3 199")
    unknown = fingerprint(
        {"facts.packages.conda": {"numpy": {"version": "1"}, "mkl": {}}},
        {"facts.packages.conda[mkl].version": "odd"},
    )
    assert len(drift("math-conda-blas-changed", before, unknown, ["numpy"])[1]) == 1
