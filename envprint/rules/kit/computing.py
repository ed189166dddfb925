"""On which device each framework will compute, as far as files and the driver show."""

import re
from collections.abc import Callable, Collection

from envprint.core.errors import UnknownValueError
from envprint.core.fingerprint import Fingerprint
from envprint.core.typed import NamedTuple
from envprint.rules.kit.devices import DEVICES, how_many, visible
from envprint.rules.kit.packages import version_path

BUILDS = {name: f"facts.frameworks.{name}.build" for name in ("tensorflow", "torch")}
PLUGINS = "facts.frameworks.jax.plugins"
JAXLIB = "facts.frameworks.jax.jaxlib_version"
JAXLIB_BUILD = "facts.packages.distributions[jaxlib].version"
UVM = "facts.cuda.uvm_device"
DRIVER_LIBRARY = "facts.cuda.driver_library"
FABRIC_MANAGER = "facts.cuda.fabric_manager"
KFD = "facts.rocm.kfd_device"
ROCM_BUILD = BUILDS["torch"]
METAL = "facts.packages.distributions[tensorflow-metal].version"
PLATFORMS = "facts.environ.variables[JAX_PLATFORMS]"
_SYSTEM = "facts.os.system"
_MACHINE = "facts.cpu.architecture"
_NO_KFD = "a build for ROCm, and /dev/kfd does not exist"
_LIBRARIES = {"runtime": "libcudart", "cudnn": "cuDNN"}


class Computing(NamedTuple):
    """The device on which a framework will compute, and why."""

    device: str | None
    """`cpu` or `gpu`; None where the program or what is not recorded decides it."""
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
    if now.get(FABRIC_MANAGER) == "missing":
        return Computing("cpu", "the Fabric Manager does not run", (FABRIC_MANAGER,))
    if has_stub(now):
        return Computing("cpu", "libcuda.so.1 is the toolkit's stub", (f"{DRIVER_LIBRARY}.path",))
    try:
        keys = ", ".join(one.label for one in visible(now))
    except UnknownValueError as error:
        return Computing("gpu", f"which one is unknown: {error.reason}", (DEVICES,))
    return Computing("gpu", f"GPU {keys}")


def _tensorflow(now: Fingerprint) -> Computing | None:
    if now.get(METAL):
        return Computing("gpu", "Metal, by tensorflow-metal", (METAL,))
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
    if build == "cpu" and _has_metal(now):
        return Computing(None, "the program chooses between the CPU and Metal (mps)", (_SYSTEM,))
    return None if build == "cuda" else _of_build(now, build, BUILDS["torch"])


def has_stub(now: Fingerprint) -> bool:
    """Whether the loader finds the toolkit's stub of the driver. Raises `UnknownValueError`."""
    if now.value(DRIVER_LIBRARY) is None:
        return False
    places = (now.value(f"{DRIVER_LIBRARY}.{name}") for name in ("directory", "path"))
    return any("/stubs" in (place or "") for place in places)


def _has_metal(now: Fingerprint) -> bool:
    """Whether every build for this machine has Apple's GPU: macOS on ARM."""
    return (now.get(_SYSTEM), now.get(_MACHINE)) == ("Darwin", "arm64")


def uses_rocm(now: Fingerprint) -> bool:
    """Whether this is a machine with AMD's driver. Raises `UnknownValueError`."""
    return bool(now.value(KFD))


def _of_build(now: Fingerprint, build: str | None, path: str) -> Computing:
    if build in ("cpu", None):
        return Computing("cpu", "a CPU build", (path,))
    if build == "rocm" and not uses_rocm(now):
        return Computing("cpu", _NO_KFD, (path, KFD))
    return Computing("gpu", f"a build for {build}", (path,))


def _jax(now: Fingerprint) -> Computing | None:
    if now.get(PLATFORMS) == "cpu":
        return Computing("cpu", "JAX_PLATFORMS is cpu", (PLATFORMS,))
    plugins: dict[str, str | None] = now.value(PLUGINS) or {}
    inside = now.value(JAXLIB_BUILD) or ""
    if "+cuda" in inside:
        return None  # builds of before there were plugins
    if "+rocm" in inside:
        return _of_build(now, "rocm", JAXLIB_BUILD)
    jaxlib = now.value(JAXLIB)
    for kind in ("cuda", "rocm"):
        names = [name for name in sorted(plugins) if name.startswith(f"jax-{kind}")]
        for name in names:
            version = plugins[name]
            if jaxlib and version and _release(version) != _release(jaxlib):
                reason = f"{name} is {version}, jaxlib is {jaxlib}"
                return Computing("cpu", reason, (f"{PLUGINS}[{name}]", JAXLIB))
        if names:
            return None if kind == "cuda" else _of_build(now, "rocm", PLUGINS)
    return _without_gpu_plugin(plugins)


def _without_gpu_plugin(plugins: Collection[str]) -> Computing:
    if "jax-metal" in plugins:
        return Computing("gpu", "Metal, by jax-metal", (PLUGINS,))
    if "libtpu" in plugins:
        return Computing(None, "libtpu is installed, and a TPU is not looked for", (PLUGINS,))
    return Computing("cpu", "no plugin for a GPU is installed", (PLUGINS,))


def _release(version: str) -> str:
    """The dotted numbers at the beginning, which JAX compares."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return found[0] if found else version


_JUDGES: dict[str, Callable[[Fingerprint], Computing | None]] = {
    "jax": _jax,
    "tensorflow": _tensorflow,
    "torch": _torch,
}
