"""What each file of rules is about. The rules say it; this is made of them by

python -m pytest --update-golden tests/judging/test_rule_index.py
"""
# fmt: off
# ruff: noqa: E501

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
    "batch_split": frozenset(["facts.environ", "facts.gpu"]),
    "behaviour": frozenset(["facts.packages"]),
    "code": frozenset(["facts.code"]),
    "conflicts": frozenset(["facts.frameworks", "facts.packages", "facts.python"]),
    "container": frozenset(["facts.container", "facts.cuda", "facts.environ", "facts.frameworks", "facts.gpu"]),
    "cpu": frozenset(["facts.cpu", "facts.environ"]),
    "cuda.builds": frozenset(["facts.cuda", "facts.environ", "facts.frameworks", "facts.gpu"]),
    "cuda.cudnn": frozenset(["facts.cuda", "facts.gpu"]),
    "cuda.drivers": frozenset(["facts.cuda", "facts.environ", "facts.frameworks", "facts.gpu"]),
    "cuda.libraries": frozenset(["facts.cuda", "facts.environ", "facts.gpu"]),
    "cuda.settings": frozenset(["facts.environ", "facts.frameworks", "facts.gpu"]),
    "determinism": frozenset(["facts.cpu", "facts.determinism", "facts.environ", "facts.frameworks"]),
    "environ": frozenset(["facts.environ", "facts.frameworks"]),
    "framework_switches": frozenset(["facts.environ", "facts.gpu"]),
    "frameworks.frameworks": frozenset(["facts.frameworks"]),
    "frameworks.jax": frozenset(["facts.determinism", "facts.environ", "facts.frameworks"]),
    "frameworks.keras": frozenset(["facts.determinism", "facts.environ", "facts.frameworks"]),
    "frameworks.numpy": frozenset(["facts.frameworks"]),
    "frameworks.tensorflow": frozenset(["facts.cpu", "facts.cuda", "facts.frameworks", "facts.gpu", "facts.python"]),
    "frameworks.torch": frozenset(["facts.cuda", "facts.determinism", "facts.environ", "facts.frameworks", "facts.gpu"]),
    "frameworks.xla": frozenset(["facts.determinism", "facts.environ"]),
    "gpu.architecture": frozenset(["facts.environ", "facts.gpu"]),
    "gpu.count": frozenset(["facts.environ", "facts.gpu"]),
    "gpu.free_memory": frozenset(["facts.gpu", "live.gpu", "live.host"]),
    "gpu.health": frozenset(["facts.cuda", "facts.gpu", "live.gpu"]),
    "gpu.held_memory": frozenset(["facts.gpu", "live.gpu", "live.host"]),
    "gpu.order": frozenset(["facts.environ", "facts.gpu"]),
    "gpu.sharing": frozenset(["facts.environ", "facts.gpu", "live.gpu"]),
    "gpu.size": frozenset(["facts.environ", "facts.gpu"]),
    "gpu.use": frozenset(["facts.cuda", "facts.environ", "facts.frameworks", "facts.gpu", "facts.packages"]),
    "gpu.workspace": frozenset(["facts.environ", "facts.frameworks", "facts.gpu", "live.gpu"]),
    "host": frozenset(["live.host"]),
    "math": frozenset(["facts.environ", "facts.math", "facts.os", "facts.packages"]),
    "nccl": frozenset(["facts.environ", "facts.gpu"]),
    "os": frozenset(["facts.os"]),
    "packages": frozenset(["facts.packages"]),
    "probes": frozenset(["facts.probes"]),
    "python": frozenset(["facts.frameworks", "facts.packages", "facts.python"]),
    "random": frozenset(["live.random"]),
    "ranks": frozenset(["facts.environ"]),
    "required": frozenset(["facts.determinism", "facts.environ", "facts.frameworks", "facts.gpu", "facts.packages"]),
    "rocm": frozenset(["facts.environ", "facts.frameworks", "facts.rocm"]),
    "thread_pools": frozenset(["facts.math"]),
    "torch_compile": frozenset(["facts.environ"]),
}
"""File to the sections that its rules watch."""

STATES = frozenset(["batch_split", "code", "conflicts", "container", "cuda.builds", "cuda.cudnn", "cuda.drivers", "cuda.libraries", "determinism", "environ", "framework_switches", "frameworks.frameworks", "frameworks.jax", "frameworks.keras", "frameworks.tensorflow", "frameworks.torch", "gpu.count", "gpu.free_memory", "gpu.health", "gpu.held_memory", "gpu.order", "gpu.sharing", "gpu.size", "gpu.use", "gpu.workspace", "host", "os", "packages", "probes", "python", "random", "required"])
"""Files with a rule about a state."""
