"""A library's settings, as they follow from the processor and the variables.

A variable matters only if it changes what is in force: OMP_NUM_THREADS=4 on two CPUs, or a limit
at the processor's own level, changes nothing. `setting_rules` finds the cause of a change.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import VARIABLES, Fingerprint
from envprint.core.rule import Drift, Match, Result, for_each
from envprint.core.typed import NamedTuple
from envprint.core.workload import Workload

# What is in force in a process: what a loaded framework reports, else what its variable requests.
#
# A variable is only a request: the program can set the same thing itself, or set the variable after
# its reader has read it. So a switch that the framework reports takes precedence, and for a
# variable that the process changed, the report says when it takes effect.
SWITCHES = "facts.determinism.switches"
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
"""Variables whose effect the framework reports once loaded, and the switch that reports it."""

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
"""Prefixes of names, and the frameworks that read such a variable when they are imported."""


def switch(key: str) -> str:
    """The path of a switch's value."""
    return f"{SWITCHES}[{key}].value"


def is_variable(source: str | None) -> bool:
    """Whether a switch was read from a variable, such as `XLA_FLAGS --xla_gpu_autotune_level`."""
    return (source or "").partition(" ")[0].isupper()


def reported(side: Fingerprint, key: str) -> str | None:
    """What a loaded framework reported for a switch; None if it was not set or not queried.

    Raises `UnknownValueError` if the framework could not report it.
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
    """Keras' backend as Keras reports it, else from its variable and its file."""
    key = "keras-backend"
    recorded: str | None = side.value("facts.frameworks.keras.backend")
    return reported(side, key) or recorded


def has_imported(side: Fingerprint, framework: str) -> bool:
    """Whether the capturing process had loaded the framework, so that it could be queried."""
    return framework in (side.value(IMPORTED) or ())


def both_report(comparison: Comparison, key: str) -> bool:
    """Whether a switch can be compared: each side reports it or has not set it."""
    framework = key.partition("-")[0]
    return all(
        reported(side, key) is not None or has_imported(side, framework)
        for side in (comparison.before, comparison.after)
    )


def in_force(comparison: Comparison, name: str) -> tuple[str | None, str | None]:
    """What is in force for a variable on both sides; None for its default.

    The framework's report, if both sides have one: a variable does not show what a program sets.
    """
    key = SWITCH_OF.get(name)
    sides = (comparison.before, comparison.after)
    values = [side.value(f"{VARIABLES}[{name}]") for side in sides]
    if key and both_report(comparison, key):
        before, after = (
            reported(side, key) or value for side, value in zip(sides, values, strict=True)
        )
        return before, after
    return values[0], values[1]


def as_at_start(side: Fingerprint, variables: dict[str, str | None]) -> dict[str, str | None]:
    """The variables; those read at the start of a process have their value at that time."""
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
    """The restriction to state for variables that a process changed itself; usually empty."""
    sides = (comparison.before, comparison.after)
    there = sorted({reader for side in sides for name in names for reader in readers(side, name)})
    if not there:
        return ""
    return (
        f" (set by the program itself: it counts only if that was before the import of "
        f"{' and '.join(there)})"
    )


Variables = Mapping[str, str]


class Setting(NamedTuple):
    """One setting: its readers, its variables, and the value then in force."""

    what: str
    used_by: tuple[str, ...]
    """Frameworks and libraries that compute with it."""
    variables: tuple[str, ...]
    """In order of precedence."""
    forecast: Callable[[Fingerprint, Variables], str]
    """The value in force on that machine with those variables."""
    fix: Callable[[Fingerprint, str], tuple[str, str] | None]
    """The variable, and its value, that produces a setting; None if there is none."""
    on_gpu: bool = False
    """Whether it affects a job on a GPU too."""
    switch: str | None = None
    """The determinism switch in which the framework reports it, once loaded."""
    reported: Callable[[Fingerprint], str | None] = lambda side: None
    """The value that the process itself reported as in force; None if it reported none."""


def trace(comparison: Comparison, names: Iterable[str]) -> tuple[str, ...]:
    """Changed paths of the determinism switches that one of these variables set."""
    found: dict[str, None] = {}
    for side in (comparison.before, comparison.after):
        switches = side.facts.get("determinism", {}).get("switches") or {}
        for key, switch in switches.items():
            if (switch.get("source") or "").partition(" ")[0] in names:
                found.update(dict.fromkeys(comparison.under(f"{SWITCHES}[{key}]")))
    return tuple(found)


def when_changed(*names: str) -> Drift:
    """A drift check of variables for which every change matters: one match per variable."""
    return when_read_differently(lambda name, value: value, *names)


def when_read_differently(read: Callable[[str, str | None], object], *names: str) -> Drift:
    """A drift check of variables for which only the interpretation matters: one match per variable.

    `read` maps a variable's name and value (None if unset) to what its reader makes of it. If a
    loaded framework reports a switch of `SWITCH_OF`, the switch replaces its variable.
    """

    def drift(comparison: Comparison, workload: Workload) -> Iterator[Result]:
        def look(name: str) -> Iterator[Match]:
            before, after = in_force(comparison, name)
            if read(name, before) != read(name, after):
                yield _set_differently(comparison, name, before, after)

        return for_each(names, look)

    return drift


def _set_differently(
    comparison: Comparison, name: str, before: str | None, after: str | None
) -> Match:
    """A match for what the variable sets; it names the variable only if that is what changed."""
    change = comparison.change(variable(name))
    paths = comparison.under(f"{SWITCHES}[{SWITCH_OF[name]}]") if name in SWITCH_OF else ()
    if change is None:
        text = f"{SWITCH_OF[name]} was {value_text(before)}, is {value_text(after)}"
        return Match(text, paths, before, after)
    return Match(
        f"{name} was {value_text(change.before)}, is {value_text(change.after)}"
        f"{proviso(comparison, [name])}",
        tuple(dict.fromkeys((change.path, *trace(comparison, (name,)), *paths))),
        change.before,
        change.after,
    )


def value_text(value: str | None) -> str:
    """A variable's value for people."""
    return "unset" if value is None else value or "empty"


def variable(name: str) -> str:
    """The path of an environment variable."""
    return f"{VARIABLES}[{name}]"


def variables_of(side: Fingerprint) -> Variables:
    """The recorded variables. Raises `UnknownValueError` if they are unknown.

    Those read at the start of a process have their value at that time.
    """
    recorded = as_at_start(side, side.value(VARIABLES) or {})
    return {name: value for name, value in recorded.items() if value is not None}


def reaches(setting: Setting, workload: Workload) -> bool:
    """Whether the job computes with the setting."""
    used = not set(setting.used_by).isdisjoint((*workload.frameworks, *workload.libraries))
    return used and (workload.device == "cpu" or setting.on_gpu)


LEVELS = ("sse", "avx", "avx2", "avx512")


def rank(setting: str) -> tuple[int, int]:
    """A sort key for thread counts and instruction sets, from low to high."""
    if setting.isdecimal() and len(setting) < 10:
        return 0, int(setting)
    return 1, LEVELS.index(setting) if setting in LEVELS else -1
