"""What a GPU of another kind does to a result: architecture, size, division, precision."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.errors import Undetermined
from envprint.model import Comparison, Confidence, Fingerprint, Impact, Workload
from envprint.rule import Evidence, Match, Rule
from envprint.rules._cuda_tables import MAX_THREADS_PER_SM
from envprint.rules._devices import DEVICES, changed_paths, described, field, moved, training
from envprint.versions import numbers
from envprint.workload import on_gpu, uses

_TF32_CAPABILITY = (8, 0)
_OVERRIDE = "facts.environ.variables[NVIDIA_TF32_OVERRIDE]"
_CUBLAS = Evidence(
    "cuBLAS promises equal bits only for the same architecture and number of SMs",
    "https://docs.nvidia.com/cuda/cublas/index.html#results-reproducibility",
)


def _capability(now: Fingerprint, key: str) -> str | None:
    text: str | None = field(now, key, "compute_capability")
    return text


def _architecture(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    for change in moved(comparison, _capability):
        before = described(comparison.before, change.old_key)
        after = described(comparison.after, change.keys[0])
        yield Match(
            f"{change.which} was {before}, is {after}",
            changed_paths(comparison, change.keys, "compute_capability", "architecture", "name"),
            change.before,
            change.after,
        )


def _tf32(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    for change in moved(comparison, _capability):
        sides = [numbers(text) >= _TF32_CAPABILITY for text in (change.before, change.after)]
        with_tf32 = comparison.after if sides[1] else comparison.before
        if sides[0] != sides[1] and with_tf32.value(_OVERRIDE) != "0":
            has = "has TF32 and had not" if sides[1] else "has no TF32 and had"
            yield Match(
                f"{change.which} {has}: compute capability was {change.before}, is {change.after}",
                changed_paths(comparison, change.keys, "compute_capability"),
                change.before,
                change.after,
            )


def _sm_count(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    for change in moved(comparison, lambda now, key: field(now, key, "sm_count")):
        yield Match(
            f"{change.which} had {change.before} streaming multiprocessors, has {change.after}",
            changed_paths(comparison, change.keys, "sm_count", "name"),
            change.before,
            change.after,
        )


def _wave(now: Fingerprint, key: str) -> int | None:
    """Elements up to which PyTorch draws in one wave; None where the card is divided."""
    capability, count = _capability(now, key), field(now, key, "sm_count")
    if field(now, key, "mig_mode") == "on" or not capability or not count:
        return None
    if capability not in MAX_THREADS_PER_SM:
        path = f"{DEVICES}[{key}].compute_capability"
        raise Undetermined(path, f"threads per SM of {capability} are not in envprint's table")
    return int(count) * MAX_THREADS_PER_SM[capability]


def _random_numbers(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    for change in moved(comparison, _wave):
        smaller = min(change.before, change.after)
        yield Match(
            f"{change.which}: PyTorch draws other random numbers on this GPU for tensors of more "
            f"than {smaller:,} elements",
            changed_paths(comparison, change.keys, "sm_count", "compute_capability", "name"),
            change.before,
            change.after,
        )


def _divided(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    def layout(now: Fingerprint, key: str) -> str:
        mode = field(now, key, "mig_mode")
        parts = field(now, key, "mig_devices") or [] if mode == "on" else []
        return ", ".join(part.get("name") or "unnamed" for part in parts) or f"MIG {mode or 'off'}"

    for change in moved(comparison, layout):
        yield Match(
            f"{change.which} was divided as {change.before}, is as {change.after}",
            changed_paths(comparison, change.keys, "mig_mode", "mig_devices"),
            change.before,
            change.after,
        )


HARDWARE_RULES = (
    Rule(
        id="gpu-architecture-changed",
        title="The GPU is of another architecture",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(DEVICES,),
        why="cuDNN and cuBLAS choose other kernels on another architecture and promise equal bits "
        "only on the same one.",
        not_when="Some operations give equal bits on neighbouring generations; nothing promises "
        "it.",
        remedy="Run on the same architecture, or compare with a tolerance.",
        evidence=(
            Evidence(
                "cuDNN gives no guarantee across architectures for any of its routines",
                "https://docs.nvidia.com/deeplearning/cudnn/backend/latest/developer/misc.html",
            ),
            _CUBLAS,
            Evidence(
                "ResNet50 differs between P100 and V100, and repeats itself on each",
                "https://github.com/pytorch/pytorch/issues/58471",
            ),
        ),
        drift=_architecture,
        yields_to=("gpu-tf32-crossed",),
    ),
    Rule(
        id="gpu-tf32-crossed",
        title="Only one of the GPUs computes in TF32",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(DEVICES, _OVERRIDE),
        why="From compute capability 8.0 on, TensorFlow and JAX in products and convolutions, and "
        "PyTorch in convolutions, cut float32 inputs to 10 bits of mantissa by default. That "
        "rounds 8,000 times more coarsely; PyTorch says that most networks converge the same.",
        not_when="The program switches TF32 off itself, or computes in float64, float16 or "
        "bfloat16.",
        remedy="export NVIDIA_TF32_OVERRIDE=0 before the program starts.",
        evidence=(
            Evidence(
                "TensorFlow uses TF32 by default where the GPU has it",
                "https://www.tensorflow.org/api_docs/python/tf/config/experimental/"
                "enable_tensor_float_32_execution",
            ),
            Evidence(
                "PyTorch's notes on TF32",
                "https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html",
            ),
            Evidence(
                "JAX too, on recent GPUs", "https://docs.jax.dev/en/latest/201/precision.html"
            ),
        ),
        drift=_tf32,
    ),
    Rule(
        id="gpu-sm-count-changed",
        title="The GPU has another number of streaming multiprocessors",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(DEVICES,),
        why="Kernels divide sums over the streaming multiprocessors, so another number of them "
        "rounds in another order.",
        not_when="The program uses neither cuBLAS nor kernels that size their grid by the GPU.",
        remedy="Run on the same model of GPU.",
        evidence=(_CUBLAS,),
        drift=_sm_count,
        yields_to=(
            "gpu-architecture-changed",
            "gpu-tf32-crossed",
            "gpu-random-numbers-changed",
        ),
    ),
    Rule(
        id="gpu-random-numbers-changed",
        title="PyTorch draws other random numbers on this GPU",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("torch"),
        watches=(DEVICES,),
        why="PyTorch hands out its random stream by thread, and the number of threads follows from "
        "the GPU; beyond one wave of threads every element gets another number. "
        "use_deterministic_algorithms does not change that.",
        not_when="All random tensors, those of dropout too, are smaller than the size named, or "
        "are drawn on the CPU.",
        remedy="Draw on the CPU and move: torch.randn(shape, generator=cpu_generator).cuda()",
        evidence=(
            Evidence(
                "Measured on T4 and L4: equal up to 40,960 elements, different from 40,961 on",
                "https://github.com/pytorch/pytorch/issues/194676",
            ),
            Evidence(
                "The same boundary predicted and seen on five GPUs",
                "https://github.com/pytorch/pytorch/pull/176584",
            ),
            Evidence(
                "A maintainer: the numbers depend on the size of the tensor and on the GPU",
                "https://github.com/pytorch/pytorch/issues/90006",
            ),
        ),
        drift=_random_numbers,
    ),
    Rule(
        id="gpu-mig-changed",
        title="The GPU is divided differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(DEVICES,),
        why="A MIG device is a GPU with fewer streaming multiprocessors and less memory.",
        not_when="The program ran on a part of the same profile on both sides.",
        remedy="Run on a part of the same profile, or on the whole GPU.",
        evidence=(
            _CUBLAS,
            Evidence(
                "PyTorch's random numbers differ between MIG profiles",
                "https://github.com/pytorch/pytorch/issues/196613",
            ),
        ),
        drift=_divided,
    ),
)
