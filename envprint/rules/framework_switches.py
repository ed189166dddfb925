"""Rules about variables that switch how frameworks compute; part of the section `environ`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Result, Rule, UnknownValue
from envprint.core.shell import Command
from envprint.core.versions import numbers
from envprint.core.workload import Workload, machine, on_cpu, on_gpu, uses
from envprint.rules.kit.determinism import when_switched
from envprint.rules.kit.devices import DEVICES, any_reaches
from envprint.rules.kit.setting_rules import changed_by_variables
from envprint.rules.kit.settings import Setting, Variables, variable, when_changed

_NEURAL = frozenset("avx512_vnni avx512_bf16 avx_vnni amx_tile amx_int8 amx_bf16".split())
"""Processor features with which TensorFlow enables oneDNN by default, on Linux."""


def _onednn(side: Fingerprint, variables: Variables) -> str:
    version = side.value("facts.frameworks.tensorflow.version")
    if version and numbers(version) < (2, 5):  # has no such switch
        return "off"
    value = variables.get("TF_ENABLE_ONEDNN_OPTS", "").lower()
    if value in ("0", "false", "1", "true"):
        return "off" if value in ("0", "false") else "on"
    if version and numbers(version) < (2, 9):
        return "off"
    flags = side.value("facts.cpu.flags")
    if flags is None:  # not x86 and not ARM, or not Linux
        return "by default"
    model = side.value("facts.cpu.model") or ""
    return "off" if _NEURAL.isdisjoint(flags) and "Neoverse-V1" not in model else "on"


ONEDNN = Setting(
    "oneDNN",
    ("tensorflow",),
    ("TF_ENABLE_ONEDNN_OPTS",),
    _onednn,
    lambda side, setting: ("TF_ENABLE_ONEDNN_OPTS", str(int(setting == "on"))),
)


_MODES = ("BF16", "F16", "TF32", "ANY")
_HALF_WIDTH = frozenset(["amx_bf16", "amx_fp16"])
"""x86 features for which oneDNN has kernels of half the width for float32."""


def _fpmath(names: tuple[str, ...]) -> Callable[[Fingerprint, Variables], str]:
    """To what the first of these variables that is set lets oneDNN reduce float32.

    https://uxlfoundation.github.io/oneDNN/dev_guide_attributes_fpmath_mode.html
    """

    def setting(side: Fingerprint, variables: Variables) -> str:
        chosen = next((variables[name].upper() for name in names if variables.get(name)), "")
        is_x86 = side.value("facts.cpu.architecture") in (None, "x86_64", "AMD64")
        if chosen not in _MODES or (
            is_x86 and _HALF_WIDTH.isdisjoint(side.value("facts.cpu.flags") or ())
        ):
            return "float32"
        return chosen.lower()

    return setting


def _precision(what: str, used_by: tuple[str, ...], *names: str) -> Setting:
    return Setting(what, used_by, names, _fpmath(names), lambda side, setting: None)


_ONEDNN_PRECISION = _precision(
    "oneDNN's precision for float32",
    ("tensorflow", "torch"),
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "DNNL_DEFAULT_FPMATH_MODE",
)
_TENSORFLOW_PRECISION = _precision(
    "the precision TensorFlow requests from oneDNN", ("tensorflow",), "TF_SET_ONEDNN_FPMATH_MODE"
)
_PRECISIONS = (_ONEDNN_PRECISION, _TENSORFLOW_PRECISION)

_GPU_KERNELS = {
    "TF_FP16_MATMUL_USE_FP32_COMPUTE": True,
    "TF_FP16_CONV_USE_FP32_COMPUTE": True,
    "TF_FP16_RNN_USE_FP32_COMPUTE": True,
    "TF_CONV2D_USE_FP16_ACCUMULATE": False,
    "TF_MATMUL_AUTOTUNE_ENABLE": False,
    "TF_ENABLE_WINOGRAD_NONFUSED": True,
    "TF_CUDNN_RNN_USE_AUTOTUNE": True,
    "TF_USE_CUDNN_BATCHNORM_SPATIAL_PERSISTENT": False,
}
"""Variables that the GPU wheel of TensorFlow 2.21 reads, and their defaults."""

_TF32 = ("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE")


def _tf32_overridden(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    for result in when_changed(*_TF32)(comparison, workload):
        if isinstance(result, UnknownValue) or any_reaches(comparison, (8, 0)):
            yield result


def _varies(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    path = variable("OMP_DYNAMIC")
    value = now.value(path) or ""
    if value.strip().lower() == "true":
        yield Match(f"OMP_DYNAMIC is {value}", (path,), after=value)


RULES = (
    Rule(
        id="tensorflow-onednn-switched",
        title="oneDNN is switched differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=uses("tensorflow") & on_cpu & machine("x86_64", "aarch64"),
        watches=(variable("TF_ENABLE_ONEDNN_OPTS"),),
        why="oneDNN's kernels add in a different order than Eigen's, so sums round differently.",
        not_when="Both values mean the same: unset means on since TensorFlow 2.9 if the processor "
        "has VNNI, BF16 or AMX instructions or is a Neoverse V1, and off otherwise. "
        "Before 2.5 there is no such switch; Intel's own builds have TF_DISABLE_MKL "
        "instead.",
        remedy="Give TF_ENABLE_ONEDNN_OPTS the same value on both sides.",
        evidence=(
            Evidence(
                "When TensorFlow turns oneDNN on, and its note that results then differ slightly",
                "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/port.cc",
            ),
        ),
        drift=changed_by_variables(ONEDNN),
        probed=True,
    ),
    Rule(
        id="tf32-override-changed",
        title="TF32 is overridden differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow", "torch", "jax") & on_gpu,
        watches=(*map(variable, _TF32), DEVICES),
        why="TF32 cuts the inputs of matrix products and convolutions to 10 bits of mantissa; "
        "these variables override what the program requests.",
        not_when="No visible GPU has compute capability 8.0 or above, where TF32 starts, or the "
        "job computes in a precision other than float32.",
        remedy="Give the variable the same value on both sides.",
        evidence=(
            Evidence(
                "NVIDIA's article on TF32",
                "https://developer.nvidia.com/blog/"
                "accelerating-ai-training-with-tf32-tensor-cores/",
            ),
            Evidence(
                "What both variables do to PyTorch",
                "https://docs.pytorch.org/docs/stable/cuda_environment_variables.html",
            ),
        ),
        drift=_tf32_overridden,
        probed=True,
    ),
    Rule(
        id="onednn-precision-changed",
        title="oneDNN may compute float32 with fewer bits",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow", "torch") & on_cpu,
        watches=tuple(variable(name) for setting in _PRECISIONS for name in setting.variables),
        why="The variables allow oneDNN to cut the inputs of products and convolutions to bfloat16 "
        "or float16, where it has faster kernels for those.",
        not_when="The processor has no such kernels: an x86 processor without AMX is ignored, "
        "because neither TensorFlow nor PyTorch changed a bit there.",
        remedy="Give the variable the same value on both sides.",
        evidence=(
            Evidence(
                "What the modes allow, and the variable that sets them",
                "https://oneapi-src.github.io/oneDNN/dev_guide_attributes_fpmath_mode.html",
            ),
        ),
        drift=changed_by_variables(*_PRECISIONS),
        probed=True,
    ),
    Rule(
        id="tensorflow-gpu-kernels-switched",
        title="TensorFlow picks its GPU kernels differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=uses("tensorflow") & on_gpu,
        watches=tuple(map(variable, _GPU_KERNELS)),
        why="The variables choose the precision of sums in float16 products and convolutions, "
        "whether algorithms are picked by timing, and which families of them are excluded.",
        not_when="The job has no operation of that kind: most of the variables concern float16, "
        "recurrent layers or batch normalisation.",
        remedy="Give the variable the same value on both sides.",
        evidence=(
            Evidence(
                "Two of the variables and their defaults",
                "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/"
                "matmul_autotune.cc",
            ),
        ),
        drift=when_switched(**_GPU_KERNELS),
    ),
    Rule(
        id="openmp-threads-vary",
        title="OpenMP may start fewer threads than requested",
        impact=Impact.BREAKS,
        confidence=Confidence.MEASURED,
        applies=uses("scikit-learn", "torch") & on_cpu,
        watches=(variable("OMP_DYNAMIC"),),
        why="With OMP_DYNAMIC, the number of threads follows the machine's load, but libraries "
        "rely on every thread they requested. With fewer, scikit-learn's neighbour search "
        "returned leftover memory or stopped with an IndexError, and the gradient of a "
        "convolution in PyTorch waited forever.",
        not_when="The machine has nothing else to do, or the job uses one thread.",
        remedy=Command("unset OMP_DYNAMIC"),
        evidence=(
            Evidence("Nearest neighbours on a busy machine", measured="sklearn.omp-dynamic"),
            Evidence("A network on a busy machine", measured="torch.omp-dynamic"),
            Evidence(
                "libgomp derives the load from the number of threads",
                "https://github.com/gcc-mirror/gcc/blob/master/libgomp/config/linux/proc.c",
            ),
        ),
        state=_varies,
    ),
)
