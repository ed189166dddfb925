"""A machine in a few lines, for the head of a report."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import IMPORTED, Fingerprint
from envprint.core.report import Code, Summary
from envprint.core.typed import Any
from envprint.core.units import size

_COMMIT = 7
"""Characters of a commit that a person reads."""


def summarise(fingerprint: Fingerprint) -> Summary:
    """Which fingerprint it is, and what its machine is like."""
    return Summary(
        fingerprint.label,
        fingerprint.digest,
        fingerprint.captured_at,
        tuple(_lines(fingerprint)),
        fingerprint.reference,
        fingerprint.get("facts.python.prefix"),
        fingerprint.program,
        fingerprint.chosen,
        fingerprint.hint,
        python=fingerprint.get("facts.python.version"),
        machine=tuple(_machine(fingerprint)),
        code=code_of(fingerprint),
        record=_record(fingerprint.captured_via),
    )


def _record(via: str) -> str | None:
    """What somebody else's record is, such as `pip-freeze`."""
    return via.removeprefix(IMPORTED) if via.startswith(IMPORTED) else None


def code_of(f: Fingerprint) -> Code | None:
    """The state of the project's code; None outside a Git work tree, and if it is unknown."""
    commit = f.get("facts.code.commit")
    if commit is None:
        return None
    count = f.get("facts.code.changed_files")
    if count:
        uncommitted = f"{count} file{'' if count == 1 else 's'} not committed"
    else:
        uncommitted = "changes not committed" if f.get("facts.code.dirty") else ""
    digest = f.get("facts.code.diff_digest")
    return Code(f.get("facts.code.branch"), commit[:_COMMIT], uncommitted, digest)


def code_in_words(before: Code, after: Code) -> str:
    """`main 1a2b3c4 → 7d8e9f0, 2 files not committed`."""
    if before == after:
        return _code(after)
    if before[:2] == after[:2]:
        was, now = (code.uncommitted or "all committed" for code in (before, after))
        texts = f"{now}, not the same" if was == now else f"{was} → {now}"
        return f"{_code(after._replace(uncommitted=''))}, {texts}"
    if before.branch == after.branch and not before.uncommitted:
        after = after._replace(branch=None)
    return f"{_code(before)} → {_code(after)}"


def _code(code: Code) -> str:
    name = " ".join(filter(None, (code.branch, code.commit)))
    return f"{name}, {code.uncommitted}" if code.uncommitted else name


_MARKS = ("(R)", "(TM)", "(tm)")
_NOISE = ("CPU", "Processor", "NVIDIA")
"""What the names of processors, GPUs and systems say twice, or to nobody."""


def _short(name: str) -> str:
    """`Intel(R) Xeon(R) CPU @ 2.20GHz` is Intel Xeon, `Debian GNU/Linux 12 (bookworm)` Debian Linux
    12, and `NVIDIA A100-SXM4-40GB` A100-SXM4-40GB.
    """
    text = name.partition("@")[0]
    for mark in _MARKS:
        text = text.replace(mark, "")
    words = text.replace("GNU/Linux", "Linux").split()
    if words and words[-1][0] + words[-1][-1] == "()":
        words.pop()
    kept = [word for word in words if word not in _NOISE and not word.endswith("-Core")]
    return " ".join(kept) or name


UNKNOWN = "unknown "
"""Begins a part of the machine that is unknown."""


def _machine(f: Fingerprint) -> Iterator[str]:
    """Each part of the machine in a few words; one that is unknown is named as such."""
    for part, tell in (
        ("system", lambda: f.value("facts.os.distribution_name") or f.value("facts.os.system")),
        ("processor", lambda: f.value("facts.cpu.model") or f.value("facts.cpu.architecture")),
        ("CPUs", lambda: _cpu_count(f)),
        ("GPUs", lambda: _gpu_names(f)),
    ):
        try:
            yield _short(tell() or UNKNOWN + part)
        except UnknownValueError:
            yield UNKNOWN + part


def _cpu_count(f: Fingerprint) -> str:
    usable, threads = f.value("facts.cpu.usable_threads"), f.value("facts.cpu.threads")
    if usable is None:
        return ""
    count = f"{usable} of {threads}" if threads and usable != threads else f"{usable}"
    return f"{count} CPU{'' if threads == 1 else 's'}"


def _gpu_names(f: Fingerprint) -> str:
    devices, count = f.value("facts.gpu.devices") or {}, f.value("facts.gpu.count")
    if not devices and not count:
        return "no GPU"
    from envprint.core.cuda_visible_devices import keys_of  # most machines have no GPU

    counts: dict[str, int] = {}
    for key in keys_of(count, devices):
        name = _short(f.get(f"facts.gpu.devices[{key}].name", "unnamed GPU"))
        counts[name] = counts.get(name, 0) + 1
    texts = [name if number == 1 else f"{number} × {name}" for name, number in counts.items()]
    return " and ".join(texts)


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
        except UnknownValueError as error:
            yield topic, f"unknown: {error.reason}"


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
    count = f.value("facts.gpu.count") or 0
    if not devices and not count:
        return f"none ({f.value('facts.gpu.status')})"
    from envprint.core.cuda_visible_devices import MAX_DEVICES

    keys = sorted(
        {*devices, *map(str, range(min(count, MAX_DEVICES)))}, key=lambda key: (len(key), key)
    )
    counts: dict[str, int] = {}
    for key in keys:
        text = _one_gpu(f, key)
        counts[text] = counts.get(text, 0) + 1
    return "; ".join(text if count == 1 else f"{count} × {text}" for text, count in counts.items())


def _one_gpu(f: Fingerprint, key: str) -> str:
    place = f"facts.gpu.devices[{key}]"
    try:
        name = f.value(f"{place}.name") or "unnamed"
    except UnknownValueError as error:
        if error.path == place:
            return f"GPU {key}: {error.reason}"
        name = f"GPU {key} (name: {error.reason})"
    is_old = f.get(f"live.gpu.devices[{key}].process_interface") == "v1"
    old = "; process list by NVML's first interface" if is_old else ""
    slice_of = "a slice (vGPU), " if f.get(f"{place}.virtualization_mode") == "vGPU" else ""
    return f"{name}, {slice_of}{_memory_of(f, key)}{old}"


def _memory_of(f: Fingerprint, key: str) -> str:
    facts, live = f"facts.gpu.devices[{key}]", f"live.gpu.devices[{key}]"
    try:
        if f.value(f"{facts}.shares_system_memory"):
            return _memory_of_host(f)
        if f.value(f"{facts}.mig_mode") == "on":
            return _parts_of(f, key)
        total, free = f.value(f"{facts}.memory_total_bytes"), f.value(f"{live}.memory_free_bytes")
        used, reserved = (f.value(f"{live}.memory_{kind}_bytes") for kind in ("used", "reserved"))
        interface = f.value(f"{live}.memory_interface")
    except UnknownValueError as error:
        return f"memory unknown: {error.reason}"
    if total is None or free is None:
        return "memory unknown"
    parts = [f"{size(used)} in use"] if used is not None else []
    parts += [f"{size(reserved)} reserved by the driver"] if reserved is not None else []
    parts += ["including the driver's reserve"] if interface == "v1" else []
    return f"{size(free)} of {size(total)} free" + (f" ({', '.join(parts)})" if parts else "")


def _memory_of_host(f: Fingerprint) -> str:
    total, free = (f.value(f"live.host.memory_{kind}_bytes") for kind in ("total", "available"))
    if total is None or free is None:
        return "shares the system's memory"
    return f"shares the system's memory: {size(total)}, {size(free)} available"


def _parts_of(f: Fingerprint, key: str) -> str:
    """`divided (MIG): 3g.20gb 20,096 MiB`: the numbers of the whole are nobody's."""
    try:
        parts = f.value(f"facts.gpu.devices[{key}].mig_devices") or []
    except UnknownValueError as error:
        return f"divided (MIG), its parts are unknown: {error.reason}"
    texts = [
        str(part.get("name") or "a part").rpartition("MIG ")[2]
        + (f" {size(part['memory_total_bytes'])}" if part.get("memory_total_bytes") else "")
        for part in parts
    ]
    return f"divided (MIG): {', '.join(texts) or 'into no part yet'}"


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
