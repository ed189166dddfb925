"""Documents with room for a hostile text, one for every way in which a remedy takes up a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from envprint.core.fingerprint import Fingerprint
from envprint.core.workload import Requirements
from tests.builders.hostile import NOT_A_WORD
from tests.builders.support import fingerprint

HERE = "@@"
"""Stands for the text."""


def as_it_is(text: str) -> str | None:
    """The text is the value that is meant; of some no word can be made."""
    return None if text in NOT_A_WORD.values() else text


def behind(start: str) -> Callable[[str], str | None]:
    """The text stands behind the start of a value."""
    return lambda text: None if as_it_is(text) is None else f"{start}{text}"


def never(text: str) -> str | None:
    """With the text it is no name, version or number any more, so there is no command."""
    return None


class Trap(NamedTuple):
    """A document, and the remedy that is meant; `HERE` stands for the text in it."""

    rule: str
    place: str
    """Where the text stands."""
    remedy: str
    """With `{}` for what is meant by the text."""
    after: Mapping[str, Any]
    before: Mapping[str, Any] | None = None
    meant: Callable[[str], str | None] = as_it_is
    frameworks: tuple[str, ...] = ("torch",)
    device: str = "cpu"
    variables: Mapping[str, str] = {}
    """What the policy requires."""
    packages: Mapping[str, str] = {}
    reference: str | None = None
    """How the user named the baseline; its environment is then on this machine, observed now."""

    def sides(self, text: str) -> tuple[Fingerprint | None, Fingerprint]:
        """The two documents, or the one."""
        after = fingerprint(filled(self.after, text))
        if self.before is None:
            return None, after
        before = fingerprint(filled(self.before, text))
        if self.reference is None:
            return before, after
        return before._replace(reference=self.reference, is_here=True), after._replace(chosen="now")

    def required(self, text: str) -> Requirements:
        """The policy's requirements."""
        return Requirements(
            variables=filled(self.variables, text), packages=filled(self.packages, text)
        )

    def commands(self, text: str) -> list[list[str]] | None:
        """The words of each command in the remedy; None for the rule's own words."""
        word = self.meant(text)
        if word is None:
            return None
        return [
            [piece.replace("{}", word) for piece in command.split(" ")]
            for command in self.remedy.split("; ")
        ]


def filled(value: Any, text: str) -> Any:
    """A copy of `value` with the text in its place."""
    if isinstance(value, str):
        return value.replace(HERE, text)
    if isinstance(value, Mapping):
        return {filled(key, text): filled(item, text) for key, item in value.items()}
    return [filled(item, text) for item in value] if isinstance(value, list) else value


def _variable(name: str, value: str) -> dict[str, Any]:
    return {f"facts.environ.variables[{name}]": value}


def _version(name: str, text: str | None) -> dict[str, Any]:
    return {f"facts.frameworks.{name}.version": text}


def _cuda(need: str, version: str) -> dict[str, Any]:
    installed = [{"path": "/a", "source": "toolkit", "version": "9.0"}]
    return {
        "facts.frameworks.tensorflow": {"version": version, "build": "cuda"},
        "facts.cuda.runtime": {
            "loaded": [],
            "installed": installed,
            "built": {"tensorflow": need},
        },
    }


def _card(capability: str) -> dict[str, Any]:
    card = {"compute_capability": capability, "name": "GPU"}
    return {"facts.gpu.count": 1, "facts.gpu.devices": {"0": card}}


def _threads(count: str, usable: int) -> dict[str, Any]:
    return {
        "facts.cpu.usable_threads": usable,
        "facts.frameworks.torch.version": "2.8.0",
        "facts.frameworks.imported": ["torch"],
        "facts.determinism.switches": {
            "torch-threads": {"value": count, "source": "torch.get_num_threads"}
        },
    }


def _tensorflow(version: str, distribution: str) -> dict[str, Any]:
    return {"facts.frameworks.tensorflow": {"version": version, "distribution": distribution}}


_AVX2 = ["avx", "avx2", "fma"]
_MACHINE: dict[str, Any] = {
    "facts.cpu.flags": [*_AVX2, "avx512f", "avx512bw", "avx512dq", "avx512vl"],
    "facts.cpu.vendor": "GenuineIntel",
    "facts.cpu.usable_threads": 4,
}
_HALF = _MACHINE | {"facts.cpu.flags": [*_MACHINE["facts.cpu.flags"], "amx_bf16"]}
_LATE = {"facts.environ.changed_since_start": {"LD_PRELOAD": {"start": "", "now": HERE}}}
_CUDNN = {
    "facts.cuda.cudnn.installed": [{"path": "/a", "source": "wheel", "version": "8.4.1"}],
    "facts.cuda.cudnn.loaded": [],
    "facts.cuda.cudnn.built": {"torch": f"8.5.{HERE}"},
    "facts.cuda.shadowed": [],
}
_DOUBLE = [{"version": "1", "path": "/a"}, {"version": HERE, "path": "/b"}]

_VARIABLES = (
    Trap(
        "mkl-branch-changed",
        "a variable",
        "export MKL_CBWR={}",
        _MACHINE,
        _MACHINE | _variable("MKL_CBWR", HERE),
    ),
    Trap(
        "mkl-instructions-limited",
        "a variable",
        "export MKL_ENABLE_INSTRUCTIONS={}",
        _MACHINE,
        _MACHINE | _variable("MKL_ENABLE_INSTRUCTIONS", HERE),
    ),
    Trap(
        "openblas-core-changed",
        "a variable",
        "export OPENBLAS_CORETYPE={}",
        _MACHINE | _variable("OPENBLAS_CORETYPE", "Haswell"),
        _MACHINE | _variable("OPENBLAS_CORETYPE", HERE),
        frameworks=("numpy",),
    ),
    Trap(
        "jax-lapack-kernel-changed",
        "a variable",
        "export OPENBLAS_CORETYPE={}",
        _MACHINE | _variable("OPENBLAS_CORETYPE", "Haswell"),
        _MACHINE | _variable("OPENBLAS_CORETYPE", HERE),
        frameworks=("jax",),
    ),
    Trap(
        "math-threads-changed",
        "a variable, behind a count",
        "export OMP_NUM_THREADS={}",
        _MACHINE | _variable("OMP_NUM_THREADS", "2"),
        _MACHINE | _variable("OMP_NUM_THREADS", f"1,{HERE}"),
        meant=behind("1,"),
    ),
    Trap(
        "torch-cpu-capability-limited",
        "a variable",
        "export ATEN_CPU_CAPABILITY={}",
        _MACHINE | _variable("ATEN_CPU_CAPABILITY", "avx2"),
        _MACHINE | _variable("ATEN_CPU_CAPABILITY", HERE),
    ),
    Trap(
        "onednn-isa-limited",
        "a variable",
        "export ONEDNN_MAX_CPU_ISA={}",
        _MACHINE | _variable("ONEDNN_MAX_CPU_ISA", "AVX2"),
        _MACHINE | _variable("ONEDNN_MAX_CPU_ISA", HERE),
    ),
    Trap(
        "numpy-cpu-features-limited",
        "a variable",
        "export NPY_DISABLE_CPU_FEATURES={}",
        _MACHINE | _variable("NPY_DISABLE_CPU_FEATURES", "X86_V4"),
        _MACHINE | _variable("NPY_DISABLE_CPU_FEATURES", HERE),
        frameworks=("numpy",),
    ),
    Trap(
        "glibc-hwcaps-changed",
        "a variable",
        "export GLIBC_TUNABLES={}",
        _MACHINE | _variable("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2"),
        _MACHINE | _variable("GLIBC_TUNABLES", HERE),
        frameworks=("numpy",),
    ),
    Trap(
        "glibc-double-functions-changed",
        "a variable",
        "export GLIBC_TUNABLES={}",
        _MACHINE | _variable("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2"),
        _MACHINE | _variable("GLIBC_TUNABLES", HERE),
        frameworks=("jax",),
    ),
    Trap(
        "tensorflow-onednn-switched",
        "a variable",
        "export TF_ENABLE_ONEDNN_OPTS={}",
        _MACHINE | _version("tensorflow", "2.15.0") | _variable("TF_ENABLE_ONEDNN_OPTS", "1"),
        _MACHINE | _version("tensorflow", "2.15.0") | _variable("TF_ENABLE_ONEDNN_OPTS", HERE),
        frameworks=("tensorflow",),
    ),
    Trap(
        "onednn-precision-changed",
        "a variable",
        "export ONEDNN_DEFAULT_FPMATH_MODE={}",
        _HALF | _variable("ONEDNN_DEFAULT_FPMATH_MODE", "BF16"),
        _HALF | _variable("ONEDNN_DEFAULT_FPMATH_MODE", HERE),
    ),
    Trap(
        "cpu-isa-changed",
        "a feature of an ARM processor",
        "export ATEN_CPU_CAPABILITY={}",
        {"facts.cpu.flags": ["sve"], "facts.cpu.architecture": "aarch64"},
        {"facts.cpu.flags": [f"asimd{HERE}"], "facts.cpu.architecture": "aarch64"},
        meant=behind("asimd"),
    ),
    Trap(
        "keras-backend-changed",
        "the backend",
        "export KERAS_BACKEND={}",
        {"facts.frameworks.keras": {"version": "3.1", "backend": "jax"}},
        {"facts.frameworks.keras": {"version": "3.1", "backend": HERE}},
        frameworks=("jax",),
    ),
    Trap(
        "environ-set-too-late",
        "a variable",
        "export LD_PRELOAD={}",
        _LATE,
    ),
    Trap(
        "python-hash-seed-changed",
        "the hash seed",
        "export PYTHONHASHSEED={}",
        {"facts.python.hash_seed": "random"},
        {"facts.python.hash_seed": HERE},
    ),
    Trap(
        "required-variable-differs",
        "a value in the policy",
        "export PYTHONHASHSEED={}",
        {},
        variables={"PYTHONHASHSEED": HERE},
    ),
)
_NAMES = (
    Trap(
        "environ-name-misspelt",
        "the name that is set",
        "unset {}",
        {"facts.environ.misspelt": {HERE: "PYTHONHASHSEED"}},
        meant=never,
    ),
    Trap(
        "environ-name-misspelt",
        "the name that is meant",
        "unset PYTHONHASSEED",
        {"facts.environ.misspelt": {"PYTHONHASSEED": HERE}},
        meant=never,
    ),
    Trap(
        "required-variable-differs",
        "a name in the policy",
        "export {}=1",
        {},
        meant=never,
        variables={f"TF_{HERE}": "1"},
    ),
    Trap(
        "required-package-differs",
        "a name in the policy",
        "pip install {}>=1",
        {},
        meant=never,
        packages={HERE: ">=1"},
    ),
    Trap(
        "tensorflow-major-changed",
        "the name of the package",
        "pip install {}==1.15.5",
        _tensorflow("2.15.1", "tensorflow"),
        _tensorflow("1.15.5", HERE),
        meant=never,
        frameworks=("tensorflow",),
    ),
)
_VERSIONS = (
    Trap(
        "required-package-differs",
        "versions in the policy",
        "pip install numpy{}",
        {},
        meant=never,
        packages={"numpy": f"==={HERE}"},
    ),
    Trap(
        "framework-missing",
        "a version",
        "pip install torch=={}",
        _version("torch", None),
        _version("torch", f"2.8.{HERE}"),
        meant=never,
    ),
    Trap(
        "jaxlib-newer-than-jax",
        "a version",
        "pip install jax=={}",
        {"facts.frameworks.jax": {"version": "0.4.30", "jaxlib_version": f"0.5.0.{HERE}"}},
        meant=never,
        frameworks=("jax",),
    ),
    Trap(
        "gpu-not-used",
        "a version",
        "pip install jax[cuda12]=={}",
        _version("jax", f"0.4.{HERE}")
        | _card("8.0")
        | {"facts.frameworks.jax.plugins": {}, "facts.cuda.uvm_device": "present"},
        meant=never,
        frameworks=("jax",),
        device="gpu",
    ),
    Trap(
        "tensorflow-cuda-of-another-major",
        "a version",
        "pip install tensorflow[and-cuda]=={}",
        _cuda("12.2", f"2.15.{HERE}"),
        meant=never,
        frameworks=("tensorflow",),
        device="gpu",
    ),
)
_FRAMEWORKS = (
    ("numpy-version-changed", "numpy", "numpy", "1.2", "2.4.6"),
    ("scipy-version-changed", "scipy", "numpy", "1.10", "1.17.0"),
    ("scikit-learn-version-changed", "scikit-learn", "scikit-learn", "1.3", "1.9.1"),
    ("torch-version-changed", "torch", "torch", "2.8", "2.13.0"),
    ("jax-version-changed", "jax", "jax", "0.7", "0.10.2"),
    ("keras-version-changed", "keras", "tensorflow", "3.1", "3.15.1"),
    ("keras-major-changed", "keras", "tensorflow", "3.1", "2.15.0"),
    ("tensorflow-version-changed", "tensorflow", "tensorflow", "2.16", "2.17.0"),
    ("tensorflow-initializers-changed", "tensorflow", "tensorflow", "2.9", "2.15.1"),
    ("tensorflow-seeded-initializers-changed", "tensorflow", "tensorflow", "2.6", "2.15.1"),
)
_DISTRIBUTIONS = (
    ("pandas-version-changed", "pandas", "2.1", "3.0"),
    ("opencv-changed", "opencv-python", "3.3", "4.9"),
    ("pillow-decoder-changed", "pillow", "8.4", "11.0"),
    ("boosting-version-changed", "lightgbm", "4.3", "4.6"),
    ("behaviour-changed", "librosa", "0.9", "0.10.2"),
)
_CHANGED_VERSIONS = (
    *(
        Trap(
            rule,
            "a version",
            f"pip install {name}=={{}}",
            _version(name.replace("-", "_"), after),
            _version(name.replace("-", "_"), f"{before}.{HERE}"),
            meant=never,
            frameworks=(framework,),
        )
        for rule, name, framework, before, after in _FRAMEWORKS
    ),
    *(
        Trap(
            rule,
            "a version",
            f"pip install {name}=={{}}",
            {"facts.packages.distributions": {name: {"version": after}}},
            {"facts.packages.distributions": {name: {"version": f"{before}.{HERE}"}}},
            meant=never,
        )
        for rule, name, before, after in _DISTRIBUTIONS
    ),
)
_OTHER_WORDS = (
    Trap(
        "python-environment-differs",
        "the prefix of the baseline",
        "envprint check monday.json --python {}",
        {"facts.python.prefix": "/venvs/lint"},
        {"facts.python.prefix": f"/venvs/{HERE}", "facts.frameworks.torch": {"version": "2.8.0"}},
        meant=behind("/venvs/"),
        reference="monday.json",
    ),
    Trap(
        "tensorflow-cuda-of-another-major",
        "the version of CUDA",
        "Install CUDA {} and cuDNN 8.1.",
        _cuda(f"11.2.{HERE}", "2.5.0"),
        meant=behind("11.2."),
        frameworks=("tensorflow",),
        device="gpu",
    ),
    Trap(
        "tensorflow-python-unsupported",
        "a version",
        "Use Python 3.11 with TensorFlow {}.",
        _version("tensorflow", f"2.15.{HERE}") | {"facts.python.version": "3.13.0"},
        meant=behind("2.15."),
        frameworks=("tensorflow",),
    ),
    Trap(
        "tensorflow-build-changed",
        "the version",
        "pip install tensorflow==2.15.{}",
        {"facts.frameworks.tensorflow": {"version": "2.15.1", "build": "cpu"}},
        {"facts.frameworks.tensorflow": {"version": f"2.15.{HERE}", "build": "cuda"}},
        meant=never,
        frameworks=("tensorflow",),
        device="gpu",
    ),
    Trap(
        "torch-build-changed",
        "the version",
        "pip install torch==2.8.{}",
        {"facts.frameworks.torch": {"version": "2.8.0", "build": "rocm"}},
        {"facts.frameworks.torch": {"version": f"2.8.{HERE}", "build": "cuda"}},
        meant=never,
        device="gpu",
    ),
    Trap(
        "cuda-cudnn-older-than-built",
        "the version of cuDNN",
        "Take the older cuDNN out of LD_LIBRARY_PATH, or install cuDNN {} or a later minor "
        "version of the same major one.",
        _CUDNN | _card("8.0"),
        meant=behind("8.5."),
        device="gpu",
    ),
    Trap(
        "keras-floatx-changed",
        "the float type",
        "keras.config.set_floatx('{}')",
        {"facts.frameworks.keras": {"version": "3.1", "floatx": "float32"}},
        {"facts.frameworks.keras": {"version": "3.1", "floatx": HERE}},
        meant=never,
        frameworks=("tensorflow",),
    ),
    Trap(
        "cpu-usable-threads-changed",
        "a count that a framework has told",
        "export MKL_NUM_THREADS=4",
        _threads("4", 4),
        _threads(HERE, 2),
        meant=lambda text: "",
    ),
)
_WHEEL = ["cp311-cp311-manylinux_2_28_x86_64"]


def _unmet(name: str, specifier: str, installed: str | None) -> dict[str, Any]:
    missing = [{"name": name, "specifier": specifier, "installed": installed}]
    here = {"scipy": {"version": "1.0", "tags": _WHEEL}}
    return {"facts.packages": {"distributions": here, "unmet": {"scipy": missing}}}


_PACKAGES = (
    Trap(
        "conflicts-requirement",
        "the name of what is missing",
        "pip install {}",
        _unmet(HERE, "", None),
        meant=never,
        frameworks=("numpy",),
    ),
    Trap(
        "conflicts-requirement",
        "a specifier",
        "pip install joblib{}",
        _unmet("joblib", f">=2,==={HERE}", "1.0"),
        meant=never,
        frameworks=("numpy",),
    ),
    Trap(
        "conflicts-requirement-open",
        "a specifier",
        "pip install joblib{}",
        _unmet("joblib", f"<1,==={HERE}", "1.0"),
        meant=never,
        frameworks=("numpy",),
    ),
    Trap(
        "conflicts-torch-builds",
        "the version",
        "pip install --force-reinstall --no-deps torchvision==0.28.0+cu1{}",
        {
            "facts.packages.distributions": {
                "torch": {"version": f"2.13.0+cu1.{HERE}"},
                "torchvision": {"version": "0.28.0+cu999"},
            }
        },
        meant=never,
    ),
    Trap(
        "math-conda-blas-changed",
        "the version",
        "conda install --yes {}",
        {"facts.packages.conda": {"numpy": {"version": "1"}, "mkl": {"version": "2023.1"}}},
        {"facts.packages.conda": {"numpy": {"version": "1"}, "mkl": {"version": f"2024.{HERE}"}}},
        meant=behind("mkl=2024."),
    ),
)
TRAPS = (*_VARIABLES, *_PACKAGES, *_NAMES, *_VERSIONS, *_CHANGED_VERSIONS, *_OTHER_WORDS)
