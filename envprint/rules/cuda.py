"""What CUDA around a GPU does to a result: its libraries, its driver, what it was built for."""

from __future__ import annotations

from envprint.model import Confidence, Impact
from envprint.rule import Evidence, Rule
from envprint.rules import _cuda_builds, _gpu_settings
from envprint.rules._cuda_builds import CODE, FORCED, TENSORFLOW, TORCH
from envprint.rules._cuda_drivers import DRIVER_RULES
from envprint.rules._cuda_libraries import LIBRARY_RULES
from envprint.rules._cuda_versions import place
from envprint.rules._devices import DEVICES, training
from envprint.workload import on_gpu, uses

_RUNTIME = place("runtime")
_BINARIES = Evidence(
    "Which GPUs run the code that a program carries",
    "https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#binary-compatibility",
)
_CAPABILITIES = Evidence(
    "TensorFlow's configure.py: compute_XY stands for PTX and machine code, sm_XY for the latter",
    "https://github.com/tensorflow/tensorflow/blob/v2.16.1/configure.py",
)
_WHEELS = Evidence(
    "PyTorch's table of wheels and the GPUs they have code for",
    "https://github.com/pytorch/pytorch/blob/main/RELEASE.md#pytorch-cuda-support-matrix",
)
_INVALID_PTX = Evidence(
    "TensorFlow 2.16 and 2.20 on an RTX 5080: CUDA_ERROR_INVALID_PTX, and no operation runs",
    "https://github.com/tensorflow/tensorflow/issues/101746",
)
_FOR_ONE_ARCHITECTURE = Evidence(
    "NVIDIA on PTX with the suffix a, which runs on that architecture alone",
    "https://developer.nvidia.com/blog/"
    "nvidia-blackwell-and-nvidia-cuda-12-9-introduce-family-specific-architecture-features",
)
_MATRIX = Evidence(
    "The toolkits and the architectures they know",
    "https://docs.nvidia.com/datacenter/tesla/drivers/"
    "cuda-toolkit-driver-and-architecture-matrix.html",
)

RULES = (
    *LIBRARY_RULES,
    *DRIVER_RULES,
    *_gpu_settings.RULES,
    Rule(
        id="cuda-gpu-not-in-build",
        title="The framework was not built for this GPU",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("tensorflow", "torch"),
        watches=(CODE, TENSORFLOW, TORCH, DEVICES),
        why="Machine code runs within one major compute capability; for a later GPU the driver "
        "compiles PTX, if there is any, and for an earlier one nothing runs. PTX for sm_90a, which "
        "TensorFlow 2.16 to 2.20 have, runs on compute capability 9.0 alone: Blackwell GPUs report "
        "CUDA_ERROR_INVALID_PTX. What PyTorch's own wheels have is looked up in a table read on "
        "2026-11-21.",
        not_when="The program does not use that GPU, or PyTorch was built by others under the "
        "version of one of its own wheels.",
        remedy="Install a build that names the GPU's compute capability.",
        evidence=(_BINARIES, _CAPABILITIES, _WHEELS, _INVALID_PTX, _FOR_ONE_ARCHITECTURE),
        state=_cuda_builds.without_code,
    ),
    Rule(
        id="cuda-gpu-dropped",
        title="The framework's CUDA no longer knows this GPU",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(_RUNTIME, CODE, TORCH, DEVICES),
        why="Each major version of CUDA drops old architectures: its compiler makes no code for "
        "them, and its libraries have none. CUDA 13 dropped Maxwell, Pascal and Volta.",
        not_when="The program does not use that GPU.",
        remedy="Install a build of the framework for an older major version of CUDA.",
        evidence=(
            _MATRIX,
            Evidence(
                "NVIDIA on the end of compute capabilities below 7.5 with CUDA 13",
                "https://developer.nvidia.com/blog/"
                "navigating-gpu-architecture-support-a-guide-for-nvidia-cuda-developers/",
            ),
        ),
        state=_cuda_builds.dropped,
    ),
    Rule(
        id="cuda-gpu-newer-than-toolkit",
        title="The GPU is newer than the framework's CUDA",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("torch"),
        watches=(_RUNTIME, CODE, TORCH, DEVICES),
        why="An older CUDA makes no machine code for a newer major compute capability. With PTX "
        "in the build the driver compiles the kernels, each driver in its own way; without, "
        "nothing runs, and PyTorch's own builds for CUDA 12.6 and before have none.",
        not_when="The program does not use that GPU.",
        remedy="Install a build of the framework for a CUDA that knows the GPU.",
        evidence=(
            _MATRIX,
            _BINARIES,
            _WHEELS,
            Evidence(
                "A build for CUDA 12.4 on an RTX 5090: no kernel image is available",
                "https://github.com/pytorch/pytorch/issues/167244",
            ),
        ),
        state=_cuda_builds.newer_than_toolkit,
    ),
    Rule(
        id="cuda-ptx-forced",
        title="CUDA_FORCE_PTX_JIT leaves the GPU without code",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("tensorflow", "torch"),
        watches=(FORCED, CODE, TENSORFLOW, TORCH, DEVICES),
        why="The variable makes CUDA ignore machine code. TensorFlow carries PTX for the newest "
        "GPUs only, and most wheels of PyTorch carry none.",
        not_when="The program does not use that GPU.",
        remedy="unset CUDA_FORCE_PTX_JIT",
        evidence=(
            Evidence("TensorFlow's installation page", "https://www.tensorflow.org/install/pip"),
            _WHEELS,
        ),
        state=_cuda_builds.forced,
    ),
)
