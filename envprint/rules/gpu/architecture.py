"""The effect of a GPU's kind on a result: its architecture and its precision."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.cuda_visible_devices import VisibleDevice
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.shell import Command
from envprint.core.versions import numbers
from envprint.rules.kit.devices import (
    DEVICES,
    DeviceChange,
    changed_paths,
    described,
    field,
    gpu_training,
    of_each_change,
)

_TF32_CAPABILITY = (8, 0)
_OVERRIDE = "facts.environ.variables[NVIDIA_TF32_OVERRIDE]"
_ANOTHER_CARD = (
    "compute_capability",
    "architecture",
    "name",
    "uuid",
    "bus_id",
    "memory_total_bytes",
    "mig_mode",
    "ecc_mode",
)
"""What changes with the architecture and needs no finding of its own."""
CUBLAS = Evidence(
    "cuBLAS promises equal bits only for the same architecture and number of SMs",
    "https://docs.nvidia.com/cuda/cublas/index.html#results-reproducibility",
)


def capability(now: Fingerprint, one: VisibleDevice) -> str | None:
    """Such as `7.5`; None when it is not known to have one. Raises `UnknownValueError`."""
    text: str | None = field(now, one.key, "compute_capability")
    return text


def _architecture(comparison: Comparison, change: DeviceChange) -> Iterator[Match]:
    before = described(comparison.before, change.old.key)
    after = described(comparison.after, change.new.key)
    yield Match(
        f"{change.which} was {before}, is {after}",
        changed_paths(comparison, change.keys, *_ANOTHER_CARD),
        change.before,
        change.after,
    )


def _tf32(comparison: Comparison, change: DeviceChange) -> Iterator[Match]:
    sides = [numbers(text) >= _TF32_CAPABILITY for text in (change.before, change.after)]
    with_tf32 = comparison.after if sides[1] else comparison.before
    if sides[0] != sides[1] and with_tf32.value(_OVERRIDE) != "0":
        was, now = ("on" if has_tf32 else "off" for has_tf32 in sides)
        yield Match(
            f"TF32 of {change.which} was {was}, is {now}",
            changed_paths(comparison, change.keys, "compute_capability"),
            change.before,
            change.after,
        )


RULES = (
    Rule(
        id="gpu-architecture-changed",
        title="The GPU's architecture differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(DEVICES,),
        why="cuDNN and cuBLAS choose different kernels on a different architecture and promise "
        "equal bits only on the same one.",
        not_when="The operations in use give equal bits on both generations, as some do on "
        "neighbouring ones; nothing promises it.",
        remedy="Run on the same architecture, or compare with a tolerance.",
        evidence=(
            Evidence(
                "cuDNN gives no guarantee across architectures for any of its routines",
                "https://docs.nvidia.com/deeplearning/cudnn/backend/latest/developer/misc.html",
            ),
            CUBLAS,
            Evidence(
                "ResNet50 differs between P100 and V100, and repeats itself on each",
                "https://github.com/pytorch/pytorch/issues/58471",
            ),
            Evidence(
                "Maxwell and Pascal cards agreed with each other, and not with Turing's",
                "https://github.com/NVIDIA/framework-reproducibility/issues/28",
            ),
        ),
        drift=of_each_change(capability, _architecture),
        probed=True,
    ),
    Rule(
        id="gpu-tf32-crossed",
        title="Only one of the GPUs computes in TF32",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(DEVICES, _OVERRIDE),
        why="On compute capability 8.0 and later, TensorFlow and JAX in products and "
        "convolutions, and PyTorch in convolutions, cut float32 inputs to 10 bits of mantissa "
        "by default. That rounds 8,000 times more coarsely; PyTorch says that most networks "
        "converge the same.",
        not_when="The program turns TF32 off itself, or computes in float64, float16 or bfloat16.",
        remedy=Command("export NVIDIA_TF32_OVERRIDE=0"),
        note="Before the program starts.",
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
        drift=of_each_change(capability, _tf32),
        probed=True,
    ),
)
