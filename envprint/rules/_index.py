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
    "batch_split": frozenset(["facts.environ.variables", "facts.gpu.count"]),
    "behaviour": frozenset(["facts.packages.distributions"]),
    "code": frozenset(["facts.code.branch", "facts.code.commit", "facts.code.diff_digest", "facts.code.dirty", "facts.code.file_system", "facts.code.repository", "facts.code.submodules"]),
    "conflicts": frozenset(["facts.frameworks.torch", "facts.packages.conda", "facts.packages.distributions", "facts.packages.unmet", "facts.python.version"]),
    "container": frozenset(["facts.container.image", "facts.container.kind", "facts.container.memory_limit_bytes", "facts.container.notebook_service", "facts.container.scheduler", "facts.cuda.kernel_module_version", "facts.environ.variables", "facts.frameworks.jax", "facts.frameworks.tensorflow", "facts.frameworks.torch", "facts.gpu.devices", "facts.gpu.status"]),
    "cpu": frozenset(["facts.cpu.architecture", "facts.cpu.cores", "facts.cpu.flags", "facts.cpu.quota_cpus", "facts.cpu.threads", "facts.cpu.usable_threads", "facts.cpu.vendor", "facts.environ.variables"]),
    "cuda.builds": frozenset(["facts.cuda.runtime", "facts.environ.variables", "facts.frameworks.tensorflow", "facts.frameworks.torch", "facts.gpu.devices"]),
    "cuda.cudnn": frozenset(["facts.cuda.cudnn", "facts.cuda.shadowed", "facts.cuda.shadowed_for", "facts.gpu.devices"]),
    "cuda.drivers": frozenset(["facts.cuda.driver_library", "facts.cuda.kernel_module_version", "facts.cuda.runtime", "facts.environ.variables", "facts.frameworks.tensorflow", "facts.frameworks.torch", "facts.gpu.devices", "facts.gpu.driver_version"]),
    "cuda.libraries": frozenset(["facts.cuda.cublas", "facts.cuda.cufft", "facts.cuda.cusolver", "facts.cuda.cusparse", "facts.cuda.nccl", "facts.cuda.nvjitlink", "facts.cuda.nvrtc", "facts.cuda.runtime", "facts.cuda.shadowed", "facts.cuda.shadowed_for", "facts.environ.variables", "facts.gpu.devices"]),
    "cuda.settings": frozenset(["facts.environ.variables", "facts.frameworks.torch", "facts.gpu.devices"]),
    "determinism": frozenset(["facts.cpu.usable_threads", "facts.determinism.switches", "facts.environ.variables", "facts.frameworks.tensorflow"]),
    "environ": frozenset(["facts.environ.changed_since_start", "facts.environ.misspelt", "facts.environ.variables", "facts.frameworks.imported"]),
    "framework_switches": frozenset(["facts.environ.variables", "facts.gpu.devices"]),
    "frameworks.frameworks": frozenset(["facts.frameworks.imported", "facts.frameworks.jax", "facts.frameworks.numpy", "facts.frameworks.scikit_learn", "facts.frameworks.tensorflow", "facts.frameworks.torch"]),
    "frameworks.jax": frozenset(["facts.determinism.switches", "facts.environ.variables", "facts.frameworks.jax"]),
    "frameworks.keras": frozenset(["facts.determinism.switches", "facts.environ.variables", "facts.frameworks.keras"]),
    "frameworks.numpy": frozenset(["facts.frameworks.numpy", "facts.frameworks.scikit_learn", "facts.frameworks.scipy"]),
    "frameworks.tensorflow": frozenset(["facts.cpu.flags", "facts.cuda.runtime", "facts.frameworks.tensorflow", "facts.gpu.devices", "facts.python.version"]),
    "frameworks.torch": frozenset(["facts.cuda.runtime", "facts.determinism.switches", "facts.environ.variables", "facts.frameworks.torch", "facts.gpu.devices"]),
    "frameworks.xla": frozenset(["facts.determinism.switches", "facts.environ.variables"]),
    "gpu.architecture": frozenset(["facts.environ.variables", "facts.gpu.devices"]),
    "gpu.count": frozenset(["facts.environ.variables", "facts.gpu.count", "facts.gpu.devices", "facts.gpu.status"]),
    "gpu.free_memory": frozenset(["facts.gpu.devices", "facts.gpu.status", "live.gpu.devices", "live.gpu.pids_are_ours", "live.host.memory_available_bytes"]),
    "gpu.health": frozenset(["facts.cuda.kernel_module_version", "facts.gpu.devices", "facts.gpu.status", "live.gpu.answer", "live.gpu.devices", "live.gpu.lost", "live.gpu.silence"]),
    "gpu.held_memory": frozenset(["facts.gpu.devices", "live.gpu.devices", "live.gpu.pids_are_ours", "live.host.memory_available_bytes"]),
    "gpu.order": frozenset(["facts.environ.variables", "facts.gpu.devices"]),
    "gpu.sharing": frozenset(["facts.environ.variables", "facts.gpu.devices", "live.gpu.devices", "live.gpu.init_ms", "live.gpu.pids_are_ours"]),
    "gpu.size": frozenset(["facts.environ.variables", "facts.gpu.devices"]),
    "gpu.use": frozenset(["facts.cuda.cudnn", "facts.cuda.driver_library", "facts.cuda.fabric_manager", "facts.cuda.iommu", "facts.cuda.runtime", "facts.cuda.uvm_device", "facts.environ.variables", "facts.frameworks.jax", "facts.frameworks.tensorflow", "facts.frameworks.torch", "facts.gpu.devices", "facts.packages.distributions"]),
    "gpu.workspace": frozenset(["facts.environ.variables", "facts.frameworks.tensorflow", "facts.gpu.devices", "live.gpu.devices", "live.gpu.pids_are_ours"]),
    "host": frozenset(["live.host.disk_free_bytes", "live.host.memory_available_bytes", "live.host.memory_limit_left_bytes", "live.host.memory_total_bytes", "live.host.shm_free_bytes", "live.host.shm_total_bytes"]),
    "math": frozenset(["facts.environ.variables", "facts.math.blas", "facts.math.libm", "facts.math.openmp", "facts.os.distribution", "facts.os.libc", "facts.packages.conda"]),
    "nccl": frozenset(["facts.environ.variables", "facts.gpu.devices"]),
    "os": frozenset(["facts.os.kernel_release", "facts.os.locale", "facts.os.system"]),
    "packages": frozenset(["facts.packages.conda", "facts.packages.distributions", "facts.packages.duplicates", "facts.packages.edited"]),
    "probes": frozenset(["facts.probes.imports", "facts.probes.numeric", "facts.probes.training"]),
    "python": frozenset(["facts.frameworks.jax", "facts.frameworks.numpy", "facts.frameworks.scikit_learn", "facts.frameworks.tensorflow", "facts.frameworks.torch", "facts.packages.distributions", "facts.python.byte_order", "facts.python.gil_enabled", "facts.python.hash_seed", "facts.python.implementation", "facts.python.prefix", "facts.python.startup_hooks", "facts.python.subnormals_flushed", "facts.python.version"]),
    "random": frozenset(["live.random.drawn_by", "live.random.generators", "live.random.process"]),
    "ranks": frozenset(["facts.environ.variables", "facts.environ.world_size"]),
    "required": frozenset(["facts.determinism.switches", "facts.environ.variables", "facts.frameworks.imported", "facts.gpu.count", "facts.gpu.devices", "facts.packages.distributions"]),
    "rocm": frozenset(["facts.environ.variables", "facts.frameworks.torch", "facts.rocm.driver_version", "facts.rocm.gpus", "facts.rocm.kfd_device", "facts.rocm.version"]),
    "thread_pools": frozenset(["facts.math.thread_pools"]),
    "torch_compile": frozenset(["facts.environ.variables"]),
}
"""File to the fields that its rules watch."""

STATES = frozenset(["batch_split", "code", "conflicts", "container", "cuda.builds", "cuda.cudnn", "cuda.drivers", "cuda.libraries", "determinism", "environ", "framework_switches", "frameworks.frameworks", "frameworks.jax", "frameworks.keras", "frameworks.tensorflow", "frameworks.torch", "gpu.count", "gpu.free_memory", "gpu.health", "gpu.held_memory", "gpu.order", "gpu.sharing", "gpu.size", "gpu.use", "gpu.workspace", "host", "os", "packages", "probes", "python", "random", "required"])
"""Files with a rule about a state."""
