"""CUDA around the GPU: the driver's two halves, toolkits, and the libraries of the frameworks.

Read from files; nothing of CUDA is loaded. The CUDA version that the driver supports is a ceiling
and no installed toolkit, so it stands apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from envprint.collectors._cuda_libraries import (
    LIBRARIES,
    Copy,
    Toolkit,
    built,
    driver_library,
    installed,
    library_path,
    loaded,
    toolkits,
)
from envprint.core.fields import FLAG, TEXT, Field, ListOf, MapOf, record
from envprint.core.fingerprint import Unknown
from envprint.core.typed import Any
from envprint.gpu import reading as nvml
from envprint.gpu.kernel_driver import (
    fabric_manager,
    iommu,
    kernel_module_version,
    uvm_device,
)
from envprint.machine.attempt import attempt
from envprint.machine.host import Host

_LIBRARY = record(
    Field(
        "built",
        MapOf(TEXT, "framework"),
        "Version a framework was built with, or the lowest that its metadata accepts.",
    ),
    Field(
        "installed",
        ListOf(
            record(
                Field("version", TEXT, "Version of the copy."),
                Field("path", TEXT, "Source of the version: metadata, toolkit, header or file."),
                Field("source", TEXT, "wheel, conda, toolkit, header or file."),
            )
        ),
        "Copies on the machine; wheels in order of the search path come first.",
    ),
    Field(
        "loaded",
        ListOf(
            record(
                Field("version", TEXT, "Version; left out if unknown."),
                Field("path", TEXT, "Path of the mapped file."),
            )
        ),
        "Copies mapped into this process; none if no framework is imported here.",
    ),
)

FACTS = (
    Field(
        "driver_library",
        record(
            Field("path", TEXT, "Real path of libcuda.so.1."),
            Field("directory", TEXT, "Where the loader finds it first."),
            Field("version", TEXT, "Driver version in its file name."),
            Field("compat", FLAG, "Whether it is NVIDIA's forward-compatibility package."),
        ),
        "The CUDA driver library that a program loads; null if there is none.",
    ),
    Field(
        "kernel_module_version",
        TEXT,
        "Version of the loaded NVIDIA kernel module; null if none is loaded.",
    ),
    Field(
        "supported_version",
        TEXT,
        "Highest CUDA version that the driver supports, such as `12.4`; no installed version.",
        unwatched="an upper limit; a difference from a framework's CUDA is normal",
    ),
    Field(
        "toolkits",
        MapOf(record(Field("path", TEXT, "Real path of the directory.")), "version"),
        "Installed toolkits: /usr/local/cuda*, CUDA_HOME, CUDA_PATH and CUDA_ROOT.",
        unwatched="what a framework can use from a toolkit is among the libraries below",
    ),
    Field(
        "uvm_device",
        TEXT,
        "Whether CUDA finds /dev/nvidia-uvm, without which it does not start: present, on-demand "
        "(nvidia-modprobe creates it) or missing; null if the driver has no device files, as "
        "under WSL and on Jetson.",
    ),
    Field(
        "fabric_manager",
        TEXT,
        "Whether NVIDIA's Fabric Manager runs, without which CUDA does not start on a machine with "
        "NVSwitch: running or missing; null where the driver has no NVSwitch.",
    ),
    Field(
        "iommu",
        TEXT,
        "What the IOMMU does to the GPUs' memory accesses: off, passed-through or translated; null "
        "where the driver lists no GPU.",
    ),
    Field("runtime", _LIBRARY, "CUDA's runtime, libcudart."),
    Field("cudnn", _LIBRARY, "cuDNN: convolutions, normalisation, recurrent networks."),
    Field("cublas", _LIBRARY, "cuBLAS: products of matrices."),
    Field("nccl", _LIBRARY, "NCCL: communication between GPUs."),
    Field("cusparse", _LIBRARY, "cuSPARSE: products of sparse matrices."),
    Field("cufft", _LIBRARY, "cuFFT: Fourier transforms."),
    Field("cusolver", _LIBRARY, "cuSOLVER: decompositions and linear systems."),
    Field("nvjitlink", _LIBRARY, "nvJitLink: links kernels for cuSPARSE and cuSOLVER."),
    Field("nvrtc", _LIBRARY, "NVRTC: compiles kernels while a program runs."),
    Field(
        "shadowed",
        ListOf(TEXT),
        "Files in LD_LIBRARY_PATH with the name of a library from a framework's wheel.",
    ),
    Field(
        "shadowed_for",
        MapOf(ListOf(TEXT), "framework"),
        "Those of `shadowed` that the framework's loader takes, for its library names directories "
        "by DT_RUNPATH; DT_RPATH would come first.",
    ),
)


NEEDS_GPU_READING = True
"""The driver is queried in a child, in parallel with the other sections."""


def collect(host: Host) -> Mapping[str, Any]:
    """Read from the loader's configuration, /proc, /usr/local and the search path."""
    found = attempt(lambda: toolkits(host))
    copies = attempt(lambda: installed(host, [] if isinstance(found, Unknown) else found))
    return {
        "driver_library": attempt(lambda: driver_library(host)),
        "kernel_module_version": attempt(lambda: kernel_module_version(host)),
        "supported_version": attempt(lambda: _supported_version(host)),
        "uvm_device": attempt(lambda: uvm_device(host)),
        "fabric_manager": attempt(lambda: fabric_manager(host)),
        "iommu": attempt(lambda: iommu(host)),
        "toolkits": found if isinstance(found, Unknown) else _by_version(found),
        **_libraries(host, copies),
        **_shadows(host, copies),
    }


def _shadows(host: Host, copies: Sequence[Copy] | Unknown) -> dict[str, Any]:
    """Which of the libraries others hide, and for which framework."""
    if isinstance(copies, Unknown):
        return {"shadowed": copies, "shadowed_for": copies}
    if not (copies and library_path(host)):
        return {"shadowed": [], "shadowed_for": {}}
    from envprint.collectors._cuda_shadows import shadowed, shadowed_for  # few machines have any

    hidden = attempt(lambda: shadowed(host, copies))
    if isinstance(hidden, Unknown):
        return {"shadowed": hidden, "shadowed_for": hidden}
    return {"shadowed": hidden, "shadowed_for": attempt(lambda: shadowed_for(host, hidden))}


def _supported_version(host: Host) -> str | Unknown | None:
    answer = nvml.ask(host)
    if not answer.has_devices:
        return None if answer.is_absent else answer.unknown
    version: int | Unknown = nvml.value(answer.reading, "cuda_driver_version")
    # 1000 * major + 10 * minor
    # https://docs.nvidia.com/deploy/nvml-api/group__nvmlSystemQueries.html
    if isinstance(version, Unknown):
        return version
    if version < 1000:
        return Unknown(f"NVML reports {version}, which is no version of CUDA")
    return f"{version // 1000}.{version % 1000 // 10}"


def _by_version(found: list[Toolkit]) -> dict[str, dict[str, str]]:
    """Of two toolkits with the same version the first counts, as variables name it."""
    return {toolkit.version: {"path": toolkit.path} for toolkit in reversed(found)}


def _libraries(host: Host, copies: list[Copy] | Unknown) -> dict[str, Any]:
    if isinstance(copies, Unknown):
        return {library.key: copies for library in LIBRARIES}
    made_for = attempt(lambda: built(host))
    in_use = attempt(lambda: loaded(host, copies))
    return {
        library.key: {
            "built": made_for if isinstance(made_for, Unknown) else made_for[library.key],
            "installed": [_described(copy) for copy in copies if copy.key == library.key],
            "loaded": in_use if isinstance(in_use, Unknown) else in_use[library.key],
        }
        for library in LIBRARIES
    }


def _described(copy: Copy) -> dict[str, str | None]:
    """A list item cannot contain `Unknown`, so an unknown version is omitted."""
    place: dict[str, str | None] = {"path": copy.path, "source": copy.source}
    return place if isinstance(copy.version, Unknown) else {"version": copy.version, **place}
