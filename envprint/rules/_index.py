"""What each file of rules is about. The rules say it; this is made of them by

python -m pytest --update-golden tests/judging/test_rule_index.py
"""

FRAMEWORKS = {
    "batch_split": frozenset(["tensorflow", "torch"]),
    "cuda.builds": frozenset(["jax", "tensorflow", "torch"]),
    "cuda.cudnn": frozenset(["jax", "tensorflow", "torch"]),
    "cuda.libraries": frozenset(["jax", "tensorflow", "torch"]),
    "cuda.settings": frozenset(["jax", "tensorflow", "torch"]),
    "framework_switches": frozenset(["jax", "scikit-learn", "tensorflow", "torch"]),
    "frameworks.jax": frozenset(["jax"]),
    "frameworks.keras": frozenset(["jax", "tensorflow", "torch"]),
    "frameworks.numpy": frozenset(["numpy", "scikit-learn"]),
    "frameworks.tensorflow": frozenset(["tensorflow"]),
    "frameworks.torch": frozenset(["torch"]),
    "frameworks.xla": frozenset(["jax", "tensorflow"]),
    "gpu.architecture": frozenset(["jax", "tensorflow", "torch"]),
    "gpu.order": frozenset(["jax", "tensorflow", "torch"]),
    "gpu.use": frozenset(["jax", "tensorflow", "torch"]),
    "gpu.workspace": frozenset(["tensorflow"]),
    "nccl": frozenset(["jax", "tensorflow", "torch"]),
    "ranks": frozenset(["jax", "tensorflow", "torch"]),
    "rocm": frozenset(["jax", "tensorflow", "torch"]),
    "thread_pools": frozenset(["numpy", "scikit-learn"]),
    "torch_compile": frozenset(["torch"]),
}
"""File to the frameworks of which a workload needs one for any of its rules to apply."""

PLACES = {
    "behaviour": frozenset(["facts.packages"]),
    "cpu": frozenset(["facts.cpu", "facts.environ"]),
    "cuda.settings": frozenset(["facts.environ", "facts.frameworks", "facts.gpu"]),
    "frameworks.numpy": frozenset(["facts.frameworks"]),
    "frameworks.xla": frozenset(["facts.determinism", "facts.environ"]),
    "gpu.architecture": frozenset(["facts.environ", "facts.gpu"]),
    "math": frozenset(["facts.environ", "facts.math", "facts.os", "facts.packages"]),
    "nccl": frozenset(["facts.environ", "facts.gpu"]),
    "ranks": frozenset(["facts.environ"]),
    "rocm": frozenset(["facts.environ", "facts.frameworks", "facts.rocm"]),
    "thread_pools": frozenset(["facts.math"]),
    "torch_compile": frozenset(["facts.environ"]),
}
"""File to the sections that its rules compare, where it has no rule about a state."""
