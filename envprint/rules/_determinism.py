"""How the rules of `determinism` find what they speak of."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.model import Comparison, Fingerprint, Workload
from envprint.rule import Match
from envprint.rules import _threads
from envprint.rules._dials import (
    SWITCHES,
    Drift,
    reaches,
    variable,
    variables_of,
    when_read_differently,
)
from envprint.versions import numbers

TENSORFLOW = "facts.frameworks.tensorflow.version"
OP_DETERMINISM = f"{SWITCHES}[tensorflow-op-determinism].value"
_YES = ("1", "true", "on", "yes", "y", "t")
_NO = ("0", "false", "off", "no", "n", "f")
ONLY_ON_GPU = ("cudnn", "tf32", "cublas", "xla-gpu", "flash", "memory-efficient")
NO_EFFECT = ("torch-inter-op-threads",)
"""Switches that are told and not judged: whole operations run at the same time, none is split."""
_XLA_DETERMINISTIC = frozenset(
    f"--xla_gpu_deterministic_ops{value}" for value in ("", "=true", "=True", "=1")
)


def is_on(value: str | None) -> bool:
    """Whether a switch or a variable says yes."""
    return (value or "").lower() in _YES


def when_switched(**defaults: bool) -> Drift:
    """A rule's look at yes-or-no variables: one match for each that says something else.

    The default stands for a variable that is unset, empty or says neither yes nor no.
    """
    return when_read_differently(lambda name, value: _says(value, defaults[name]), *defaults)


def _says(value: str | None, default: bool) -> bool:
    text = (value or "").lower()
    return is_on(text) if text in _NO or is_on(text) else default


def _tensorflow_remedy(version: str) -> str:
    number = numbers(version)
    if number >= (2, 8):
        return "tf.config.experimental.enable_op_determinism(), with parentheses, before any op."
    if number >= (2, 1):
        return "export TF_DETERMINISTIC_OPS=1"
    return (
        "pip install framework-reproducibility; from fwr13y.d9m.tensorflow import "
        "enable_determinism; enable_determinism()"
    )


def tensorflow_off(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """No sign of op determinism, from the first version that can have it."""
    variables = variables_of(now)
    on = is_on(now.value(OP_DETERMINISM)) or is_on(variables.get("TF_DETERMINISTIC_OPS"))
    version = now.value(TENSORFLOW)
    if version and numbers(version) >= (1, 14) and not on:
        yield Match(
            "TensorFlow: nothing seen that asks for deterministic operations",
            (OP_DETERMINISM,),
            remedy=_tensorflow_remedy(version),
        )


def stale_variable(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """The variable of 2.7 and before, with a version that documents a function."""
    value = variables_of(now).get("TF_DETERMINISTIC_OPS")
    version = now.value(TENSORFLOW) if is_on(value) else None
    if version and numbers(version) >= (2, 8):
        yield Match(
            f"TF_DETERMINISTIC_OPS={value} with TensorFlow {version}",
            (variable("TF_DETERMINISTIC_OPS"),),
            after=value,
            remedy=_tensorflow_remedy(version),
        )


def defeated(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """Two variables of which one takes back what the other asks for."""
    variables = variables_of(now)
    asked = is_on(variables.get("TF_CUDNN_DETERMINISTIC"))
    if asked and variables.get("TF_CUDNN_USE_AUTOTUNE") in ("0", "false"):
        yield Match(
            "TF_CUDNN_USE_AUTOTUNE=0 stands beside TF_CUDNN_DETERMINISTIC=1",
            (variable("TF_CUDNN_USE_AUTOTUNE"), variable("TF_CUDNN_DETERMINISTIC")),
            after=variables["TF_CUDNN_USE_AUTOTUNE"],
        )


def varying_convolutions(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """A version with the fault in its choice of convolutions."""
    version = now.value(TENSORFLOW)
    if version and (2, 5) <= numbers(version) < (2, 9):
        yield Match(
            f"TensorFlow {version} may choose another convolution algorithm in each run",
            (TENSORFLOW,),
            after=version,
        )


def torch_off(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """No sign of deterministic algorithms."""
    path = f"{SWITCHES}[torch-deterministic-algorithms].value"
    if not is_on(now.value(path)):
        yield Match("PyTorch: nothing seen that asks for deterministic algorithms", (path,))


def jax_off(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """No flag for deterministic operations."""
    flags = variables_of(now).get("XLA_FLAGS", "")
    if _XLA_DETERMINISTIC.isdisjoint(flags.split()):
        yield Match(
            "XLA may take kernels that do not repeat",
            (variable("XLA_FLAGS"),),
            after=flags or None,
        )


def threads_left_to_machine(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """Thread counts that nothing fixes."""
    variables = variables_of(now)
    for dial in _threads.THREADS:
        is_set_inside = dial.switch and now.value(f"{SWITCHES}[{dial.switch}]")
        if reaches(dial, workload) and dial.variables and not is_set_inside:
            count = dial.setting(now, variables)
            if _threads.requested(variables, dial.variables) is None and count != "1":
                yield Match(
                    f"{dial.what} follows the number of usable CPUs",
                    tuple(variable(name) for name in dial.variables),
                    remedy=f"export {dial.pin(now, count)}",
                )


def switched(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """Switches that both sides tell, with other values."""
    before = comparison.before.value(SWITCHES) or {}
    after = comparison.after.value(SWITCHES) or {}
    keys = [key for key in sorted(before.keys() & after.keys()) if _acts(key, workload)]
    # A switch that its framework refused to tell comes last, because a doubt ends the rule.
    for key in sorted(keys, key=lambda key: not ("value" in before[key] and "value" in after[key])):
        change = comparison.change(f"{SWITCHES}[{key}].value")
        sources = (before[key].get("source") or "", after[key].get("source") or "")
        if change is None or all(source.isupper() for source in sources):
            continue
        yield Match(
            f"{key} was {change.before}, is {change.after}",
            comparison.under(f"{SWITCHES}[{key}]"),
            change.before,
            change.after,
        )


def _acts(key: str, workload: Workload) -> bool:
    """Whether a switch reaches the job: its framework is used, and its device."""
    owner = {"keras": "tensorflow"}.get(key.partition("-")[0], key.partition("-")[0])
    used = owner in workload.frameworks or owner not in ("tensorflow", "torch", "jax")
    on_device = workload.device == "gpu" or not any(name in key for name in ONLY_ON_GPU)
    return used and on_device and key not in NO_EFFECT
