"""Which job a difference is judged for, and the conditions under which a rule can matter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from envprint.errors import Undetermined
from envprint.model import Fingerprint, Workload
from envprint.rule import Condition

FRAMEWORKS = ("jax", "numpy", "scikit-learn", "tensorflow", "torch")
"""The names used in options, policy files and reports; TensorFlow includes Keras."""

always = Condition("any workload", lambda workload: True)
on_cpu = Condition("on the CPU", lambda workload: workload.device == "cpu")
on_gpu = Condition("on a GPU", lambda workload: workload.device == "gpu")


def uses(*frameworks: str) -> Condition:
    """The workload uses at least one of `frameworks`."""
    assert set(frameworks) <= set(FRAMEWORKS), frameworks
    return Condition(
        f"with {' or '.join(frameworks)}",
        lambda workload: not set(frameworks).isdisjoint(workload.frameworks),
    )


def machine(*names: str) -> Condition:
    """The processor's architecture is one of `names`, or not known."""
    return Condition(f"on {' or '.join(names)}", lambda w: not w.machine or w.machine in names)


def detect(
    now: Fingerprint,
    baseline: Fingerprint | None = None,
    *,
    frameworks: Iterable[str] = (),
    device: str | None = None,
) -> Workload:
    """The workload as far as the options leave it open: what is installed, and a GPU if visible.

    On either side: a GPU or a framework that was there and is gone is what must be judged. In a
    process that has imported frameworks, those count and not what else is installed.
    """
    sides = [now] if baseline is None else [now, baseline]
    installed = [
        name
        for name in FRAMEWORKS
        if any(_known(side, f"facts.frameworks.{_field(name)}") for side in sides)
    ]
    imported = _known(now, "facts.frameworks.imported") or []
    return Workload(
        frameworks=tuple(sorted(set(frameworks) or set(imported) or set(installed))),
        device=device or ("gpu" if any(map(_gpu_is_visible, sides)) else "cpu"),
        machine=_known(now, "facts.cpu.architecture") or "",
    )


def _field(framework: str) -> str:
    return framework.replace("-", "_")


def _gpu_is_visible(now: Fingerprint) -> bool:
    hidden = _known(now, "facts.environ.variables[CUDA_VISIBLE_DEVICES]") in (
        "",
        "-1",
        "NoDevFiles",
    )
    return bool(_known(now, "facts.gpu.devices")) and not hidden


def _known(now: Fingerprint, path: str) -> Any:
    try:
        return now.value(path)
    except Undetermined:
        return None
