"""On which device each framework will compute, as far as files and the driver show."""

import re
from collections.abc import Callable
from typing import NamedTuple

from envprint.core.fingerprint import Fingerprint
from envprint.rules.kit.devices import how_many, visible
from envprint.rules.kit.packages import version_path

BUILDS = {name: f"facts.frameworks.{name}.build" for name in ("tensorflow", "torch")}
PLUGINS = "facts.frameworks.jax.plugins"
JAXLIB = "facts.frameworks.jax.jaxlib_version"
JAXLIB_BUILD = "facts.packages.distributions[jaxlib].version"
UVM = "facts.cuda.uvm_device"
KFD = "facts.rocm.kfd_device"
ROCM_BUILD = BUILDS["torch"]
_LIBRARIES = {"runtime": "libcudart", "cudnn": "cuDNN"}


class Computing(NamedTuple):
    """The device on which a framework will compute, and why."""

    device: str
    """`cpu` or `gpu`."""
    reason: str
    paths: tuple[str, ...] = ()
    """What shows the reason."""


def computing(now: Fingerprint, framework: str) -> Computing | None:
    """Where `framework` will compute by default; None if it is not installed.

    Raises `UnknownValueError`.
    """
    judge = _JUDGES.get(framework)
    if judge is None or not now.value(version_path(framework)):
        return None
    return judge(now) or _by_driver(now)


def _by_driver(now: Fingerprint) -> Computing:
    """Where a framework that can use NVIDIA's GPUs computes on this machine."""
    if not how_many(now):
        status = now.value("facts.gpu.status")
        reason = "no GPU is visible" if status in (None, "ok") else status
        return Computing("cpu", reason, ("facts.gpu.status",))
    if now.value(UVM) == "missing":
        return Computing("cpu", "/dev/nvidia-uvm is missing", (UVM,))
    keys = ", ".join(one.label for one in visible(now))
    return Computing("gpu", f"GPU {keys}")


def _tensorflow(now: Fingerprint) -> Computing | None:
    build = now.value(BUILDS["tensorflow"])
    if build != "cuda":
        return _of_build(now, build, BUILDS["tensorflow"])
    lacking = [
        (name, f"facts.cuda.{key}.installed")
        for key, name in _LIBRARIES.items()
        if not (now.value(f"facts.cuda.{key}.installed") or now.value(f"facts.cuda.{key}.loaded"))
    ]
    if not lacking:
        return None
    names = [name for name, _ in lacking]
    what = "no CUDA library" if len(names) == len(_LIBRARIES) else f"no {names[0]}"
    return Computing("cpu", f"{what} is found", tuple(path for _, path in lacking))


def _torch(now: Fingerprint) -> Computing | None:
    build = now.value(BUILDS["torch"])
    return None if build == "cuda" else _of_build(now, build, BUILDS["torch"])


def uses_rocm(now: Fingerprint) -> bool:
    """Whether this is a machine with AMD's driver. Raises `UnknownValueError`."""
    return bool(now.value(KFD))


def _of_build(now: Fingerprint, build: str | None, path: str) -> Computing:
    if build in ("cpu", None):
        return Computing("cpu", "a CPU build", (path,))
    if build == "rocm" and not uses_rocm(now):
        return Computing("cpu", "a build for ROCm, and /dev/kfd does not exist", (path, KFD))
    return Computing("gpu", f"a build for {build}", (path,))


def _jax(now: Fingerprint) -> Computing | None:
    plugins: dict[str, str | None] = now.value(PLUGINS) or {}
    if "+cuda" in (now.value(JAXLIB_BUILD) or ""):
        return None  # builds of before there were plugins
    jaxlib = now.value(JAXLIB)
    cuda = {name: version for name, version in plugins.items() if name.startswith("jax-cuda")}
    if not cuda:
        others = ", ".join(plugins)
        if others:
            return Computing("gpu", f"by {others}", (PLUGINS,))
        return Computing("cpu", "no plugin for a GPU is installed", (PLUGINS,))
    for name, version in sorted(cuda.items()):
        if jaxlib and version and _release(version) != _release(jaxlib):
            reason = f"{name} is {version}, jaxlib is {jaxlib}"
            return Computing("cpu", reason, (f"{PLUGINS}[{name}]", JAXLIB))
    return None


def _release(version: str) -> str:
    """The dotted numbers at the beginning, which JAX compares."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return found[0] if found else version


_JUDGES: dict[str, Callable[[Fingerprint], Computing | None]] = {
    "jax": _jax,
    "tensorflow": _tensorflow,
    "torch": _torch,
}
