"""What kind of text each field has, for `public`: a field that is not listed is private.

The kinds are in `kinds.py`. Paths have no step for a list, and `.*` for a map; `.KEY` after a map's
path stands for its keys.
"""

from __future__ import annotations

import re
from functools import cache

KEY = ".KEY"
PRIVATE = "private"

_CUDA_LIBRARY = "facts.cuda.(cublas|cudnn|cufft|cusolver|cusparse|nccl|nvjitlink|nvrtc|runtime)"
_MEMORY = "live.gpu.devices.*(.mig_devices.*)?"
_DEVICE = "facts.gpu.devices.*"

FIELDS = {
    "name": """
        facts.code.file_system
        facts.container.(kind|notebook_service|scheduler)
        facts.cpu.(architecture|flags|level|microcode|model|vendor)
        facts.cuda.(fabric_manager|iommu|uvm_device)
        LIBRARY.installed.source LIBRARY.built.KEY facts.cuda.shadowed_for.KEY
        facts.determinism.switches.KEY facts.determinism.switches.*.source
        facts.frameworks.imported facts.frameworks.(tensorflow|torch).build
        facts.frameworks.tensorflow.compute_capabilities
        facts.frameworks.keras.(backend|floatx|image_data_format)
        facts.frameworks.(numpy|scipy).blas.name
        facts.gpu.status
        DEVICE.(addressing_mode|architecture|compute_capability|compute_mode|driver_model)
        DEVICE.(ecc_mode|ecc_mode_pending|mig_mode|mig_mode_pending|name|virtualization_mode)
        DEVICE.mig_devices.name
        facts.math.libm facts.math.(blas|loaded|openmp|thread_pools).name
        facts.math.thread_pools.(api|architecture|threading_layer)
        facts.os.(distribution|distribution_name|libc|locale|system)
        facts.packages.distributions.*.(installer|tags)
        facts.packages.distributions.*.origin.(kind|vcs)
        facts.probes.numeric.*.device facts.probes.numeric.*.digests.KEY
        facts.probes.numeric.*.varying
        facts.probes.(numeric.*|training.*).(settings|in_force).KEY
        facts.python.(byte_order|compiler|hash_seed|implementation|prefix_kind)
        facts.python.flags.KEY facts.rocm.gpus.KEY facts.rocm.gpus.*.target
        live.gpu.answer live.gpu.control_device_error live.gpu.silence.(call|gpu) live.gpu.lost
        MEMORY.(clock_reasons|memory_interface|process_interface|unattributed_reason)
        MEMORY.errors.recovery_action MEMORY.lists_missing.KEY MEMORY.processes.kind
        live.random.generators.KEY live.random.drawn_by.KEY live.random.generators.*.seed
    """,
    "number": "facts.gpu.devices.KEY live.gpu.devices.KEY",
    "version": """
        LIBRARY.built.* LIBRARY.(installed|loaded).version
        facts.cuda.driver_library.version facts.cuda.(kernel_module_version|supported_version)
        facts.cuda.toolkits.KEY FRAMEWORK.version FRAMEWORK.blas.version
        facts.frameworks.jax.jaxlib_version facts.frameworks.jax.plugins.*
        facts.frameworks.keras.legacy_version
        facts.frameworks.(tensorflow|torch).(cuda_version|cudnn_version)
        facts.gpu.(driver_version|nvml_version)
        facts.math.(blas|loaded|thread_pools).version
        facts.packages.(distributions|conda).*.version facts.packages.duplicates.*.version
        facts.packages.unmet.*.(installed|specifier)
        facts.probes.(imports|numeric|training).*.version
        facts.python.version facts.rocm.(driver_version|version)
    """,
    "digest": """
        facts.frameworks.torch.git_version facts.packages.distributions.*.build_id
        facts.probes.(numeric|training).*.revision facts.probes.numeric.*.digests.*
        facts.probes.training.*.runs.weights live.random.generators.*.state
    """,
    "package": """
        facts.frameworks.tensorflow.distribution facts.frameworks.jax.plugins.KEY
        facts.math.(blas|openmp).owner
        facts.packages.(conda|distributions|duplicates|edited|unmet).KEY
        facts.packages.requested facts.packages.unmet.*.name
        facts.probes.(imports|numeric|training).KEY facts.probes.imports.*.module
        live.random.drawn_by.*
    """,
    "path": """
        facts.code.submodules.KEY
        LIBRARY.(installed|loaded).path facts.cuda.driver_library.(directory|path)
        facts.cuda.shadowed facts.cuda.shadowed_for.* facts.cuda.toolkits.*.path
        facts.frameworks.(numpy|scipy).blas.library facts.gpu.library_path
        facts.math.(blas|loaded|openmp|thread_pools).library
        facts.packages.distributions.*.location facts.packages.duplicates.*.location
        facts.packages.edited.*
        facts.python.(base_prefix|executable|prefix|search_path)
    """,
    "value": """
        facts.determinism.switches.*.value
        facts.environ.changed_since_start.*.(now|start) facts.environ.variables.*
        facts.frameworks.jax.unknown_xla_flags
        facts.os.(kernel_release|kernel_version|time_zone)
        facts.packages.conda.*.build
        facts.probes.(numeric|training).*.(settings|in_force).*
        facts.python.startup_hooks facts.python.x_options.KEY facts.python.x_options.*
    """,
    "variable": """
        facts.environ.(changed_since_start|misspelt|variables).KEY facts.environ.misspelt.*
        facts.environ.world_size.variable
    """,
    "url": "facts.code.repository facts.packages.distributions.*.origin.url",
    "channel": "facts.packages.conda.*.channel",
    "uuid": """
        DEVICE.uuid DEVICE.mig_devices.uuid facts.gpu.visible live.gpu.devices.*.mig_devices.KEY
    """,
    "bus": "DEVICE.bus_id",
    "image": "facts.container.image",
    "branch": "facts.code.branch",
    "commit": """
        facts.code.(commit|diff_digest|submodules.*) facts.packages.distributions.*.origin.commit
    """,
    "program": "MEMORY.processes.(name|program)",
    "reason": "MEMORY.processes.name_unknown MEMORY.lists_missing.*",
    "error": "facts.probes.imports.*.error",
}  # fmt: skip
"""The fields of each kind of text, as patterns: a choice stands in round brackets."""

_FRAMEWORK = "facts.frameworks.(jax|keras|numpy|scikit_learn|scipy|tensorflow|torch)"
_SHORT = {
    "LIBRARY": _CUDA_LIBRARY,
    "DEVICE": _DEVICE,
    "MEMORY": _MEMORY,
    "FRAMEWORK": _FRAMEWORK,
}


@cache
def kind_of(path: str) -> str:
    """The kind of the texts at this path; `private` if it is listed nowhere."""
    found = (kind for kind, pattern in _patterns().items() if pattern.fullmatch(path))
    return next(found, PRIVATE)


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {
        kind: re.compile("|".join(map(_pattern, fields.split()))) for kind, fields in FIELDS.items()
    }


def _pattern(field: str) -> str:
    for short, whole in _SHORT.items():
        field = field.replace(short, whole)
    return re.sub(r"[.*]", lambda match: f"\\{match[0]}", field)
