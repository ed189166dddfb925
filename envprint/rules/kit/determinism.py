"""What the rules of `determinism` look for."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.rule import Drift, Match, Result, for_each
from envprint.core.shell import Code, Command, export
from envprint.core.versions import numbers
from envprint.core.workload import Workload
from envprint.rules.kit import threads
from envprint.rules.kit.setting_rules import SettingChange
from envprint.rules.kit.settings import (
    SWITCH_OF,
    SWITCHES,
    is_variable,
    keras_backends,
    reaches,
    switch,
    variable,
    variables_of,
    when_read_differently,
)

TENSORFLOW = "facts.frameworks.tensorflow.version"
OP_DETERMINISM = f"{SWITCHES}[tensorflow-op-determinism].value"
_YES = ("1", "true", "on", "yes", "y", "t")
_NO = ("0", "false", "off", "no", "n", "f")
ONLY_ON_GPU = ("cudnn", "tf32", "cublas", "xla-gpu", "flash", "memory-efficient")
NO_EFFECT = ("torch-inter-op-threads", "tensorflow-inter-op-threads")
"""Reported but not judged: they run whole operations concurrently, and split none."""
JUDGED = frozenset((*SWITCH_OF.values(), "tensorflow-auto-jit", "keras-backend", "keras-floatx"))
"""Switches with a rule of their own, which also covers the variable or file that sets them."""
IMPACTS = {"torch-default-dtype": Impact.DIVERGES, "keras-dtype-policy": Impact.DIVERGES}
"""Switches that do more than change rounding: with another type, different numbers are drawn."""
_OWNERS = ("tensorflow", "torch", "jax", "keras")
_SET_ONLY = ("tensorflow-intra-op-threads",)
"""Thread switches that are reported only if the program or a variable set them."""
_BY_SWITCH = {setting.switch: setting for setting in threads.THREADS if setting.switch}
_XLA_DETERMINISTIC = frozenset(
    f"--xla_gpu_deterministic_ops{value}" for value in ("", "=true", "=True", "=1")
)


def is_on(value: str | None) -> bool:
    """Whether a switch or a variable is on."""
    return (value or "").lower() in _YES


def when_switched(**defaults: bool) -> Drift:
    """A drift check of boolean variables: one match for each whose meaning changed.

    The default applies to a variable that is unset, empty or not boolean.
    """
    return when_read_differently(lambda name, value: _says(value, defaults[name]), *defaults)


def _says(value: str | None, default: bool) -> bool:
    text = (value or "").lower()
    return is_on(text) if text in _NO or is_on(text) else default


def _tensorflow_remedy(version: str) -> tuple[str, str]:
    """The remedy and its note."""
    number = numbers(version)
    if number >= (2, 8):
        return Code("tf.config.experimental.enable_op_determinism()"), "Before any operation."
    if number >= (2, 1):
        return Command("export TF_DETERMINISTIC_OPS=1"), "Before the program starts."
    call = "from fwr13y.d9m.tensorflow import enable_determinism; enable_determinism()"
    return Command("pip install framework-reproducibility"), f"Then, in the program: {call}"


def tensorflow_off(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """No sign of op determinism, in a version that supports it."""
    variables = variables_of(now)
    on = is_on(now.value(OP_DETERMINISM)) or is_on(variables.get("TF_DETERMINISTIC_OPS"))
    version = now.value(TENSORFLOW)
    if version and numbers(version) >= (1, 14) and not on:
        remedy, note = _tensorflow_remedy(version)
        yield Match(
            "TensorFlow: nothing found that requests deterministic operations",
            (OP_DETERMINISM,),
            remedy=remedy,
            note=note,
        )


def stale_variable(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """The variable of 2.7 and before, with a version that documents a function instead."""
    value = variables_of(now).get("TF_DETERMINISTIC_OPS")
    version = now.value(TENSORFLOW) if is_on(value) else None
    if version and numbers(version) >= (2, 8):
        remedy, note = _tensorflow_remedy(version)
        yield Match(
            f"TF_DETERMINISTIC_OPS={value} with TensorFlow {version}",
            (variable("TF_DETERMINISTIC_OPS"),),
            after=value,
            remedy=remedy,
            note=note,
        )


def defeated(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """Two variables of which one cancels the other."""
    variables = variables_of(now)
    is_requested = is_on(variables.get("TF_CUDNN_DETERMINISTIC"))
    if is_requested and variables.get("TF_CUDNN_USE_AUTOTUNE") in ("0", "false"):
        yield Match(
            "TF_CUDNN_USE_AUTOTUNE=0 is set together with TF_CUDNN_DETERMINISTIC=1",
            (variable("TF_CUDNN_USE_AUTOTUNE"), variable("TF_CUDNN_DETERMINISTIC")),
            after=variables["TF_CUDNN_USE_AUTOTUNE"],
        )


def varying_convolutions(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """A version with the bug in its choice of convolutions."""
    version = now.value(TENSORFLOW)
    if version and (2, 5) <= numbers(version) < (2, 9):
        yield Match(
            f"TensorFlow {version} may choose a different convolution algorithm in each run",
            (TENSORFLOW,),
            after=version,
        )


def torch_off(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """No sign of deterministic algorithms."""
    path = f"{SWITCHES}[torch-deterministic-algorithms].value"
    if not is_on(now.value(path)):
        yield Match("PyTorch: nothing found that requests deterministic algorithms", (path,))


def jax_off(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """No flag for deterministic operations."""
    flags = variables_of(now).get("XLA_FLAGS", "")
    if _XLA_DETERMINISTIC.isdisjoint(flags.split()):
        yield Match(
            "XLA may use kernels that do not repeat",
            (variable("XLA_FLAGS"),),
            after=flags or None,
        )


def threads_left_to_machine(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """Thread counts that nothing fixes."""
    variables = variables_of(now)
    for setting in threads.THREADS:
        is_set_inside = setting.switch in _SET_ONLY and now.value(f"{SWITCHES}[{setting.switch}]")
        # XLA's variables are those of a test farm, and nobody is advised to set them.
        is_for_people = setting is not threads.JAX
        if reaches(setting, workload) and is_for_people and not is_set_inside:
            count = setting.forecast(now, variables)
            if threads.requested(variables, setting.variables) is None and count != "1":
                fix = setting.fix(now, count)
                yield Match(
                    f"{setting.what} follows the number of usable CPUs",
                    tuple(variable(name) for name in setting.variables),
                    remedy=fix and export(*fix),
                )


def switched(comparison: Comparison, workload: Workload) -> Iterator[Result]:
    """Switches that both sides report with different values, and threads set by a program."""
    before, after = (side.value(SWITCHES) or {} for side in (comparison.before, comparison.after))

    def look(key: str) -> Iterator[Match]:
        if not _acts(key, comparison, workload):
            return
        if setting := _BY_SWITCH.get(key):
            yield from _threads_set_inside(SettingChange(comparison, setting), key)
        elif not all(is_variable(side[key].get("source")) for side in (before, after)):
            change = comparison.change(switch(key))
            if change and not _is_floatx(comparison, key):
                yield _stands(comparison, key, change.before, change.after)

    both = before.keys() & after.keys()
    return for_each(sorted((both - JUDGED) | _BY_SWITCH.keys()), look)


def _threads_set_inside(setting: SettingChange, key: str) -> Iterator[Match]:
    """A count that a program set; counts of variables and of the machine have another rule."""
    if any(setting.reported) and setting.is_by_program():
        yield _stands(setting.comparison, key, *setting.values)


def _stands(comparison: Comparison, key: str, before: str | None, after: str | None) -> Match:
    return Match(
        f"{key} was {before}, is {after}",
        comparison.under(f"{SWITCHES}[{key}]"),
        before,
        after,
        impact=IMPACTS.get(key),
    )


def _is_floatx(comparison: Comparison, key: str) -> bool:
    """Whether Keras' policy only follows its float type, which has a rule of its own."""
    sides = (comparison.before, comparison.after)
    return key == "keras-dtype-policy" and all(
        side.value(switch(key)) == side.value(switch("keras-floatx")) for side in sides
    )


def _acts(key: str, comparison: Comparison, workload: Workload) -> bool:
    """Whether a switch affects the job: the job uses its framework and its device."""
    owner = key.partition("-")[0]
    frameworks = keras_backends(comparison) if owner == "keras" else {owner}
    used = owner not in _OWNERS or not frameworks.isdisjoint(workload.frameworks)
    on_device = workload.device == "gpu" or not any(name in key for name in ONLY_ON_GPU)
    return used and on_device and key not in NO_EFFECT
