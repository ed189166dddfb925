"""What holds in a process: what a loaded framework has told, else what its variable asks for.

A variable is only a wish: the program may set the same thing itself, or set the variable when its
reader has looked already. So a switch that the framework tells goes first, and of a variable that
the process has changed the report says when it counts.
"""

from __future__ import annotations

from envprint.model import Comparison, Fingerprint

SWITCHES = "facts.determinism.switches"
VARIABLES = "facts.environ.variables"
CHANGED = "facts.environ.changed_since_start"
IMPORTED = "facts.frameworks.imported"

SWITCH_OF = {
    "TF_DETERMINISTIC_OPS": "tensorflow-op-determinism",
    "JAX_ENABLE_X64": "jax-x64",
    "JAX_DEFAULT_PRNG_IMPL": "jax-prng",
    "JAX_DEFAULT_MATMUL_PRECISION": "jax-matmul-precision",
    "JAX_DISABLE_JIT": "jax-disable-jit",
    "JAX_THREEFRY_PARTITIONABLE": "jax-threefry-partitionable",
}
"""Variables whose framework tells, when it is loaded, what came of them, and that switch."""

READ_AT_START = ("PYTHONHASHSEED", "GLIBC_TUNABLES", "LD_LIBRARY_PATH", "LD_PRELOAD")
"""Read once, by the dynamic loader or the interpreter, before any program code runs."""

READ_AT_IMPORT = {
    "OMP_": ("numpy", "scikit-learn", "torch"),
    "OPENBLAS_": ("numpy", "scikit-learn"),
    "MKL_": ("torch", "numpy"),
    "NPY_": ("numpy",),
    "ATEN_": ("torch",),
    "ONEDNN_": ("tensorflow", "torch", "jax"),
    "DNNL_": ("tensorflow", "torch", "jax"),
    "TF_": ("tensorflow",),
    "KERAS_": ("tensorflow",),
    "JAX_": ("jax",),
    "XLA_": ("jax", "tensorflow"),
    "CUBLAS_WORKSPACE_CONFIG": ("torch", "tensorflow", "jax"),
}
"""Beginnings of names, and the frameworks that read such a variable when they are imported."""


def switch(key: str) -> str:
    """The path of a switch's value."""
    return f"{SWITCHES}[{key}].value"


def is_variable(source: str | None) -> bool:
    """Whether a switch was read from a variable, such as `XLA_FLAGS --xla_gpu_autotune_level`."""
    return (source or "").partition(" ")[0].isupper()


def told(side: Fingerprint, key: str) -> str | None:
    """What a loaded framework has said of a switch; None when it was left to itself or not asked.

    Raises `Undetermined` where the framework refused to say.
    """
    if is_variable(side.value(f"{SWITCHES}[{key}].source")):
        return None
    value: str | None = side.value(switch(key))
    return value


def keras_backends(comparison: Comparison) -> set[str]:
    """The frameworks that Keras computes with on either side."""
    sides = (comparison.before, comparison.after)
    return {backend(side) or "tensorflow" for side in sides}


def backend(side: Fingerprint) -> str | None:
    """Keras' backend as it has told, else as its variable and its file have it."""
    key = "keras-backend"
    recorded: str | None = side.value("facts.frameworks.keras.backend")
    return told(side, key) or recorded


def has_imported(side: Fingerprint, framework: str) -> bool:
    """Whether the process that captured had loaded the framework, so that it could be asked."""
    return framework in (side.value(IMPORTED) or ())


def both_tell(comparison: Comparison, key: str) -> bool:
    """Whether a switch can be compared: each side tells it, or has left it to itself."""
    framework = key.partition("-")[0]
    return all(
        told(side, key) is not None or has_imported(side, framework)
        for side in (comparison.before, comparison.after)
    )


def in_force(comparison: Comparison, name: str) -> tuple[str | None, str | None]:
    """What stands for a variable's value on both sides; None for what is left to its default.

    The framework's word where both sides have it: what a program sets is not seen from outside.
    """
    key = SWITCH_OF.get(name)
    sides = (comparison.before, comparison.after)
    values = [side.value(f"{VARIABLES}[{name}]") for side in sides]
    if key and both_tell(comparison, key):
        before, after = (
            told(side, key) or value for side, value in zip(sides, values, strict=True)
        )
        return before, after
    return values[0], values[1]


def as_at_start(side: Fingerprint, variables: dict[str, str | None]) -> dict[str, str | None]:
    """The variables, those that are read at the start of a process with their value then."""
    late = side.value(CHANGED) if CHANGED not in side.unknown else None
    early = {name: late[name].get("start") for name in READ_AT_START if late and name in late}
    return {**variables, **early}


def readers(side: Fingerprint, name: str) -> list[str]:
    """The loaded frameworks that may have read a variable before the process changed it."""
    late = side.value(CHANGED) if CHANGED not in side.unknown else None
    if not late or name not in late:
        return []
    known = (r for start, names in READ_AT_IMPORT.items() if name.startswith(start) for r in names)
    return sorted({framework for framework in known if has_imported(side, framework)})


def proviso(comparison: Comparison, names: list[str]) -> str:
    """What must be said with variables that a process has changed itself; mostly nothing."""
    sides = (comparison.before, comparison.after)
    there = sorted({reader for side in sides for name in names for reader in readers(side, name)})
    if not there:
        return ""
    return (
        f" (set by the program itself: it counts only if that was before the import of "
        f"{' and '.join(there)})"
    )
