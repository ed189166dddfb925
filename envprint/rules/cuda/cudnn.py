"""The effect of cuDNN's version on a result, and whether it fits the framework and the GPU."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.shell import sentence
from envprint.core.versions import numbers
from envprint.core.workload import Workload, on_gpu, uses
from envprint.rules.cuda._versions import (
    SHADOWED,
    SHADOWED_FOR,
    built_with,
    changed,
    cudnn_in_front,
    in_use,
    place,
)
from envprint.rules.kit.devices import DEVICES, cards, field, gpu_training

FRAMEWORK_CHECK = Evidence(
    "PyTorch compares the loaded cuDNN with the one it was compiled against and with the GPUs, and "
    "names LD_LIBRARY_PATH as a cause",
    "https://github.com/pytorch/pytorch/blob/main/torch/backends/cudnn/__init__.py",
)
_XLA_CHECK = Evidence(
    "XLA's check, which TensorFlow and JAX share: the same major version, and at least the same "
    "minor version",
    "https://github.com/openxla/xla/blob/main/xla/stream_executor/cuda/cuda_dnn.cc",
)
_CUDNN = place("cudnn")


def _changed(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    yield from changed(comparison, "cudnn", workload)


def _older_than_built(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    found = cudnn_in_front(now, workload) or in_use(now, "cudnn", workload)
    for framework, version in built_with(now, "cudnn", workload).items():
        if found and not fits(found.version, version):
            yield Match(
                f"{framework} was built with cuDNN {version}, and {found.version} is here",
                (found.path, f"{_CUDNN}.built[{framework}]"),
                after=found.version,
                remedy=sentence(
                    "Take the older cuDNN out of LD_LIBRARY_PATH, or install cuDNN {} or a later "
                    "minor version of the same major one.",
                    version,
                ),
            )


def fits(version: str, built: str) -> bool:
    """Whether the frameworks' own check accepts `version` for a build with `built`."""
    have, need = numbers(version)[:2], numbers(built)[:2]
    return have[:1] == need[:1] and have[: len(need)] >= need


def _by_capability(
    now: Fingerprint, low: tuple[int, ...], high: tuple[int, ...]
) -> Iterator[tuple[str, str]]:
    """Key and capability of the visible GPUs from `low` to below `high`."""
    for key in cards(now):
        capability = field(now, key, "compute_capability")
        if low <= numbers(capability or "") < high:
            yield key, capability


_FAULTY = (9, 23, 1)
_FIRST_WITHOUT_VOLTA = (9, 11)
_ATTENTION_UNTIL = (9, 18, 1)


def _unsteady(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    found = in_use(now, "cudnn", workload)
    if found and numbers(found.version)[:3] == _FAULTY:
        keys = [key for key, _ in _by_capability(now, (8, 6), (8, 7))]
        if keys:
            text = f"cuDNN {found.version} does not repeat some convolutions on GPU "
            paths = (found.path, f"{DEVICES}[{keys[0]}].compute_capability")
            yield Match(text + ", ".join(keys), paths, after=found.version)


def _too_new_for_gpu(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    found = in_use(now, "cudnn", workload)
    if found and numbers(found.version) >= _FIRST_WITHOUT_VOLTA:
        for key, capability in _by_capability(now, (1, 0), (7, 5)):
            yield Match(
                f"cuDNN {found.version} has no kernels for compute capability {capability} of "
                f"GPU {key}",
                (found.path, f"{DEVICES}[{key}].compute_capability"),
                after=found.version,
            )


def _unsteady_attention(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    found = in_use(now, "cudnn", workload)
    if found and (9,) <= numbers(found.version) < _ATTENTION_UNTIL:
        keys = [key for key, _ in _by_capability(now, (10, 0), (11, 0))]
        if keys:
            text = f"cuDNN {found.version} has no repeatable backward pass of attention for GPU "
            paths = (found.path, f"{DEVICES}[{keys[0]}].compute_capability")
            yield Match(text + ", ".join(keys), paths, after=found.version)


RULES = (
    Rule(
        id="cuda-cudnn-changed",
        title="cuDNN's version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(_CUDNN,),
        why="A different cuDNN chooses different algorithms; it promises equal bits only within a "
        "version. It may also need more memory for the same network.",
        not_when="The program has no convolution, recurrent layer, normalisation or attention that "
        "cuDNN computes.",
        remedy="Install the same version of the wheel, such as nvidia-cudnn-cu12, on both sides.",
        evidence=(
            Evidence(
                "cuDNN on reproducibility",
                "https://docs.nvidia.com/deeplearning/cudnn/backend/latest/developer/misc.html",
            ),
            Evidence(
                "From 7.2 to 7.4, a network ran out of memory that had fitted before",
                "https://github.com/tensorflow/tensorflow/issues/26218",
            ),
        ),
        drift=_changed,
        yields_to=("cuda-cudnn-older-than-built", "cuda-cudnn-gpu-dropped"),
        probed=True,
    ),
    Rule(
        id="cuda-cudnn-older-than-built",
        title="cuDNN does not fit the framework",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(_CUDNN, SHADOWED, SHADOWED_FOR),
        why="PyTorch, and TensorFlow and JAX through XLA, refuse a cuDNN of a different major "
        "version, or of an older minor version, than they were built with. A copy in "
        "LD_LIBRARY_PATH comes before the one installed with the framework; if PyTorch still "
        "finds its own file, that file loads its parts from there. The version is that of the "
        "header.",
        not_when="The program loads a different copy than the one named.",
        remedy="Install the cuDNN that the framework was built with.",
        evidence=(FRAMEWORK_CHECK, _XLA_CHECK),
        state=_older_than_built,
    ),
    Rule(
        id="cuda-cudnn-gpu-dropped",
        title="This cuDNN does not compute on this GPU",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(_CUDNN, DEVICES),
        why="Since 9.11, cuDNN has no kernels for Maxwell, Pascal and Volta, that is, below "
        "compute capability 7.5. PyTorch refuses to start with it if such a GPU is visible.",
        not_when="The program uses TensorFlow or JAX and calls nothing in cuDNN.",
        remedy="Install a framework with cuDNN 9.10 or older, such as a build for CUDA 12.6, or "
        "hide that GPU with CUDA_VISIBLE_DEVICES.",
        evidence=(
            FRAMEWORK_CHECK,
            Evidence(
                "9.10.2 is the last support matrix with these GPUs",
                "https://docs.nvidia.com/deeplearning/cudnn/latest/support-matrix/index.html",
            ),
            Evidence(
                "PyTorch ends its builds for Volta because newer cuDNN dropped it",
                "https://github.com/pytorch/pytorch/issues/172352",
            ),
        ),
        state=_too_new_for_gpu,
        yields_to=("cuda-cudnn-older-than-built", "cuda-gpu-dropped", "cuda-gpu-not-in-build"),
    ),
    Rule(
        id="cuda-cudnn-not-repeatable",
        title="This cuDNN does not repeat itself on this GPU",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("torch"),
        watches=(_CUDNN, DEVICES),
        why="In cuDNN 9.23.1, one forward convolution gives different bits from run to run on "
        "compute capability 8.6.",
        not_when="The PyTorch in use excludes that algorithm, as its code does since June 2026.",
        remedy="Install cuDNN 9.24 or later.",
        evidence=(
            Evidence(
                "The same network gives different bits in two runs on an A10G",
                "https://github.com/pytorch/pytorch/issues/188288",
            ),
            Evidence(
                "PyTorch's maintainers re-enable the algorithm with cuDNN 9.24",
                "https://github.com/pytorch/pytorch/pull/189483",
            ),
        ),
        state=_unsteady,
    ),
    Rule(
        id="cuda-cudnn-attention-not-repeatable",
        title="cuDNN's attention does not repeat itself on this GPU",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("torch", "jax"),
        watches=(_CUDNN, DEVICES),
        why="On Blackwell GPUs of compute capability 10, the backward pass of cuDNN's fused "
        "attention gives different bits from run to run; cuDNN 9.18.1 is the first to offer "
        "one that repeats.",
        not_when="The program has no attention, or computes it with a different library, such as "
        "flash-attention.",
        remedy="Install cuDNN 9.18.1 or later and turn determinism on.",
        note="Transformer Engine reads NVTE_ALLOW_NONDETERMINISTIC_ALGO=0 for that.",
        evidence=(
            Evidence(
                "Transformer Engine's maintainers on which versions can repeat themselves",
                "https://github.com/NVIDIA/TransformerEngine/pull/2584",
            ),
        ),
        state=_unsteady_attention,
        advice=True,
    ),
)
