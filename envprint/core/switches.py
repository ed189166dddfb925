"""Switches of determinism and precision, and the variables that set them.

`envprint.machine.interpreter` reads the switches of loaded frameworks.
"""

VARIABLES = {
    "TF_DETERMINISTIC_OPS": "tensorflow-op-determinism",
    "TF_CUDNN_DETERMINISTIC": "tensorflow-cudnn-deterministic",
    "TF_CUDNN_USE_AUTOTUNE": "tensorflow-cudnn-autotune",
    "TF_NUM_INTRAOP_THREADS": "tensorflow-intra-op-threads",
    "TF_NUM_INTEROP_THREADS": "tensorflow-inter-op-threads",
    "KERAS_BACKEND": "keras-backend",
    "CUBLAS_WORKSPACE_CONFIG": "cublas-workspace",
    "NVIDIA_TF32_OVERRIDE": "nvidia-tf32-override",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "torch-matmul-tf32",
    "JAX_ENABLE_X64": "jax-x64",
    "JAX_DEFAULT_MATMUL_PRECISION": "jax-matmul-precision",
    "JAX_THREEFRY_PARTITIONABLE": "jax-threefry-partitionable",
    "JAX_DEFAULT_PRNG_IMPL": "jax-prng",
}
"""Variable to the switch it sets."""

FLAGS = {
    ("XLA_FLAGS", "xla_gpu_deterministic_ops"): "xla-gpu-deterministic-ops",
    ("XLA_FLAGS", "xla_gpu_exclude_nondeterministic_ops"): "xla-gpu-exclude-nondeterministic-ops",
    ("XLA_FLAGS", "xla_gpu_autotune_level"): "xla-gpu-autotune-level",
    ("XLA_FLAGS", "xla_allow_excess_precision"): "xla-excess-precision",
    ("XLA_FLAGS", "xla_cpu_enable_fast_math"): "xla-cpu-fast-math",
    ("TF_XLA_FLAGS", "tf_xla_auto_jit"): "tensorflow-auto-jit",
}
"""Variable and the option in its value, to the switch that the option sets."""
