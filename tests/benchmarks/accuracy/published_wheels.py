"""Frameworks as a capture shows them: the wheel, what it was built with, and what it brings.

Versions are those in the metadata of the wheels. Builds of PyTorch before 1.13 have CUDA's
libraries inside, so nothing names their cuDNN. Build ids are stand-ins.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.benchmarks.accuracy.published_machine import Edits, Facts, digest


class Libraries(NamedTuple):
    """The wheels that a framework's wheel asks for."""

    runtime: str
    cublas: str
    cudnn: str
    nccl: str


CU117 = Libraries("11.7.99", "11.10.3.66", "8.5.0.96", "2.14.3")
CU121 = Libraries("12.1.105", "12.1.3.1", "8.9.2.26", "2.20.5")
CU124 = Libraries("12.4.127", "12.4.5.8", "9.1.0.70", "2.21.5")
CU126 = Libraries("12.6.77", "12.6.4.1", "9.5.1.17", "2.26.2")
CU128 = Libraries("12.8.90", "12.8.4.1", "9.10.2.21", "2.27.3")
CU130 = Libraries("13.0.48", "13.0.0.19", "9.13.0.50", "2.27.7")

TORCH: dict[str, tuple[str | None, Libraries | None]] = {
    "0.4.0 with CUDA 8.0": ("8.0.61", None),
    "0.4.0 with CUDA 9.1": ("9.1.85", None),
    "1.2.0": ("10.0.130", None),
    "1.5.1+cu101": ("10.1", None),
    "1.6.0+cu101": ("10.1", None),
    "1.7.0+cu101": ("10.1", None),
    "1.7.1+cu110": ("11.0", None),
    "1.8.1+cu102": ("10.2", None),
    "1.8.1+cu111": ("11.1", None),
    "1.9.0+cu111": ("11.1", None),
    "1.10.0+cu113": ("11.3", None),
    "1.13.0+cu117": ("11.7", CU117._replace(nccl="2.14.3")),
    "2.0.0+cu117": ("11.7", CU117),
    "2.0.1+cu117": ("11.7", CU117),
    "2.1.0+cu121": ("12.1", CU121._replace(nccl="2.18.1")),
    "2.3.0+cpu": (None, None),
    "2.3.0+cu118": ("11.8", Libraries("11.8.89", "11.11.3.6", "8.7.0.84", "2.20.5")),
    "2.3.0+cu121": ("12.1", CU121),
    "2.5.1+cu124": ("12.4", CU124),
    "2.6.0+cu124": ("12.4", CU124),
    "2.7.0.dev20250310+cu124": ("12.4", CU124._replace(nccl="2.25.1")),
    "2.7.0+cu126": ("12.6", CU126),
    "2.7.0+cu128": ("12.8", Libraries("12.8.57", "12.8.3.14", "9.7.1.26", "2.26.2")),
    "2.8.0+cu128": ("12.8", CU128),
    "2.9.0+cu126": ("12.6", CU126._replace(cudnn="9.10.2.21", nccl="2.27.5")),
    "2.9.0+cu130": ("13.0", CU130),
    "2.11.0+cu128": ("12.8", CU128._replace(cudnn="9.19.0.56", nccl="2.28.9")),
    "2.13.0+cu129": ("12.9", Libraries("12.9.79", "12.9.1.4", "9.20.0.48", "2.29.3")),
    "2.14.0.dev20260612+cu130": ("13.0", CU130._replace(cudnn="9.20.0.48", nccl="2.29.3")),
    "2.14.0.dev20260613+cu130": ("13.0", CU130._replace(cudnn="9.23.1.3", nccl="2.29.3")),
}


class TensorFlow(NamedTuple):
    """What build_info.py and the metadata of a TensorFlow wheel say."""

    cuda: str
    cudnn: str
    keras: str
    capabilities: tuple[str, ...]
    libraries: Libraries


_OLD = ("sm_50", "sm_60", "sm_70", "sm_75", "compute_80")
_FIRST_WITH_HOPPER = ("sm_50", "sm_60", "sm_70", "sm_80", "compute_90")
_NEW = ("sm_60", "sm_70", "sm_80", "sm_89", "compute_90")
TF215 = Libraries("12.2.140", "12.2.5.6", "8.9.4.25", "2.16.5")
TF218 = Libraries("12.5.82", "12.5.3.2", "9.3.0.75", "2.21.5")
TENSORFLOW = {
    "2.15.1": TensorFlow("12.2", "8", "2.15.0", _OLD, TF215),
    "2.16.1": TensorFlow(
        "12.3",
        "8",
        "3.3.3",
        _FIRST_WITH_HOPPER,
        Libraries("12.3.101", "12.3.4.1", "8.9.7.29", "2.19.3"),
    ),
    "2.18.0": TensorFlow("12.5.1", "9.3.0", "3.6.0", _NEW, TF218),
    "2.20.0": TensorFlow("12.5.1", "9.3.0", "3.11.3", _NEW, TF218._replace(nccl="2.25.1")),
}


_SILENT = {"unknown": "build_info.py does not contain is_cuda_build"}
_CUDNN_HEADER = "/usr/local/cuda-10.0/include/cudnn.h"
TENSORFLOW_1: Edits = {
    "facts.cuda.cublas": {"built": {}, "installed": [], "loaded": []},
    "facts.cuda.cublas.built[tensorflow]": _SILENT,
    "facts.cuda.cudnn": {
        "built": {},
        "installed": [{"path": _CUDNN_HEADER, "source": "header", "version": "7.6.1"}],
        "loaded": [],
    },
    "facts.cuda.cudnn.built[tensorflow]": _SILENT,
    "facts.cuda.nccl": {"built": {}, "installed": [], "loaded": []},
    "facts.cuda.nccl.built[tensorflow]": _SILENT,
    "facts.cuda.runtime": {
        "built": {},
        "installed": [{"path": "/usr/local/cuda-10.0", "source": "toolkit", "version": "10.0.130"}],
        "loaded": [],
    },
    "facts.cuda.runtime.built[tensorflow]": _SILENT,
    "facts.cuda.shadowed": [],
    "facts.cuda.toolkits": {"10.0.130": {"path": "/usr/local/cuda-10.0"}},
    "facts.frameworks.keras": None,
    "facts.frameworks.tensorflow": _SILENT,
}
"""TensorFlow 1.15 says nothing of its build in a form that can be read; CUDA is a toolkit."""


def torch(facts: Facts, build: str) -> Edits:
    """PyTorch and the wheels it brings; builds before 1.13 have CUDA's libraries inside."""
    cuda, libraries = TORCH[build]
    version = build.partition(" ")[0]
    cudnn: Any = libraries.cudnn if libraries else None
    if cuda and not libraries:
        cudnn = {"unknown": "the metadata of torch names no cuDNN"}
    return {
        **_distributions(facts, "torch", version, libraries),
        "facts.packages.distributions[torch].build_id": digest(build)[:32],
        **_libraries(facts, "torch", {"runtime": cuda}, libraries),
        "facts.frameworks.tensorflow": None,
        "facts.frameworks.keras": None,
        "facts.frameworks.torch": {
            "build": "cuda" if cuda else "cpu",
            "cuda_version": cuda,
            "git_version": digest(version)[:40],
            "version": version,
        },
        "facts.frameworks.torch.cudnn_version": cudnn,
    }


def tensorflow(facts: Facts, version: str) -> Edits:
    """TensorFlow with its Keras and the wheels of `tensorflow[and-cuda]`."""
    build = TENSORFLOW[version]
    own = {"runtime": build.cuda} | ({"cudnn": build.cudnn} if "." in build.cudnn else {})
    keras = {"backend": "tensorflow", "floatx": "float32", "legacy_version": None}
    return {
        **_distributions(facts, "tensorflow", version, build.libraries),
        **_libraries(facts, "tensorflow", own, build.libraries),
        "facts.packages.distributions[keras]": distribution(facts, "keras", build.keras),
        "facts.frameworks.keras": {**keras, "version": build.keras},
        "facts.frameworks.torch": None,
        "facts.frameworks.tensorflow": {
            "build": "cuda",
            "compute_capabilities": list(build.capabilities),
            "cuda_version": build.cuda,
            "cudnn_version": build.cudnn,
            "distribution": "tensorflow",
            "version": version,
        },
    }


def numpy(facts: Facts, version: str) -> Edits:
    """NumPy, after the framework."""
    return {
        "facts.frameworks.numpy.version": version,
        "facts.packages.distributions[numpy]": distribution(facts, "numpy", version),
    }


def python(facts: Facts, version: str) -> Edits:
    """Another interpreter with an environment of its own; comes before what is installed."""
    was, now = ".".join(facts["python"]["version"].split(".")[:2]), version.rpartition(".")[0]
    told = {was: now, was.replace(".", ""): now.replace(".", "")}

    def moved(text: str) -> str:
        for old, new in told.items():
            text = text.replace(f"python{old}", f"python{new}")
        return text

    return {
        "facts.python.version": version,
        "facts.python.executable": moved(facts["python"]["executable"]),
        "facts.python.search_path": [moved(path) for path in facts["python"]["search_path"]],
    }


def distribution(facts: Facts, name: str, version: str) -> Edits:
    """A wheel from the index."""
    return {
        "build_id": digest(f"{name} {version}")[:32],
        "installer": "pip",
        "location": facts["python"]["search_path"][-1],
        "origin": {"commit": None, "kind": "index", "url": None, "vcs": None},
        "tags": ["py3-none-manylinux2014_x86_64"],
        "version": version,
    }


def _distributions(facts: Facts, name: str, version: str, libraries: Libraries | None) -> Edits:
    versions = {name: version, "numpy": facts["frameworks"]["numpy"]["version"]}
    if libraries:
        versions |= {_wheel(key, libraries): library for key, library in _by_key(libraries)}
    return {
        "facts.packages.distributions": {
            name: distribution(facts, name, version) for name, version in sorted(versions.items())
        }
    }


def _libraries(facts: Facts, framework: str, own: Edits, libraries: Libraries | None) -> Edits:
    """What `facts.cuda` says of them; `own` is what the framework's files say of its build."""
    edits: Edits = {"facts.cuda.shadowed": [], "facts.cuda.toolkits": {}}
    for key, version in _by_key(libraries or Libraries("", "", "", "")):
        built = own.get(key) or version
        entry = f"{_wheel(key, libraries)}-{version}.dist-info" if libraries else ""
        path = f"{facts['python']['search_path'][-1]}/{entry.replace('-', '_', 3)}"
        edits[f"facts.cuda.{key}"] = {
            "built": {framework: built} if built else {},
            "installed": [{"path": path, "source": "wheel", "version": version}] if version else [],
            "loaded": [],
        }
    return edits


def _by_key(libraries: Libraries) -> list[tuple[str, str]]:
    return list(libraries._asdict().items())


# nvidia-cuda-runtime-cu12, and nvidia-cuda-runtime from CUDA 13 on
def _wheel(key: str, libraries: Libraries) -> str:
    major = libraries.runtime.partition(".")[0]
    name = "nvidia-cuda-runtime" if key == "runtime" else f"nvidia-{key}"
    return name if major == "13" and key in ("runtime", "cublas") else f"{name}-cu{major}"
