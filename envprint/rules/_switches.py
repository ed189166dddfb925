"""Rules about variables that switch how frameworks compute; part of the section `environ`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envprint.model import Comparison, Confidence, Fingerprint, Impact, Workload
from envprint.rule import Evidence, Match, Rule
from envprint.rules._dials import (
    Dial,
    Variables,
    trace,
    turned_by_variables,
    variable,
    when_changed,
)
from envprint.versions import numbers
from envprint.workload import machine, on_cpu, on_gpu, uses

# --xla_gpu_deterministic_ops=true --xla_dump_to=/tmp/dump
# https://openxla.org/xla/flags_guidance
_QUIET_FLAG = re.compile(r"--(?:xla_dump_|xla_hlo_profile|xla_gpu_dump_)\S*")


_NEURAL = frozenset("avx512_vnni avx512_bf16 avx_vnni amx_tile amx_int8 amx_bf16".split())
"""Features of a processor with which TensorFlow turns oneDNN on by itself, on Linux."""


def _onednn(side: Fingerprint, variables: Variables) -> str:
    value = variables.get("TF_ENABLE_ONEDNN_OPTS", "").lower()
    if value in ("0", "false", "1", "true"):
        return "off" if value in ("0", "false") else "on"
    version = side.value("facts.frameworks.tensorflow.version")
    if version and numbers(version) < (2, 9):
        return "off"
    flags = side.value("facts.cpu.flags")
    if flags is None:  # not x86 and not ARM, or not Linux
        return "by default"
    model = side.value("facts.cpu.model") or ""
    return "off" if _NEURAL.isdisjoint(flags) and "Neoverse-V1" not in model else "on"


ONEDNN = Dial(
    "oneDNN",
    ("tensorflow",),
    ("TF_ENABLE_ONEDNN_OPTS",),
    _onednn,
    lambda side, setting: f"TF_ENABLE_ONEDNN_OPTS={int(setting == 'on')}",
)


def _flags(value: str | None) -> set[str]:
    return set(_QUIET_FLAG.sub("", value or "").split())


def _xla(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    for name in ("XLA_FLAGS", "TF_XLA_FLAGS"):
        change = comparison.change(variable(name))
        moved = _flags(change.before) ^ _flags(change.after) if change else set()
        if change and moved:
            yield Match(
                f"{name} differs in {', '.join(sorted(moved))}",
                (change.path, *trace(comparison, (name,))),
                change.before,
                change.after,
            )


_NCCL = ("NCCL_ALGO", "NCCL_PROTO", "NCCL_MIN_NCHANNELS", "NCCL_MAX_NCHANNELS", "NCCL_TOPO_FILE")

RULES = (
    Rule(
        id="tensorflow-onednn-switched",
        title="oneDNN is switched differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.MEASURED,
        applies=uses("tensorflow") & on_cpu & machine("x86_64", "aarch64"),
        watches=(variable("TF_ENABLE_ONEDNN_OPTS"),),
        why="oneDNN's kernels add in another order than Eigen's, so sums round differently.",
        not_when="Both values mean the same: unset means on from TensorFlow 2.9 on where the "
        "processor has VNNI, BF16 or AMX instructions or is a Neoverse V1, and off elsewhere.",
        remedy="Give TF_ENABLE_ONEDNN_OPTS the same value on both sides.",
        evidence=(
            Evidence(
                "When TensorFlow turns oneDNN on, and its note that results then differ slightly",
                "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/port.cc",
            ),
        ),
        drift=turned_by_variables(ONEDNN),
    ),
    Rule(
        id="xla-flags-changed",
        title="XLA compiles with other flags",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax") | (uses("tensorflow") & on_gpu),
        watches=(variable("XLA_FLAGS"), variable("TF_XLA_FLAGS")),
        why="The flags choose how XLA compiles and which kernels it may take: fusion, precision, "
        "autotuning, deterministic operations, and the number of devices it pretends to have.",
        not_when="Only flags that write dumps or profiles differ; those are passed over.",
        remedy="Give XLA_FLAGS and TF_XLA_FLAGS the same values on both sides.",
        evidence=(
            Evidence(
                "XLA's flags for deterministic results",
                "https://github.com/openxla/xla/blob/main/docs/determinism.md",
            ),
        ),
        drift=_xla,
    ),
    Rule(
        id="tf32-override-changed",
        title="TF32 is overridden differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow", "torch", "jax") & on_gpu,
        watches=(variable("NVIDIA_TF32_OVERRIDE"), variable("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE")),
        why="TF32 cuts the inputs of matrix products and convolutions to 10 bits of mantissa; "
        "these variables overrule what the program asks for.",
        not_when="The GPU is older than compute capability 8.0, which has no TF32, or the job "
        "computes in another precision than float32.",
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
        drift=when_changed("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"),
    ),
    Rule(
        id="nccl-algorithm-changed",
        title="NCCL is told to reduce differently",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("tensorflow", "torch", "jax") & on_gpu,
        watches=tuple(variable(name) for name in _NCCL),
        why="The algorithm and protocol of a reduction decide in which order the GPUs' parts are "
        "added.",
        not_when="The job uses one GPU.",
        remedy="Give the NCCL variables the same values on both sides.",
        evidence=(
            Evidence(
                "NCCL's variables and what they choose",
                "https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/env.html",
            ),
        ),
        drift=when_changed(*_NCCL),
    ),
    Rule(
        id="jax-x64-switched",
        title="JAX computes in another precision by default",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax"),
        watches=(variable("JAX_ENABLE_X64"),),
        why="With JAX_ENABLE_X64 arrays and random numbers are 64 bits wide instead of 32: other "
        "values are drawn, and everything rounds differently.",
        not_when="The program sets jax_enable_x64 itself, or gives every array a type.",
        remedy="Give JAX_ENABLE_X64 the same value on both sides.",
        evidence=(
            Evidence(
                "Default types and the X64 flag",
                "https://docs.jax.dev/en/latest/default_dtypes.html",
            ),
        ),
        drift=when_changed("JAX_ENABLE_X64"),
    ),
    Rule(
        id="jax-matmul-precision-changed",
        title="JAX multiplies matrices in another precision",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=uses("jax") & on_gpu,
        watches=(variable("JAX_DEFAULT_MATMUL_PRECISION"),),
        why="It chooses between float32, TF32 and bfloat16 for matrix products and convolutions.",
        not_when="The program sets jax_default_matmul_precision or a precision for each call "
        "itself.",
        remedy="Give JAX_DEFAULT_MATMUL_PRECISION the same value on both sides.",
        evidence=(
            Evidence(
                "jax.default_matmul_precision",
                "https://docs.jax.dev/en/latest/_autosummary/jax.default_matmul_precision.html",
            ),
            Evidence(
                "The variable, and what GPUs do without it",
                "https://docs.jax.dev/en/latest/201/precision.html",
            ),
        ),
        drift=when_changed("JAX_DEFAULT_MATMUL_PRECISION"),
    ),
)
