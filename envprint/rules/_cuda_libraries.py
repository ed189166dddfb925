"""What other versions of CUDA's libraries do to a result."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from envprint.model import Comparison, Confidence, Fingerprint, Impact, Workload
from envprint.rule import Evidence, Match, Rule
from envprint.rules._cuda_versions import built_with, changed, in_use, place
from envprint.rules._devices import DEVICES, field, training, visible
from envprint.versions import numbers
from envprint.workload import on_gpu, uses

Drift = Callable[[Comparison, Workload], Iterator[Match]]

SHADOWED = "facts.cuda.shadowed"
_CUBLAS = Evidence(
    "cuBLAS promises equal bits only within one toolkit version",
    "https://docs.nvidia.com/cuda/cublas/index.html#results-reproducibility",
)
_CUDNN_CHECK = (
    Evidence(
        "PyTorch compares the loaded cuDNN with the one it was compiled against, and names "
        "LD_LIBRARY_PATH as a cause",
        "https://github.com/pytorch/pytorch/blob/main/torch/backends/cudnn/__init__.py",
    ),
    Evidence(
        "XLA's check, which TensorFlow and JAX share: the same major version, and at least the "
        "same minor version",
        "https://github.com/openxla/xla/blob/main/xla/stream_executor/cuda/cuda_dnn.cc",
    ),
)


def _changed(library: str) -> Drift:
    def drift(comparison: Comparison, workload: Workload) -> Iterator[Match]:
        yield from changed(comparison, library, workload)

    return drift


def _nccl(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    if len(visible(comparison.before)) > 1 and len(visible(comparison.after)) > 1:
        yield from changed(comparison, "nccl", workload)


def _older_than_built(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    found = in_use(now, "cudnn", workload)
    for framework, version in built_with(now, "cudnn", workload).items():
        if found and not fits(found.version, version):
            yield Match(
                f"{framework} was built with cuDNN {version}, and {found.version} is here",
                (found.path, f"{place('cudnn')}.built[{framework}]"),
                after=found.version,
                remedy=f"unset LD_LIBRARY_PATH, or install cuDNN {version} or a later minor "
                "version of the same major one.",
            )


def fits(version: str, built: str) -> bool:
    """Whether the frameworks' own check lets `version` pass for what was built with `built`."""
    have, need = numbers(version)[:2], numbers(built)[:2]
    return have[:1] == need[:1] and have[: len(need)] >= need


def _shadowed(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    files = now.value(SHADOWED)
    if files:
        text = f"LD_LIBRARY_PATH puts {', '.join(files)} in front of a framework's own"
        yield Match(text, (SHADOWED,), after=files)


_FAULTY_CUDNN = (9, 23, 1)
_FAULTY_CAPABILITY = "8.6"


def _unsteady(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    found = in_use(now, "cudnn", workload)
    if found and numbers(found.version)[:3] == _FAULTY_CUDNN:
        keys = [
            key
            for key in visible(now)
            if field(now, key, "compute_capability") == _FAULTY_CAPABILITY
        ]
        if keys:
            text = f"cuDNN {found.version} does not repeat some convolutions on GPU "
            paths = (found.path, f"{DEVICES}[{keys[0]}].compute_capability")
            yield Match(text + ", ".join(keys), paths, after=found.version)


LIBRARY_RULES = (
    Rule(
        id="cuda-cudnn-changed",
        title="cuDNN has another version",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(place("cudnn"),),
        why="Another cuDNN chooses other algorithms; it promises equal bits only within a version.",
        not_when="The program has no convolution, recurrent layer, normalisation or attention that "
        "cuDNN computes.",
        remedy="Install the same version of the wheel, such as nvidia-cudnn-cu12, on both sides.",
        evidence=(
            Evidence(
                "cuDNN on reproducibility",
                "https://docs.nvidia.com/deeplearning/cudnn/backend/latest/developer/misc.html",
            ),
        ),
        drift=_changed("cudnn"),
        yields_to=("cuda-cudnn-older-than-built",),
    ),
    Rule(
        id="cuda-cudnn-older-than-built",
        title="cuDNN does not fit the framework",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(place("cudnn"),),
        why="PyTorch, and TensorFlow and JAX through XLA, refuse a cuDNN of another major version, "
        "or of an older minor version, than they were built with.",
        not_when="The program loads another copy than the one named.",
        remedy="Install the cuDNN that the framework was built with.",
        evidence=_CUDNN_CHECK,
        state=_older_than_built,
    ),
    Rule(
        id="cuda-cudnn-not-repeatable",
        title="This cuDNN does not repeat itself on this GPU",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("torch"),
        watches=(place("cudnn"), DEVICES),
        why="In cuDNN 9.23.1 one forward convolution gives other bits from run to run on compute "
        "capability 8.6.",
        not_when="The PyTorch in use leaves that algorithm out, as its code does since June 2026.",
        remedy="Install cuDNN 9.24 or later.",
        evidence=(
            Evidence(
                "The same network gives other bits in two runs on an A10G",
                "https://github.com/pytorch/pytorch/issues/188288",
            ),
            Evidence(
                "PyTorch's maintainers take the algorithm back in with cuDNN 9.24",
                "https://github.com/pytorch/pytorch/pull/189483",
            ),
        ),
        state=_unsteady,
    ),
    Rule(
        id="cuda-cublas-changed",
        title="cuBLAS has another version",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(place("cublas"),),
        why="Another cuBLAS chooses other kernels for matrix products, which add in another order.",
        not_when="The program has no matrix product on the GPU.",
        remedy="Install the same version of the wheel, such as nvidia-cublas-cu12, on both sides.",
        evidence=(_CUBLAS,),
        drift=_changed("cublas"),
    ),
    Rule(
        id="cuda-runtime-changed",
        title="The CUDA runtime has another version",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(place("runtime"),),
        why="The libraries of another toolkit come with it, and they promise equal bits only "
        "within one toolkit version.",
        not_when="Only the runtime differs, and cuBLAS and cuDNN are the same.",
        remedy="Install the same CUDA version on both sides.",
        evidence=(_CUBLAS,),
        drift=_changed("runtime"),
        yields_to=("cuda-cublas-changed",),
    ),
    Rule(
        id="cuda-nccl-changed",
        title="NCCL has another version",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=training,
        watches=(place("nccl"), DEVICES),
        why="NCCL chooses how it sums over GPUs by tables that differ between versions, and "
        "promises no equal bits.",
        not_when="The program uses one GPU, or NCCL_ALGO and NCCL_PROTO are set.",
        remedy="Install the same NCCL on both sides.",
        evidence=(
            Evidence(
                "NCCL chooses its algorithm by itself unless told",
                "https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/env.html#nccl-algo",
            ),
        ),
        drift=_nccl,
    ),
    Rule(
        id="cuda-library-shadowed",
        title="LD_LIBRARY_PATH hides a framework's own library",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(SHADOWED,),
        why="The loader takes a library from LD_LIBRARY_PATH before the copy that the framework "
        "was tested with.",
        not_when="The framework's files name their own directory by RPATH, which comes first.",
        remedy="unset LD_LIBRARY_PATH",
        evidence=(
            _CUDNN_CHECK[0],
            Evidence(
                "The order in which the loader looks",
                "https://man7.org/linux/man-pages/man8/ld.so.8.html",
            ),
        ),
        state=_shadowed,
        yields_to=("cuda-cudnn-older-than-built",),
    ),
)
