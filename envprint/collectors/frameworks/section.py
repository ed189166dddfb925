"""The frameworks a training result comes from: versions and builds, read from files.

Nothing is imported: TensorFlow alone would take seconds and change the process. What a build was
made with is not what it loads; the `cuda` section says that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from envprint.collectors.frameworks.version_files import Environment, environment
from envprint.core.discovery import load_module
from envprint.core.fields import NUMBER, TEXT, Field, ListOf, MapOf, record
from envprint.core.fingerprint import FRAMEWORKS, Unknown
from envprint.core.typed import Any
from envprint.machine.attempt import attempt, names_or_empty
from envprint.machine.host import Host

VERSION = Field("version", TEXT, "Version that the package reports.")
BLAS = Field(
    "blas",
    record(
        Field("name", TEXT, "BLAS it was built with, such as scipy-openblas or mkl."),
        Field("version", TEXT, "Version of that BLAS at build time; null if not recorded."),
        Field(
            "library",
            TEXT,
            "File of the BLAS it loads, below the search directory or the prefix; null if none "
            "was found.",
        ),
    ),
    "BLAS by the package's build configuration.",
)
_IN_CUDA = "the rules of `cuda` use the libraries there, which show it too"
CUDA = Field(
    "cuda_version", TEXT, "CUDA it was built with; null in other builds.", unwatched=_IN_CUDA
)
CUDNN = Field(
    "cudnn_version",
    TEXT,
    "cuDNN it was built with, as precisely as the wheel records it; null without CUDA.",
    unwatched=_IN_CUDA,
)

FACTS = (
    Field("numpy", record(VERSION, BLAS), "NumPy; null if not installed."),
    Field("scipy", record(VERSION, BLAS), "SciPy; null if not installed."),
    Field("scikit_learn", record(VERSION), "scikit-learn; null if not installed."),
    Field(
        "tensorflow",
        record(
            VERSION,
            Field("distribution", TEXT, "Name it was installed under, such as tensorflow-cpu."),
            Field("build", TEXT, "cpu, cuda or rocm."),
            CUDA,
            CUDNN,
            Field(
                "compute_capabilities",
                ListOf(TEXT),
                "GPU architectures it has code for, as written at build time; null without CUDA.",
            ),
        ),
        "TensorFlow; null if not installed.",
    ),
    Field(
        "keras",
        record(
            VERSION,
            Field("backend", TEXT, "Backend in force: KERAS_BACKEND, keras.json or the default."),
            Field("floatx", TEXT, "Default float type: keras.json or float32."),
            Field("epsilon", NUMBER, "The small number in divisions: keras.json or 1e-07."),
            Field(
                "image_data_format",
                TEXT,
                "Where the channels of an image are: keras.json or channels_last.",
            ),
            Field("legacy_version", TEXT, "Version of tf-keras; null if not installed."),
        ),
        "Keras; null if not installed.",
    ),
    Field(
        "torch",
        record(
            VERSION,
            Field("build", TEXT, "cpu, cuda, rocm or xpu."),
            CUDA,
            CUDNN,
            Field("git_version", TEXT, "Commit it was built from."),
        ),
        "PyTorch; null if not installed.",
    ),
    Field(
        "jax",
        record(
            VERSION,
            Field("jaxlib_version", TEXT, "Version of jaxlib; null when not installed."),
            Field("plugins", MapOf(TEXT), "Device plugins and their versions."),
            Field(
                "unknown_xla_flags",
                ListOf(TEXT),
                "Flags in XLA_FLAGS that the installed XLA does not contain; null if none is set.",
            ),
        ),
        "JAX; null if not installed.",
    ),
    Field("imported", ListOf(TEXT), "Frameworks this process has imported; none for a command."),
)

MODULES = {"sklearn": "scikit-learn", "jaxlib": "jax"}
"""Modules whose framework has a different name."""


READERS = {
    "numpy": ("numpy", ("numpy",)),
    "scipy": ("numpy", ("scipy",)),
    "scikit_learn": ("numpy", ("sklearn", "scikit_learn")),
    "tensorflow": ("tensorflow", ("tensorflow", "tf_nightly")),
    "keras": ("keras", ("keras",)),
    "torch": ("torch", ("torch",)),
    "jax": ("jax", ("jax",)),
}
"""Field to the module with the function of that name, and to parts of the names of what it
installs. Without a match it is not installed, and the module need not be imported."""


def collect(host: Host) -> Mapping[str, Any]:
    """Read from the packages on the search path; one in an unknown format is unknown."""
    modules = host.interpreter()["imported"]
    imported = {MODULES.get(module, module) for module in modules}
    return {
        **_installed(host),
        "imported": [name for name in FRAMEWORKS if name in imported],
    }


def _installed(host: Host) -> dict[str, Any]:
    where = attempt(lambda: environment(host))
    if isinstance(where, Unknown):
        return dict.fromkeys(READERS, where)
    # One text to search, which is faster than hundreds of names for each word.
    names = "/".join("/".join(names_or_empty(host, directory)) for directory in where.directories)
    return {
        field: attempt(partial(_reader(module, field), where))
        if any(word in names for word in words)
        else None
        for field, (module, words) in READERS.items()
    }


def _reader(module: str, field: str) -> Callable[[Environment], Mapping[str, Any] | None]:
    reader: Callable[[Environment], Mapping[str, Any] | None]
    reader = getattr(load_module(f"envprint.collectors.frameworks.{module}"), field)
    return reader
