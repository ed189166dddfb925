"""The effect of AMD's GPUs and of ROCm on a result."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Drift, Evidence, Match, Result, Rule
from envprint.core.workload import Workload, on_gpu, uses
from envprint.rules.kit.computing import KFD, ROCM_BUILD, uses_rocm
from envprint.rules.kit.settings import variable, when_changed

_GPUS = "facts.rocm.gpus"
_VERSIONS = {"facts.rocm.version": "ROCm", "facts.rocm.driver_version": "the amdgpu driver"}
_VARIABLES = (
    "HSA_OVERRIDE_GFX_VERSION",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "MIOPEN_FIND_MODE",
    "MIOPEN_FIND_ENFORCE",
    "MIOPEN_DEBUG_CONV_DIRECT",
    "MIOPEN_DEBUG_CONV_FFT",
    "MIOPEN_DEBUG_CONV_GEMM",
    "MIOPEN_DEBUG_CONV_IMPLICIT_GEMM",
    "MIOPEN_DEBUG_CONV_WINOGRAD",
    "PYTORCH_TUNABLEOP_ENABLED",
    "TORCH_BLAS_PREFER_HIPBLASLT",
)
"""Variables that choose the GPU, or which kernels compute."""
_ALGORITHMS = Evidence(
    "MIOpen searches for the fastest algorithm of a convolution, and a variable controls how",
    "https://rocm.docs.amd.com/projects/MIOpen/en/latest/how-to/find-and-immediate.html",
)
_INSTALL = "Install the same version on both sides."


def _if_rocm(drift: Drift) -> Drift:
    """The check, if the job computes with ROCm now."""

    def check(comparison: Comparison, workload: Workload) -> Iterator[Result]:
        if uses_rocm(comparison.after):
            yield from drift(comparison, workload)

    return check


def _versions(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    for path, name in _VERSIONS.items():
        change = comparison.change(path)
        if change and change.before and change.after:
            text = f"{name} was {change.before}, is {change.after}"
            yield Match(text, (path,), change.before, change.after)


def _gpus(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    before, after = (_kinds(side) for side in (comparison.before, comparison.after))
    if before != after and before and after:
        text = f"AMD GPUs were {', '.join(before)}; are {', '.join(after)}"
        yield Match(text, comparison.under(_GPUS) or (_GPUS,), before, after)


def _kinds(side: Fingerprint) -> list[str]:
    devices = (side.value(_GPUS) or {}).values()
    return sorted(f"{gpu.get('target')} ({gpu.get('simd_count')} SIMD units)" for gpu in devices)


RULES = (
    Rule(
        id="rocm-version-changed",
        title="The version of ROCm or its driver differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=on_gpu & uses("jax", "tensorflow", "torch"),
        watches=(*_VERSIONS, KFD, ROCM_BUILD),
        why="A different version contains different kernels and chooses different algorithms, "
        "which sum in a different order.",
        not_when="The framework's wheel contains its own libraries and only the driver differs, "
        "which may change nothing.",
        remedy=_INSTALL,
        evidence=(_ALGORITHMS,),
        drift=_if_rocm(_versions),
    ),
    Rule(
        id="rocm-gpus-changed",
        title="The AMD GPUs differ",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=on_gpu & uses("jax", "tensorflow", "torch"),
        watches=(_GPUS, KFD, ROCM_BUILD),
        why="Kernels are built and chosen for each instruction set and number of compute units.",
        not_when="The job uses a GPU that is the same on both sides.",
        remedy="Run on the same kind and number of GPUs, or compare results with a tolerance.",
        evidence=(_ALGORITHMS,),
        drift=_if_rocm(_gpus),
    ),
    Rule(
        id="rocm-variables-changed",
        title="A variable that chooses ROCm's kernels differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("jax", "tensorflow", "torch"),
        watches=(*map(variable, _VARIABLES), KFD, ROCM_BUILD),
        why="These variables choose the GPU a program gets, the GPU that kernels are built for, "
        "and the algorithms MIOpen may use; a different algorithm rounds differently.",
        not_when="The job runs no kernel that the variable affects.",
        remedy="Give the variable the same value on both sides.",
        evidence=(
            _ALGORITHMS,
            Evidence(
                "The MIOpen variables that switch algorithms",
                "https://rocm.docs.amd.com/projects/MIOpen/en/latest/how-to/debug-log.html",
            ),
            Evidence(
                "The variables that choose and mask GPUs",
                "https://rocm.docs.amd.com/en/latest/conceptual/gpu-isolation.html",
            ),
        ),
        drift=_if_rocm(when_changed(*_VARIABLES)),
    ),
)
