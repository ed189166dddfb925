"""Thread counts that one library alone counts on."""

from __future__ import annotations

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from tests.builders.support import drift, fingerprint, state

LIMIT = "openmp-thread-limit-too-low"
NUMBA = "numba-threads-changed"
THREADS = "math-threads-changed"


def machine(cpus: int = 2, blas: str = "scipy-openblas", **variables: str) -> Fingerprint:
    return fingerprint(
        {
            "facts.cpu.usable_threads": cpus,
            "facts.cpu.architecture": "x86_64",
            "facts.frameworks.numpy.blas.name": blas,
            "facts.packages.distributions": {"numba": {"version": "0.68.1"}},
            "facts.environ.variables": variables,
        }
    )


@pytest.mark.parametrize(
    ("framework", "cpus", "variables", "said"),
    [
        ("torch", 2, {"OMP_THREAD_LIMIT": "1"}, "PyTorch requests 2"),
        ("torch", 8, {"OMP_THREAD_LIMIT": "4"}, "PyTorch requests 8"),
        ("torch", 8, {"OMP_THREAD_LIMIT": "2", "OMP_NUM_THREADS": "4"}, "PyTorch requests 4"),
        ("torch", 8, {"OMP_THREAD_LIMIT": "2", "OMP_NUM_THREADS": "2"}, None),
        ("torch", 8, {"OMP_THREAD_LIMIT": "1", "MKL_NUM_THREADS": "1"}, None),
        ("torch", 2, {"OMP_THREAD_LIMIT": "3", "OMP_NUM_THREADS": "4"}, None),
        ("torch", 2, {"OMP_THREAD_LIMIT": "2"}, None),
        ("torch", 2, {"OMP_THREAD_LIMIT": "0"}, None),
        ("torch", 2, {"OMP_THREAD_LIMIT": "-1"}, None),
        ("torch", 2, {"OMP_THREAD_LIMIT": "1,2"}, None),
        ("torch", 2, {"OMP_THREAD_LIMIT": ""}, None),
        ("torch", 2, {}, None),
        *(
            ("scikit-learn", 2, {"OMP_THREAD_LIMIT": limit, "OMP_NUM_THREADS": "4"}, said)
            for limit, said in (
                ("2", "scikit-learn requests 4"),
                ("3", "scikit-learn requests 4"),
                ("1", None),
                ("4", None),
            )
        ),
        ("scikit-learn", 2, {"OMP_THREAD_LIMIT": "1"}, None),
        ("numpy", 2, {"OMP_THREAD_LIMIT": "1"}, None),
    ],
)
def test_a_limit_below_the_team_that_a_library_requests_stops_it(
    framework: str, cpus: int, variables: dict[str, str], said: str | None
) -> None:
    now = machine(cpus, **variables)
    text = f"OMP_THREAD_LIMIT is {variables.get('OMP_THREAD_LIMIT')}, and {said} threads"
    expected = [(Impact.BREAKS, text)] if said else []
    for findings, undecided in (
        state(LIMIT, now, [framework]),
        drift(LIMIT, machine(cpus), now, [framework]),
    ):
        assert [(f.impact, f.message) for f in findings] == expected
        assert undecided == []
    assert state(LIMIT, now, [framework], "gpu") == ([], [])


def test_an_unknown_number_of_cpus_leaves_the_limit_undecided() -> None:
    now = fingerprint(
        {"facts.environ.variables": {"OMP_THREAD_LIMIT": "1"}},
        {"facts.cpu.usable_threads": "denied"},
    )
    assert len(state(LIMIT, now, ["torch"])[1]) == 1


@pytest.mark.parametrize(
    ("framework", "blas", "variables", "said"),
    [
        ("jax", "", {"NPROC": "1"}, 1),
        ("jax", "", {"NPROC": "-4"}, 1),
        ("jax", "", {"PJRT_NPROC": "1"}, 1),
        ("jax", "", {"PJRT_NPROC": "2", "NPROC": "1"}, 0),
        ("jax", "", {"NPROC": "2"}, 0),
        ("jax", "", {"NPROC": "8"}, 0),
        ("jax", "", {"NPROC": "many"}, 0),
        ("tensorflow", "", {"NPROC": "1"}, 0),
        ("torch", "", {"NPROC": "1"}, 0),
        ("torch", "", {"MKL_DOMAIN_NUM_THREADS": "MKL_DOMAIN_ALL=1"}, 1),
        ("torch", "", {"MKL_DOMAIN_NUM_THREADS": "MKL_DOMAIN_BLAS 1"}, 1),
        ("torch", "", {"MKL_DOMAIN_NUM_THREADS": "MKL_DOMAIN_ALL=1, MKL_DOMAIN_BLAS=2"}, 0),
        ("torch", "", {"MKL_DOMAIN_NUM_THREADS": "MKL_DOMAIN_FFT=1"}, 0),
        ("torch", "", {"MKL_DOMAIN_NUM_THREADS": "MKL_BLAS=1"}, 0),
        ("torch", "", {"MKL_DOMAIN_NUM_THREADS": "1"}, 0),
        ("numpy", "mkl-sdl", {"MKL_DOMAIN_NUM_THREADS": "MKL_DOMAIN_BLAS=1"}, 1),
        ("numpy", "scipy-openblas", {"MKL_DOMAIN_NUM_THREADS": "MKL_DOMAIN_BLAS=1"}, 0),
        ("scikit-learn", "blas", {"OMP_THREAD_LIMIT": "1"}, 1),
        ("scikit-learn", "blas", {"OMP_THREAD_LIMIT": "1", "OMP_NUM_THREADS": "2"}, 1),
        ("scikit-learn", "blas", {"OMP_THREAD_LIMIT": "4"}, 0),
    ],
)
def test_a_variable_that_sets_a_count_is_numeric_where_its_reader_computes(
    framework: str, blas: str, variables: dict[str, str], said: int
) -> None:
    sides = machine(blas=blas), machine(blas=blas, **variables)
    findings, undecided = drift(THREADS, *sides, [framework])
    assert ([f.impact for f in findings], undecided) == ([Impact.NUMERIC] * said, [])


@pytest.mark.parametrize(
    ("framework", "blas", "value", "said"),
    [
        ("torch", "", "1", 1),
        ("torch", "", "8", 1),
        ("torch", "", "0", 0),
        ("torch", "", "junk", 0),
        ("numpy", "mkl-sdl", "1", 1),
        ("numpy", "scipy-openblas", "1", 0),
        ("jax", "", "1", 0),
    ],
)
def test_stripes_of_mkl_are_numeric_where_mkl_multiplies(
    framework: str, blas: str, value: str, said: int
) -> None:
    sides = machine(blas=blas), machine(blas=blas, MKL_NUM_STRIPES=value)
    findings, undecided = drift("mkl-stripes-changed", *sides, [framework])
    assert ([f.impact for f in findings], undecided) == ([Impact.NUMERIC] * said, [])


def test_no_more_stripes_are_made_than_there_are_threads() -> None:
    sides = machine(MKL_NUM_STRIPES="2"), machine(MKL_NUM_STRIPES="8")
    assert drift("mkl-stripes-changed", *sides, ["torch"]) == ([], [])
    unknown = fingerprint(unknown={"facts.environ": "denied"})
    assert len(drift("mkl-stripes-changed", sides[0], unknown, ["torch"])[1]) == 1


@pytest.mark.parametrize(
    ("frameworks", "value", "said"),
    [
        (["numpy"], "1", 1),
        (["numpy", "scikit-learn"], "4", 1),
        (["numpy"], "2", 0),
        (["numpy"], "junk", 0),
        (["numpy", "torch"], "1", 0),
    ],
)
def test_numbas_count_is_numeric_for_a_job_that_may_use_numba(
    frameworks: list[str], value: str, said: int
) -> None:
    findings, undecided = drift(NUMBA, machine(), machine(NUMBA_NUM_THREADS=value), frameworks)
    assert ([f.impact for f in findings], undecided) == ([Impact.NUMERIC] * said, [])
    gone = machine(NUMBA_NUM_THREADS=value)
    gone.facts["packages"]["distributions"] = {}
    assert drift(NUMBA, machine(), gone, frameworks) == ([], [])


def test_unknown_packages_leave_numba_undecided() -> None:
    unknown = fingerprint(
        {"facts.environ.variables": {"NUMBA_NUM_THREADS": "1"}}, {"facts.packages": "denied"}
    )
    assert len(drift(NUMBA, machine(), unknown, ["numpy"])[1]) == 1
