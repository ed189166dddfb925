"""A machine in a few lines, for the head of a report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from envprint.errors import Undetermined
from envprint.model import Fingerprint
from envprint.report import Summary
from envprint.units import size


def summarise(fingerprint: Fingerprint) -> Summary:
    """Which fingerprint it is, and what its machine is like."""
    return Summary(
        fingerprint.label, fingerprint.digest, fingerprint.captured_at, tuple(_lines(fingerprint))
    )


def _lines(fingerprint: Fingerprint) -> Iterator[tuple[str, str]]:
    for topic, tell in (
        ("system", _system),
        ("cpu", _cpu),
        ("gpu", _gpu),
        ("python", _python),
        ("packages", _frameworks),
    ):
        try:
            yield topic, tell(fingerprint)
        except Undetermined as doubt:
            yield topic, f"unknown: {doubt.reason}"


def _system(f: Fingerprint) -> str:
    kernel = f"{f.value('facts.os.system')} {f.value('facts.os.kernel_release')}"
    parts = [f.value("facts.os.distribution_name"), kernel, f.value("facts.container.kind")]
    return ", ".join(part for part in parts if part)


def _cpu(f: Fingerprint) -> str:
    usable, threads = f.value("facts.cpu.usable_threads"), f.value("facts.cpu.threads")
    level = f.value("facts.cpu.level") or f.value("facts.cpu.architecture")
    return f"{f.value('facts.cpu.model') or 'unnamed'}, {level}, {usable} of {threads} CPUs usable"


def _gpu(f: Fingerprint) -> str:
    devices: dict[str, Any] = f.value("facts.gpu.devices") or {}
    if not devices:
        return f"none ({f.value('facts.gpu.status')})"
    told: dict[str, int] = {}
    for index, device in sorted(devices.items()):
        text = _one_gpu(f, index, device)
        told[text] = told.get(text, 0) + 1
    return "; ".join(text if count == 1 else f"{count} × {text}" for text, count in told.items())


def _one_gpu(f: Fingerprint, index: str, device: dict[str, Any]) -> str:
    text = device.get("name") or "unnamed"
    try:
        total = f.value(f"facts.gpu.devices[{index}].memory_total_bytes")
        free = f.value(f"live.gpu.devices[{index}].memory_free_bytes")
    except Undetermined:
        total = free = None
    if total is None or free is None:
        return f"{text}, memory unknown"
    return f"{text}, {size(free)} of {size(total)} free"


def _python(f: Fingerprint) -> str:
    kind = f.value("facts.python.prefix_kind")
    return f"{f.value('facts.python.implementation')} {f.value('facts.python.version')} ({kind})"


def _frameworks(f: Fingerprint) -> str:
    count = len(f.value("facts.packages.distributions") or {})
    names = ("tensorflow", "keras", "torch", "jax", "numpy", "scipy", "scikit_learn")
    found = []
    for name in names:
        version = f.value(f"facts.frameworks.{name}.version")
        if version:
            found.append(f"{name.replace('_', '-')} {version}")
    noun = "distribution" if count == 1 else "distributions"
    return f"{count} {noun}; " + (", ".join(found) or "no framework among them")
