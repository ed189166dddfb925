"""The rule about thread pools, as the training process itself reports them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import NO_THREADPOOLCTL
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.typed import Any
from envprint.core.workload import Workload, uses

POOLS = "facts.math.thread_pools"

_USERS = {"blas": ("numpy", "scikit-learn"), "openmp": ("scikit-learn",)}
"""PyTorch and TensorFlow compute with thread counts of their own, which are switches."""
_SETTINGS = {
    "architecture": "kernel",
    "threading_layer": "threading layer",
    "threads": "number of threads",
}

Pools = Mapping[tuple[str, ...], Mapping[str, Any]]


def _pools(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    sides = (comparison.before, comparison.after)
    if any(side.unknown.get(POOLS) == NO_THREADPOOLCTL for side in sides):
        return
    change = comparison.change(POOLS)
    if change:
        before, after = (
            _by_place(pools or [], workload) for pools in (change.before, change.after)
        )
        both = sorted(before.keys() & after.keys())
        texts = [text for key in both for text in _moved(key, before[key], after[key])]
        if texts:
            yield Match("; ".join(texts), (POOLS,), change.before, change.after)


def _by_place(pools: list[Mapping[str, Any]], workload: Workload) -> Pools:
    """The pools that the job computes with, by API, library and the library's directory.

    The file name itself contains a digest that differs in each build.
    """
    return {
        (api, pool.get("name") or "", (pool.get("library") or "").partition("/")[0]): pool
        for pool in pools
        if not set(_USERS.get(api := pool.get("api") or "", ())).isdisjoint(workload.frameworks)
    }


def _moved(
    key: tuple[str, ...], before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[str]:
    moved = [
        f"the {word} was {before[name]}, is {after[name]}"
        for name, word in _SETTINGS.items()
        if before.get(name) is not None
        and after.get(name) is not None
        and before[name] != after[name]
    ]
    if moved:
        yield f"{' of '.join(filter(None, (key[1], key[2])))}: {', '.join(moved)}"


RULES = (
    Rule(
        id="math-thread-pools-changed",
        title="A library computes with a different kernel or number of threads",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=uses("numpy", "scikit-learn"),
        watches=(POOLS,),
        why="Kernels for different processors, and sums split among threads, add in a different "
        "order, so results round differently.",
        not_when="The job computes nothing with the library. Nothing is reported if one side was "
        "captured by a command, or if threadpoolctl is not installed: rules on variables "
        "and on the processor then judge what sets the pools, but not what the program "
        "sets itself.",
        remedy="Set counts in the same place on both sides, for example with threadpool_limits; "
        "OPENBLAS_CORETYPE fixes the kernel.",
        evidence=(
            Evidence("NumPy with one thread and with two", measured="np.omp1"),
            Evidence("scikit-learn with one thread and with two", measured="sklearn.loky"),
            Evidence("Haswell's kernels on a processor with AVX-512", measured="np.ct_Haswell"),
            Evidence("Prescott's kernels", measured="numpy.core-prescott"),
        ),
        drift=_pools,
        yields_to=(
            "cpu-isa-changed",
            "cpu-usable-threads-changed",
            "math-threads-changed",
            "openblas-core-changed",
        ),
    ),
)
