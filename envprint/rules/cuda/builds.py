"""The effect of CUDA on a result: its libraries, its driver, and what frameworks were built for."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.comparison import Comparison
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Result, Rule, for_each
from envprint.core.shell import Command, sentence
from envprint.core.versions import is_below, numbers
from envprint.core.workload import Workload, on_gpu, uses
from envprint.rules.cuda._tables import (
    driver_floor,
    first_toolkit,
    lowest_capability,
    shipped_driver,
    torch_never_has_intermediate,
    torch_wheel_code,
    torch_wheels,
)
from envprint.rules.cuda._versions import built_with, place
from envprint.rules.kit.devices import DEVICES, cards, field, gpu_training

# Whether a framework's build has code for the GPUs present and, if not, what compiles it.
#
# TensorFlow records what it was built for. PyTorch does not, so its own wheels are looked up in a
# table; for other builds only their CUDA version is known.
CODE = "facts.frameworks.tensorflow.compute_capabilities"
TORCH = "facts.frameworks.torch.version"
FORCED = "facts.environ.variables[CUDA_FORCE_PTX_JIT]"
DRIVER = "facts.gpu.driver_version"
LIBRARY = "facts.cuda.driver_library"
TENSORFLOW = "facts.frameworks.tensorflow.version"

_HOPPER = (9, 0)
_PTX_OF_HOPPER_ONLY = ((2, 16), (2, 21))
"""TensorFlow from the first version to before the second: in its compute_90 code, the kernels
that MLIR generates are PTX for sm_90a, which no driver compiles for a later GPU.

Found in the wheels of 2.16.2, 2.17.1, 2.18.0, 2.19.0, 2.20.0; 2.21.0 has no `a`.
"""


def has_binary(capability: str, code: list[str]) -> bool:
    """Whether `code` has machine code for a GPU: same major version, minor not above the GPU's."""
    have = numbers(capability)
    return any(
        target[:1] == have[:1] and target <= have
        # TensorFlow's build adds machine code to the PTX of each compute_XY.
        for kind in ("sm_", "compute_")
        for target in _targets(kind, code)
    )


def has_intermediate(capability: str, code: list[str]) -> bool:
    """Whether `code` has PTX, which the driver compiles for any later GPU."""
    return any(target <= numbers(capability) for target in _targets("compute_", code))


# sm_75   sm_120   sm_90a   compute_90
def _targets(kind: str, code: list[str]) -> list[tuple[int, int]]:
    """(7, 5) for each entry of that kind."""
    digits = [numbers(name[len(kind) :])[:1] for name in code if name.startswith(kind)]
    return [(found[0] // 10, found[0] % 10) for found in digits if found]


def _code(now: Fingerprint, workload: Workload) -> Iterator[tuple[str, str, list[str]]]:
    """Framework, the path of its targets, and the targets, for frameworks where they are known."""
    if "tensorflow" in workload.frameworks and now.value(CODE):
        yield "tensorflow", CODE, now.value(CODE)
    if "torch" in workload.frameworks:
        code = torch_wheel_code(now.value(TORCH) or "", workload.machine)
        if code:
            yield "torch", TORCH, code


def _compiles(now: Fingerprint, framework: str, capability: str, code: list[str]) -> bool:
    """Whether the driver can compile a framework's PTX for a GPU."""
    if framework == "tensorflow" and numbers(capability) > _HOPPER:
        first, end = _PTX_OF_HOPPER_ONLY
        if first <= numbers(now.value(TENSORFLOW) or "") < end:
            code = [target for target in code if target != "compute_90"]
    return has_intermediate(capability, code)


def _capability(now: Fingerprint, key: str) -> tuple[str, str]:
    """The compute capability of a GPU, empty if it has none, and its path."""
    capability = field(now, key, "compute_capability") or ""
    return capability if numbers(capability) else "", f"{DEVICES}[{key}].compute_capability"


def without_code(now: Fingerprint, workload: Workload) -> Iterator[Result]:
    """GPUs for which a framework has no machine code, neither exact nor of their major version."""
    known = list(_code(now, workload))

    def look(key: str) -> Iterator[Match]:
        capability, path = _capability(now, key)
        for framework, source, code in known if capability else ():
            if has_binary(capability, code):
                continue
            compiles = _compiles(now, framework, capability, code)
            how = "compiles its kernels on first use" if compiles else "has no kernels"
            named = f"{framework} {now.value(TORCH)}" if framework == "torch" else framework
            yield Match(
                f"{named} {how} for compute capability {capability} of GPU {key}",
                (path, source),
                after=capability,
                impact=Impact.PERF if compiles else None,
                remedy=_other_wheel(now, capability, workload)
                if framework == "torch"
                else _other_tensorflow(capability, compiles),
            )

    return for_each(cards(now) if known else (), look)


def _other_wheel(now: Fingerprint, capability: str, workload: Workload) -> str | None:
    """The wheel of the same release that has code for the GPU; None if there is none."""
    release = now.value(TORCH).partition("+")[0]
    for cuda, code in torch_wheels(release, workload.machine).items():
        if has_binary(capability, code):
            wheel = f"{release}+cu{cuda.replace('.', '')}"
            return sentence("Install torch {}, which has code for it.", wheel)
    return None


def _other_tensorflow(capability: str, compiles: bool) -> str | None:
    if compiles or numbers(capability) < _HOPPER:
        return None
    return "Install TensorFlow 2.21 or later, or NVIDIA's container with a build for this GPU."


def forced(now: Fingerprint, workload: Workload) -> Iterator[Result]:
    """CUDA_FORCE_PTX_JIT with a framework that has no PTX for the GPU."""
    known = list(_code(now, workload)) if now.value(FORCED) == "1" else []

    def look(key: str) -> Iterator[Match]:
        capability, path = _capability(now, key)
        for framework, _, code in known if capability else ():
            if not _compiles(now, framework, capability, code):
                yield Match(
                    f"CUDA_FORCE_PTX_JIT=1, and {framework} has no PTX for GPU {key} "
                    f"(compute capability {capability})",
                    (FORCED, path),
                    after="1",
                )

    return for_each(cards(now) if known else (), look)


def _of_unknown_code(now: Fingerprint, workload: Workload) -> Iterator[tuple[str, str]]:
    """Framework and its CUDA version, for frameworks whose targets are unknown."""
    known = {framework for framework, _, _ in _code(now, workload)}
    for framework, cuda in built_with(now, "runtime", workload).items():
        if framework not in known:
            yield framework, cuda


def dropped(now: Fingerprint, workload: Workload) -> Iterator[Result]:
    """GPUs older than any that a framework's CUDA supports."""
    lowest = {
        (framework, cuda): lowest_capability(numbers(cuda))
        for framework, cuda in _of_unknown_code(now, workload)
    }

    def look(key: str) -> Iterator[Match]:
        capability, path = _capability(now, key)
        for (framework, cuda), first in lowest.items():
            if capability and first and numbers(capability) < numbers(first):
                yield Match(
                    f"{framework} was built with CUDA {cuda}, which supports GPUs from compute "
                    f"capability {first} on; GPU {key} has {capability}",
                    (path, f"{place('runtime')}.built[{framework}]"),
                    after=capability,
                )

    return for_each(cards(now) if any(lowest.values()) else (), look)


def newer_than_toolkit(now: Fingerprint, workload: Workload) -> Iterator[Result]:
    """GPUs for which the CUDA of a PyTorch build could not generate machine code."""
    # JAX records the lowest version that it accepts, not the version it was built with.
    cuda = dict(_of_unknown_code(now, workload)).get("torch")
    has_nothing = bool(cuda) and torch_never_has_intermediate(
        now.value(TORCH) or "", workload.machine
    )

    def look(key: str) -> Iterator[Match]:
        capability, path = _capability(now, key)
        first = first_toolkit(numbers(capability)) if capability else None
        if cuda and first and numbers(cuda)[:2] < first:
            yield Match(
                f"torch was built with CUDA {cuda}, which has no machine code for "
                f"compute capability {capability} of GPU {key}"
                + (", and PyTorch's builds for it have no PTX" if has_nothing else ""),
                (path, f"{place('runtime')}.built[torch]"),
                after=capability,
                impact=Impact.BREAKS if has_nothing else None,
            )

    return for_each(cards(now) if cuda else (), look)


def _compiled_by_driver(now: Fingerprint, workload: Workload) -> Iterator[tuple[str, str, str]]:
    """Framework, key and path of each GPU whose kernels the driver compiles from PTX."""
    is_forced = now.value(FORCED) == "1"
    for framework, _, code in _code(now, workload):
        for key in cards(now):
            capability, path = _capability(now, key)
            is_own = has_binary(capability, code) and not is_forced
            if capability and not is_own and _compiles(now, framework, capability, code):
                yield framework, key, path


def compiled_by_another_driver(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """A different driver, if the driver compiles the kernels."""
    change = comparison.change(DRIVER)
    if change and change.before and change.after:
        sides = (comparison.before, comparison.after)
        # One side is enough: the other has machine code from the framework's own compiler.
        found = {match: None for side in sides for match in _compiled_by_driver(side, workload)}
        for framework, key, path in found:
            yield Match(
                f"the driver compiles {framework}'s kernels for GPU {key}; it was "
                f"{change.before}, is {change.after}",
                (DRIVER, path),
                change.before,
                change.after,
            )


def _older_than_toolkit(now: Fingerprint, workload: Workload) -> Iterator[tuple[str, str, str]]:
    """Framework, its CUDA version and that version's driver, if the one here is older but works."""
    driver = now.value(DRIVER)
    if driver is None or now.value(f"{LIBRARY}.compat"):
        return
    for framework, cuda in built_with(now, "runtime", workload).items():
        floor, shipped = driver_floor(numbers(cuda)), shipped_driver(numbers(cuda))
        if floor and shipped and is_below(driver, shipped) and not is_below(driver, floor):
            yield framework, cuda, shipped


def driver_cannot_compile(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """PTX of a CUDA version that is newer than the driver."""
    for framework, cuda, shipped in _older_than_toolkit(now, workload):
        for name, key, path in _compiled_by_driver(now, workload):
            if name == framework:
                yield Match(
                    f"GPU {key} needs {framework}'s PTX of CUDA {cuda}, which driver "
                    f"{now.value(DRIVER)} does not read; {shipped} does",
                    (DRIVER, path),
                    after=now.value(DRIVER),
                    remedy=sentence("Install NVIDIA driver {} or later.", shipped),
                )


def driver_older(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """A driver above the minimum that is older than the framework's CUDA version."""
    for framework, cuda, shipped in _older_than_toolkit(now, workload):
        yield Match(
            f"{framework} was built with CUDA {cuda} of driver {shipped}; {now.value(DRIVER)} runs "
            "it with limits",
            (DRIVER, f"{place('runtime')}.built[{framework}]"),
            after=now.value(DRIVER),
            remedy=sentence("Install NVIDIA driver {} or later.", shipped),
        )


_RUNTIME = place("runtime")
_BINARIES = Evidence(
    "Which GPUs run the code that a program contains",
    "https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#binary-compatibility",
)
_CAPABILITIES = Evidence(
    "TensorFlow's configure.py: compute_XY stands for PTX and machine code, sm_XY for the latter",
    "https://github.com/tensorflow/tensorflow/blob/v2.16.1/configure.py",
)
_WHEELS = Evidence(
    "PyTorch's table of wheels and the GPUs they have code for",
    "https://github.com/pytorch/pytorch/blob/main/RELEASE.md#pytorch-cuda-support-matrix",
)
_INVALID_PTX = Evidence(
    "TensorFlow 2.16 and 2.20 on an RTX 5080: CUDA_ERROR_INVALID_PTX, and no operation runs",
    "https://github.com/tensorflow/tensorflow/issues/101746",
)
_FOR_ONE_ARCHITECTURE = Evidence(
    "NVIDIA on PTX with the suffix a, which runs on that architecture alone",
    "https://developer.nvidia.com/blog/"
    "nvidia-blackwell-and-nvidia-cuda-12-9-introduce-family-specific-architecture-features",
)
_MATRIX = Evidence(
    "The toolkits and the architectures they support",
    "https://docs.nvidia.com/datacenter/tesla/drivers/"
    "cuda-toolkit-driver-and-architecture-matrix.html",
)

RULES = (
    Rule(
        id="cuda-gpu-not-in-build",
        title="The framework was not built for this GPU",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("tensorflow", "torch"),
        watches=(CODE, TENSORFLOW, TORCH, DEVICES),
        why="Machine code runs within one major compute capability. For a later GPU, the driver "
        "compiles PTX if there is any; for an earlier one, nothing runs. PTX for sm_90a, "
        "which TensorFlow 2.16 to 2.20 have, runs on compute capability 9.0 alone: Blackwell "
        "GPUs report CUDA_ERROR_INVALID_PTX. A table read on 2026-11-21 lists what PyTorch's "
        "own wheels contain.",
        not_when="The program does not use that GPU, or others built PyTorch under the version of "
        "one of its own wheels.",
        remedy="Install a build for the GPU's compute capability.",
        evidence=(_BINARIES, _CAPABILITIES, _WHEELS, _INVALID_PTX, _FOR_ONE_ARCHITECTURE),
        state=without_code,
    ),
    Rule(
        id="cuda-gpu-dropped",
        title="The framework's CUDA no longer supports this GPU",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(_RUNTIME, CODE, TORCH, DEVICES),
        why="Each major version of CUDA drops old architectures: its compiler generates no code "
        "for them, and its libraries contain none. CUDA 13 dropped Maxwell, Pascal and Volta.",
        not_when="The program does not use that GPU.",
        remedy="Install a build of the framework for an older major version of CUDA.",
        evidence=(
            _MATRIX,
            Evidence(
                "NVIDIA on the end of compute capabilities below 7.5 with CUDA 13",
                "https://developer.nvidia.com/blog/"
                "navigating-gpu-architecture-support-a-guide-for-nvidia-cuda-developers/",
            ),
        ),
        state=dropped,
    ),
    Rule(
        id="cuda-gpu-newer-than-toolkit",
        title="The GPU is newer than the framework's CUDA",
        impact=Impact.NUMERIC,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("torch"),
        watches=(_RUNTIME, CODE, TORCH, DEVICES),
        why="An older CUDA generates no machine code for a newer major compute capability. If the "
        "build has PTX, the driver compiles the kernels, each driver in its own way; without "
        "PTX, nothing runs, and PyTorch's own builds for CUDA 12.6 and before have none.",
        not_when="The program does not use that GPU.",
        remedy="Install a build of the framework for a CUDA that supports the GPU.",
        evidence=(
            _MATRIX,
            _BINARIES,
            _WHEELS,
            Evidence(
                "A build for CUDA 12.4 on an RTX 5090: no kernel image is available",
                "https://github.com/pytorch/pytorch/issues/167244",
            ),
        ),
        state=newer_than_toolkit,
    ),
    Rule(
        id="cuda-ptx-forced",
        title="CUDA_FORCE_PTX_JIT leaves the GPU without code",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("tensorflow", "torch"),
        watches=(FORCED, CODE, TENSORFLOW, TORCH, DEVICES),
        why="The variable makes CUDA ignore machine code. TensorFlow contains PTX for the newest "
        "GPUs only, and most PyTorch wheels contain none.",
        not_when="The program does not use that GPU.",
        remedy=Command("unset CUDA_FORCE_PTX_JIT"),
        evidence=(
            Evidence("TensorFlow's installation page", "https://www.tensorflow.org/install/pip"),
            _WHEELS,
        ),
        state=forced,
    ),
)
