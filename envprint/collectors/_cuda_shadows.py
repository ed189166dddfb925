"""Libraries of CUDA in LD_LIBRARY_PATH, and which of them a framework's loader takes.

The file that loads a library decides: if it names directories by DT_RPATH alone, these come before
LD_LIBRARY_PATH, else they come after it. PyTorch's wheels have DT_RPATH, TensorFlow's DT_RUNPATH,
and NVIDIA's libraries, which load some of each other, DT_RUNPATH.
https://man7.org/linux/man-pages/man8/ld.so.8.html
"""

import re
from collections.abc import Iterable, Mapping

from envprint.collectors._cuda_libraries import FRAMEWORKS, LIBRARIES, Copy, library_path
from envprint.collectors._dist_info import distributions
from envprint.core.typed import Any, NamedTuple
from envprint.machine.attempt import names_or_empty, text_or_none
from envprint.machine.host import Host


class _Loading(NamedTuple):
    """A framework's library that loads those of CUDA."""

    package: str
    """Its Python package, below the directory of its distribution."""
    file: str
    """Below the package."""
    linking: Mapping[str, Any]
    """What its published wheels say; holds where the file cannot be read."""


_RPATH: Mapping[str, Any] = {"needed": [], "rpath": "$ORIGIN/../../nvidia", "runpath": None}
_RUNPATH: Mapping[str, Any] = {"needed": [], "rpath": None, "runpath": "$ORIGIN/../nvidia"}
# `readelf -d` on the wheels of PyTorch 2.13 and TensorFlow 2.15 to 2.21. For JAX:
# https://docs.jax.dev/en/latest/installation.html says that LD_LIBRARY_PATH can override.
_LOADING = {
    "torch": _Loading("torch", "lib/libtorch_cuda.so", _RPATH),
    "tensorflow": _Loading("tensorflow", "libtensorflow_cc.so.2", _RUNPATH),
    "jax-cuda12-plugin": _Loading("jax_plugins/xla_cuda12", "xla_cuda_plugin.so", _RUNPATH),
    "jax-cuda13-plugin": _Loading("jax_plugins/xla_cuda13", "xla_cuda_plugin.so", _RUNPATH),
}
_USUAL = {"tensorflow-gpu": "tensorflow", "tf-nightly": "tensorflow"}
"""Distributions with the files of another one."""
_BY_NVIDIA = ("libnvJitLink.so", "libcudnn_")
"""Beginnings of the files that libraries of NVIDIA load: cuSPARSE and cuSOLVER, and cuDNN."""
_PARTS = {"cudnn": ("libcudnn.so", "libcudnn_")}


def shadowed(host: Host, copies: Iterable[Copy]) -> list[str]:
    """Files in LD_LIBRARY_PATH with the name of a wheel's library, sorted."""
    beginnings = {library.key: (library.file,) for library in LIBRARIES} | _PARTS
    found = set()
    for copy in copies if library_path(host) else ():
        if copy.source == "wheel":
            top = copy.path.rpartition("/")[0] + "/nvidia"
            own = _names_below(host, top, beginnings[copy.key])
            for folder in library_path(host):
                if not host.real_path(folder).startswith(f"{host.real_path(top)}/"):
                    found |= {f"{folder}/{n}" for n in names_or_empty(host, folder) if n in own}
    return sorted(found)


def shadowed_for(host: Host, files: Iterable[str]) -> dict[str, list[str]]:
    """For each framework the files that its loader takes instead of the wheels'."""
    found: dict[str, list[str]] = {}
    for distribution in distributions(host) if files else ():
        loading = _LOADING.get(_USUAL.get(distribution.name, distribution.name))
        if loading:
            linking = _linking(host, distribution.directory, loading)
            first = _loaded_first(host, distribution.directory, loading)
            taken = [file for file in files if _is_taken(file.rpartition("/")[2], linking, first)]
            found.setdefault(FRAMEWORKS[distribution.name], taken)
    return found


def _linking(host: Host, directory: str, loading: _Loading) -> Mapping[str, Any]:
    """What the library that loads CUDA asks of the loader."""
    try:
        return host.linking(f"{directory}/{loading.package}/{loading.file}")
    except (OSError, ValueError):
        return loading.linking


# if "nvidia/cuda_runtime/lib/libcudart.so" not in _maps:     torch/__init__.py from 2.6 on
# _load("nvjitlink", ["libnvJitLink.so.12"])                  jax_plugins/xla_cuda12/__init__.py
def _loaded_first(host: Host, directory: str, loading: _Loading) -> tuple[str, ...]:
    """Beginnings of the wheels' libraries that the framework loads by their path before others.

    https://github.com/pytorch/pytorch/pull/141063, https://github.com/jax-ml/jax/pull/28977
    """
    text = text_or_none(host, f"{directory}/{loading.package}/__init__.py") or ""
    if loading.package != "torch":
        return tuple(re.findall(r'"(lib\w+\.so\.\d+)"', text))
    condition = re.search(r'"([\w/]*)libcudart\.so" not in _maps', text)
    holds = condition and host.file_type(f"{directory}/{condition[1]}".rstrip("/")) is not None
    return ("libnvJitLink.so", "libnvrtc.so") if holds else ()


def _is_taken(name: str, linking: Mapping[str, Any], first: tuple[str, ...]) -> bool:
    """Whether LD_LIBRARY_PATH comes first for the library `name`."""
    if name.startswith(first):
        return False
    if name.startswith(_BY_NVIDIA) and name not in linking["needed"]:
        return True
    return linking["runpath"] is not None or linking["rpath"] is None


def _names_below(host: Host, top: str, beginnings: tuple[str, ...]) -> set[str]:
    """The names of a library's files in the wheels' folders: nvidia/cudnn/lib, nvidia/cu13/lib."""
    return {
        name
        for part in names_or_empty(host, top)
        for name in names_or_empty(host, f"{top}/{part}/lib")
        if name.startswith(beginnings)
    }
