"""The rule about OpenMP's limit of threads, which a library may not know."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.shell import Command
from envprint.core.workload import Workload, on_cpu, uses
from envprint.rules.kit import threads
from envprint.rules.kit.settings import Variables, variable, variables_of


def _limited(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """A library that requests more threads than OpenMP may start."""
    path = variable(threads.LIMIT)
    variables = variables_of(now)
    limit = threads.limit(variables)
    if limit is None:
        return
    if "torch" in workload.frameworks:
        count = threads.TORCH.reported(now) or threads.TORCH.forecast(now, variables)
        if count.isdecimal() and limit < int(count):
            yield _too_low(path, variables, f"PyTorch requests {count}")
    wanted = threads.requested(variables, ("OMP_NUM_THREADS",))
    # With a limit of one there is no team at all, which scikit-learn can do with.
    if "scikit-learn" in workload.frameworks and wanted and 1 < limit < wanted:
        yield _too_low(path, variables, f"scikit-learn requests {wanted}")


def _too_low(path: str, variables: Variables, requested: str) -> Match:
    value = variables[threads.LIMIT]
    return Match(f"OMP_THREAD_LIMIT is {value}, and {requested} threads", (path,), after=value)


RULES = (
    Rule(
        id="openmp-thread-limit-too-low",
        title="OpenMP may not start as many threads as a library requests",
        impact=Impact.BREAKS,
        confidence=Confidence.MEASURED,
        applies=uses("scikit-learn", "torch") & on_cpu,
        watches=(variable(threads.LIMIT), variable("OMP_NUM_THREADS")),
        why="Libraries rely on every thread they requested. With a limit below that number, "
        "the gradient of a convolution in PyTorch waited forever, and scikit-learn's "
        "neighbour search returned leftover memory.",
        not_when="The job calls no operation of that kind, or requests no more threads than the "
        "limit allows.",
        remedy=Command("unset OMP_THREAD_LIMIT"),
        note="Or give OMP_NUM_THREADS and MKL_NUM_THREADS no more than the limit.",
        evidence=(
            Evidence(
                "OMP_THREAD_LIMIT bounds all threads of a program",
                "https://github.com/gcc-mirror/gcc/blob/master/libgomp/libgomp.texi",
            ),
            Evidence("The same with OMP_DYNAMIC", measured="torch.omp-dynamic"),
            Evidence("Nearest neighbours with OMP_DYNAMIC", measured="sklearn.omp-dynamic"),
        ),
        state=_limited,
    ),
)
