"""The effect of variables on a GPU's results: emulation, allocators, workspaces, AMD's numbers."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Result, Rule, UnknownValue
from envprint.core.versions import numbers
from envprint.core.workload import Workload, on_gpu, uses
from envprint.rules.kit.devices import DEVICES, cards, field, gpu_training
from envprint.rules.kit.settings import variable, variables_of, when_changed

_SINGLE, _DOUBLE = "CUBLAS_EMULATE_SINGLE_PRECISION", "CUBLAS_EMULATE_DOUBLE_PRECISION"
_FINE = (
    "CUBLAS_EMULATION_STRATEGY",
    "CUBLAS_EMULATION_SPECIAL_VALUES_SUPPORT_MASK",
    "CUBLAS_FIXEDPOINT_EMULATION_MANTISSA_BIT_COUNT",
)
_EMULATION = (_SINGLE, _DOUBLE, *_FINE)
_EMULATES_FROM = (8, 0)

_ALLOCATORS = {
    "PYTORCH_CUDA_ALLOC_CONF": "torch",
    "PYTORCH_ALLOC_CONF": "torch",
    "PYTORCH_NO_CUDA_MEMORY_CACHING": "torch",
    "TF_FORCE_GPU_ALLOW_GROWTH": "tensorflow",
    "TF_GPU_ALLOCATOR": "tensorflow",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "jax",
    "XLA_PYTHON_CLIENT_MEM_FRACTION": "jax",
    "XLA_CLIENT_MEM_FRACTION": "jax",
    "XLA_PYTHON_CLIENT_ALLOCATOR": "jax",
}
"""The framework that reads each variable."""

_ROCM = ("ROCBLAS_INTERNAL_FP16_ALT_IMPL", "MIOPEN_DEBUG_CONVOLUTION_ATTRIB_FP16_ALT_IMPL")
_TORCH_BUILD = "facts.frameworks.torch.build"


def _emulation(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    for result in when_changed(*_EMULATION)(comparison, workload):
        if isinstance(result, UnknownValue) or _can_emulate(comparison):
            yield result


def _can_emulate(comparison: Comparison) -> bool:
    """Whether either side enables emulation, and a GPU of the later side supports it."""
    sides, now = (comparison.before, comparison.after), comparison.after
    return any(map(_emulates, sides)) and any(_is_able(now, key) for key in cards(now))


def _emulates(side: Fingerprint) -> bool:
    """Whether one of the two switches is on; the other variables have no effect alone."""
    found = variables_of(side)
    return any(found.get(name, "0") not in ("", "0") for name in (_SINGLE, _DOUBLE))


def _is_able(now: Fingerprint, key: str) -> bool:
    return numbers(field(now, key, "compute_capability") or "") >= _EMULATES_FROM


def _allocators(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    read = [name for name, framework in _ALLOCATORS.items() if framework in workload.frameworks]
    yield from when_changed(*read)(comparison, workload)


def _rocm(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    if comparison.after.value(_TORCH_BUILD) == "rocm":
        yield from when_changed(*_ROCM)(comparison, workload)


_TRANSFORMER_ENGINE = (
    "NVTE_ALLOW_NONDETERMINISTIC_ALGO",
    "NVTE_FLASH_ATTN",
    "NVTE_FUSED_ATTN",
    "NVTE_UNFUSED_ATTN",
    "NVTE_FUSED_ATTN_BACKEND",
    "NVTE_FUSED_ATTN_FORCE_WORKSPACE_OPT",
)
"""Variables by which Transformer Engine chooses kernels."""


RULES = (
    Rule(
        id="cuda-transformer-engine-switched",
        title="Transformer Engine chooses other kernels",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=tuple(map(variable, _TRANSFORMER_ENGINE)),
        why="The variables choose which attention kernels may be taken, and whether those that do "
        "not repeat themselves may; a different kernel rounds differently.",
        not_when="The job does not use Transformer Engine, as Megatron-LM and NeMo do.",
        remedy="Give the variable the same value on both sides.",
        evidence=(
            Evidence(
                "Attention of Transformer Engine that does not repeat itself, and its variable",
                "https://github.com/NVIDIA/Megatron-LM/issues/925",
            ),
            Evidence(
                "The variables that choose an attention backend",
                "https://docs.nvidia.com/deeplearning/transformer-engine/user-guide/examples/"
                "attention/attention.html",
            ),
        ),
        drift=when_changed(*_TRANSFORMER_ENGINE),
    ),
    Rule(
        id="cublas-emulation-changed",
        title="cuBLAS emulates a precision differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(*map(variable, _EMULATION), DEVICES),
        why="With these variables, cuBLAS builds float32 products from bfloat16 ones, or float64 "
        "products from integer ones. They round differently, the promise of equal bits does "
        "not hold, and without memory for the workspace cuBLAS uses its normal kernels.",
        not_when="The GPU or the cuBLAS has no emulation: float32 emulation needs CUDA 12.9 and "
        "compute capability 10.0 or 10.3, float64 emulation needs CUDA 13.0 Update 2.",
        remedy="Give the variables the same values on both sides, preferably none.",
        evidence=(
            Evidence(
                "NVIDIA on emulation in cuBLAS and when it falls back",
                "https://developer.nvidia.com/blog/"
                "unlocking-tensor-core-performance-with-floating-point-emulation-in-cublas",
            ),
            Evidence(
                "The variables, and the limits of equal bits",
                "https://docs.nvidia.com/cuda/cublas/index.html#floating-point-emulation",
            ),
        ),
        drift=_emulation,
    ),
    Rule(
        id="gpu-allocator-changed",
        title="GPU memory is allocated differently",
        impact=Impact.NONE,
        confidence=Confidence.INFERRED,
        applies=gpu_training,
        watches=tuple(map(variable, _ALLOCATORS)),
        why="These variables control how memory is taken from the driver, not what is computed.",
        not_when="Memory is plentiful. When it is short, they can decide which convolution "
        "algorithms still fit, or whether the program runs out of memory.",
        remedy="Give the variable the same value on both sides if memory is short.",
        evidence=(
            Evidence(
                "What PyTorch's settings do",
                "https://docs.pytorch.org/docs/stable/notes/cuda.html#memory-management",
            ),
            Evidence(
                "What JAX's settings do",
                "https://docs.jax.dev/en/latest/gpu_memory_allocation.html",
            ),
        ),
        drift=_allocators,
    ),
    Rule(
        id="tensorflow-cudnn-workspace-changed",
        title="TensorFlow's convolutions have a different workspace limit",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("tensorflow"),
        watches=(variable("TF_CUDNN_WORKSPACE_LIMIT_IN_MB"),),
        why="The limit decides which of cuDNN's convolution algorithms are allowed; a different "
        "algorithm rounds differently.",
        not_when="The algorithms in use fit both limits, or the job has no convolution.",
        remedy="Give TF_CUDNN_WORKSPACE_LIMIT_IN_MB the same value on both sides.",
        evidence=(
            Evidence(
                "TensorFlow's maintainers on the limit and the algorithms it allows",
                "https://github.com/tensorflow/tensorflow/issues/26218",
            ),
        ),
        drift=when_changed("TF_CUDNN_WORKSPACE_LIMIT_IN_MB"),
    ),
    Rule(
        id="torch-rocm-subnormals-changed",
        title="AMD half precision treats subnormal numbers differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("torch"),
        watches=(*map(variable, _ROCM), _TORCH_BUILD),
        why="On MI200, matrix instructions flush subnormal float16 and bfloat16 numbers to zero; "
        "the variables select where PyTorch avoids that, which a run may need to converge.",
        not_when="The GPU is no MI200, or the job computes in float32.",
        remedy="Give the variables the same values on both sides, preferably none.",
        evidence=(
            Evidence(
                "PyTorch's table of what the variables do",
                "https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html",
            ),
        ),
        drift=_rocm,
    ),
)
