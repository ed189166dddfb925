"""The effect of different versions of CUDA's libraries; `cudnn` has the rules about cuDNN."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Drift, Evidence, Match, Rule
from envprint.core.shell import Command
from envprint.core.workload import Workload
from envprint.rules.cuda._versions import NAMES, SHADOWED, SHADOWED_FOR, changed, in_front, place
from envprint.rules.cuda.cudnn import FRAMEWORK_CHECK
from envprint.rules.kit.devices import gpu_training
from envprint.rules.nccl import WATCHED, sums_over_gpus

_CUBLAS = Evidence(
    "cuBLAS promises equal bits only within one toolkit version",
    "https://docs.nvidia.com/cuda/cublas/index.html#results-reproducibility",
)


def _changed(library: str) -> Drift:
    def drift(comparison: Comparison, workload: Workload) -> Iterator[Match]:
        yield from changed(comparison, library, workload)

    return drift


def _nccl(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    matches = changed(comparison, "nccl", workload)
    if matches and sums_over_gpus(comparison):
        yield from matches


def _shadowed(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    files = in_front(now, workload)
    if files:
        text = f"LD_LIBRARY_PATH puts {', '.join(files)} ahead of a framework's own"
        yield Match(text, (SHADOWED, SHADOWED_FOR), after=files)


_SPOKEN_FOR = ("cuda-cublas-changed", "cuda-runtime-changed", "tensorflow-cuda-of-another-major")


def _library_changed(library: str, why: str, not_when: str) -> Rule:
    """The rule for a library that comes with the toolkit; silent where the toolkit speaks."""
    name = NAMES[library]
    return Rule(
        id=f"cuda-{library}-changed",
        title=f"{name}'s version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=gpu_training,
        watches=(place(library),),
        why=why,
        not_when=not_when,
        remedy="Install the same version of the library's wheel on both sides.",
        evidence=(
            Evidence(
                "The libraries of a toolkit and what changed in each release",
                "https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/index.html",
            ),
        ),
        drift=_changed(library),
        yields_to=_SPOKEN_FOR,
    )


RULES = (
    Rule(
        id="cuda-cublas-changed",
        title="cuBLAS' version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(place("cublas"),),
        why="A different cuBLAS chooses different kernels for matrix products, which add in a "
        "different order.",
        not_when="The program has no matrix product on the GPU.",
        remedy="Install the same version of the wheel, such as nvidia-cublas-cu12, on both sides.",
        evidence=(_CUBLAS,),
        drift=_changed("cublas"),
        probed=True,
    ),
    Rule(
        id="cuda-runtime-changed",
        title="The CUDA runtime's version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(place("runtime"),),
        why="A different runtime comes with the libraries of a different toolkit, and they "
        "promise equal bits only within one toolkit version.",
        not_when="Only the runtime differs, and cuBLAS and cuDNN are the same.",
        remedy="Install the same CUDA version on both sides.",
        evidence=(_CUBLAS,),
        drift=_changed("runtime"),
        yields_to=("cuda-cublas-changed", "tensorflow-cuda-of-another-major"),
        probed=True,
    ),
    Rule(
        id="cuda-nccl-changed",
        title="NCCL's version differs",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=gpu_training,
        watches=(place("nccl"), *WATCHED),
        why="NCCL chooses how it sums over GPUs by the links between them and by tables that "
        "differ between versions, and it promises no equal bits.",
        not_when="The program uses one GPU, or NCCL_ALGO and NCCL_PROTO are set. Which links "
        "connect the GPUs is not recorded.",
        remedy="Install the same NCCL on both sides.",
        evidence=(
            Evidence(
                "NCCL chooses its algorithm itself unless a variable sets it",
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
        applies=gpu_training,
        watches=(SHADOWED, SHADOWED_FOR),
        why="The loader takes a library from LD_LIBRARY_PATH before the copy that the framework "
        "was tested with.",
        not_when="The program never calls the library. Where the file that loads it names its "
        "directory by DT_RPATH, as PyTorch's wheels do, the copy in LD_LIBRARY_PATH is not taken "
        "and nothing is reported; NVIDIA's own libraries load nvJitLink and the parts of cuDNN by "
        "DT_RUNPATH.",
        remedy=Command("unset LD_LIBRARY_PATH"),
        evidence=(
            FRAMEWORK_CHECK,
            Evidence(
                "libcusparse loads an older nvJitLink from LD_LIBRARY_PATH",
                "https://github.com/pytorch/pytorch/issues/134929",
            ),
            Evidence(
                "The order in which the loader searches",
                "https://man7.org/linux/man-pages/man8/ld.so.8.html",
            ),
        ),
        state=_shadowed,
        yields_to=("cuda-cudnn-older-than-built",),
    ),
    _library_changed(
        "cusparse",
        "A different cuSPARSE has different kernels for products of sparse matrices, which add in "
        "a different order.",
        "The program has no sparse matrices on the GPU.",
    ),
    _library_changed(
        "cufft",
        "Another cuFFT chooses other algorithms for a transform, which round differently.",
        "The program computes no Fourier transform on the GPU.",
    ),
    _library_changed(
        "cusolver",
        "Another cuSOLVER has other algorithms for decompositions, which round differently.",
        "The program solves no linear system and decomposes no matrix on the GPU.",
    ),
    _library_changed(
        "nvjitlink",
        "nvJitLink links and optimises the kernels that cuSPARSE and cuSOLVER make at run time.",
        "The program uses neither sparse matrices nor decompositions on the GPU.",
    ),
    _library_changed(
        "nvrtc",
        "NVRTC compiles kernels while a program runs; another compiler may contract and order "
        "operations differently.",
        "The program compiles no kernel at run time. torch.compile uses Triton instead.",
    ),
)
