"""The effect of GPUs on a result: their number, kind and memory, and having none."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.shell import Command
from envprint.core.workload import HIDE_ALL, Workload, on_gpu
from envprint.rules.kit.allocation import SCHEDULER, how_to_ask
from envprint.rules.kit.computing import KFD
from envprint.rules.kit.devices import (
    DEVICES,
    STATUS,
    VISIBLE,
    VISIBLE_DEVICES,
    gpu_training,
    how_many,
    of_each_card,
)

_DRAW_BY_DEVICE = frozenset(("tensorflow", "torch"))
_RANDOMNESS = Evidence(
    "PyTorch promises no equal results between CPU and GPU, even with equal seeds",
    "https://docs.pytorch.org/docs/stable/notes/randomness.html",
)


def _count(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    before, after = how_many(comparison.before), how_many(comparison.after)
    if before != after and before and after:
        yield _counted(comparison, before, after, DEVICES, "facts.gpu.count")


def _one_side(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    before, after = how_many(comparison.before), how_many(comparison.after)
    has_other = any(side.get(KFD) for side in (comparison.before, comparison.after))
    if bool(before) != bool(after) and not has_other:
        draws_the_same = _DRAW_BY_DEVICE.isdisjoint(workload.frameworks)
        match = _counted(comparison, before, after, "facts.gpu")
        match = match._replace(remedy=None if after else how_to_ask(comparison.after))
        yield match._replace(impact=Impact.NUMERIC) if draws_the_same else match


def _counted(comparison: Comparison, before: int, after: int, *prefixes: str) -> Match:
    paths = comparison.under(*prefixes, VISIBLE, VISIBLE_DEVICES) or (VISIBLE,)
    return Match(f"the number of visible GPUs was {before}, is {after}", paths, before, after)


def _not_usable(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    status = now.value(STATUS)
    if now.get(KFD):
        return  # the GPU is AMD's, and the status is that of NVIDIA's driver
    if status not in (None, "ok"):
        text = f"no GPU can be used: {status}"
        yield Match(text, (STATUS,), after=status, remedy=_instead_of_repair(now, status))
    elif status == "ok" and not how_many(now):
        wanted = now.value(VISIBLE)
        verb = "hides" if wanted in HIDE_ALL else "names none of"
        text = f"no GPU can be used: CUDA_VISIBLE_DEVICES={wanted} {verb} the {_present(now)}"
        given_none = how_to_ask(now) if wanted in _BY_SCHEDULERS and now.get(SCHEDULER) else None
        remedy = given_none or Command("unset CUDA_VISIBLE_DEVICES")
        yield Match(text, (VISIBLE,), after=wanted, remedy=remedy)


def _instead_of_repair(now: Fingerprint, status: str) -> str | None:
    """How the job gets a GPU, unless the driver itself says what is wrong with it."""
    return how_to_ask(now) if status.startswith(_NONE_HERE) else None


_BY_SCHEDULERS = ("", "NoDevFiles")
"""Values of CUDA_VISIBLE_DEVICES that a scheduler gives a job without GPUs."""
_NONE_HERE = (
    "no GPU is attached",
    "the driver denies access",
    "the kernel module ",
    "card present, driver library not loadable",
)


def _present(now: Fingerprint) -> str:
    count = now.value("facts.gpu.count") or 0
    return "1 GPU here" if count == 1 else f"{count} GPUs here"


def _prohibited(now: Fingerprint, key: str, workload: Workload) -> Iterator[Match]:
    path = f"{DEVICES}[{key}].compute_mode"
    if now.value(path) == "prohibited":
        yield Match(f"GPU {key} does not allow computing", (path,), after="prohibited")


RULES = (
    Rule(
        id="gpu-count-changed",
        title="A different number of GPUs is visible",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(DEVICES, "facts.gpu.count", VISIBLE),
        why="A data-parallel run splits its batches and sums its gradients over the GPUs it sees.",
        not_when="The program uses one GPU, however many there are.",
        remedy="Make the same number of GPUs visible to the program with CUDA_VISIBLE_DEVICES.",
        evidence=(
            Evidence(
                "TensorFlow's maintainers on results that depend on the number of GPUs",
                "https://github.com/tensorflow/tensorflow/issues/38197",
            ),
        ),
        drift=_count,
        yields_to=("world-size-changed",),
    ),
    Rule(
        id="gpu-on-one-side-only",
        title="Only one of the two runs has a GPU",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(DEVICES, "facts.gpu.count", VISIBLE),
        why="All frameworks use different kernels on the CPU. PyTorch draws its random numbers "
        "with a different engine there, and TensorFlow's depend on the device.",
        not_when="The work runs on the CPU on both sides. JAX draws the same numbers everywhere: "
        "without the other two, the finding is numeric.",
        remedy=Command("export CUDA_VISIBLE_DEVICES=-1"),
        note="Runs on the CPU on both sides; or run both on a GPU.",
        evidence=(
            _RANDOMNESS,
            Evidence(
                "PyTorch's maintainers: CPU and GPU have different generators",
                "https://github.com/pytorch/pytorch/issues/2976",
            ),
            Evidence(
                "TensorFlow: the algorithm of stateless random operations depends on the device",
                "https://www.tensorflow.org/guide/random_numbers",
            ),
            Evidence(
                "JAX's random numbers are designed not to depend on the backend",
                "https://docs.jax.dev/en/latest/jep/263-prng.html",
            ),
        ),
        drift=_one_side,
    ),
    Rule(
        id="gpu-not-usable",
        title="The work is meant for a GPU, and none can be used",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu,
        watches=(STATUS, VISIBLE, DEVICES),
        why="Without a GPU that answers, frameworks compute on the CPU or stop. A driver later "
        "than the last one for an architecture does not show the card either: the last is "
        "R470 for Kepler, and R580 for Maxwell, Pascal and Volta.",
        not_when="The work runs on a different machine.",
        remedy="Repair the driver as the message says, or judge the work with --device cpu.",
        evidence=(
            _RANDOMNESS,
            Evidence(
                "The last driver of each architecture",
                "https://docs.nvidia.com/datacenter/tesla/drivers/"
                "cuda-toolkit-driver-and-architecture-matrix.html",
            ),
        ),
        state=_not_usable,
        yields_to=("cuda-driver-library-mismatch", "gpu-on-one-side-only"),
    ),
    Rule(
        id="gpu-compute-prohibited",
        title="A GPU does not allow computing",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu,
        watches=(DEVICES,),
        why="In compute mode `prohibited`, the driver refuses every context on the GPU.",
        not_when="The program does not use that GPU.",
        remedy=Command("sudo nvidia-smi --compute-mode=DEFAULT"),
        evidence=(
            Evidence(
                "NVML's compute modes",
                "https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html",
            ),
        ),
        state=of_each_card(_prohibited),
    ),
)
