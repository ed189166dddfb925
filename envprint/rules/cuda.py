"""What the driver and the CUDA around a GPU do to a result."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.model import Confidence, Fingerprint, Impact, Workload
from envprint.rule import Evidence, Match, Rule
from envprint.rules._cuda_libraries import LIBRARY_RULES
from envprint.rules._cuda_tables import driver_floor
from envprint.rules._cuda_versions import built_with, place
from envprint.rules._devices import DEVICES, field, training, visible
from envprint.versions import is_below, numbers
from envprint.workload import on_gpu, uses

_DRIVER = "facts.gpu.driver_version"
_LIBRARY = "facts.cuda.driver_library"
_MODULE = "facts.cuda.kernel_module_version"
_CODE = "facts.frameworks.tensorflow.compute_capabilities"
_FORCED = "facts.environ.variables[CUDA_FORCE_PTX_JIT]"
_MINOR_COMPATIBILITY = Evidence(
    "Lowest drivers for each CUDA version",
    "https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html",
)
_BINARIES = Evidence(
    "Which GPUs run the code that a program carries",
    "https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#binary-compatibility",
)
_CAPABILITIES = Evidence(
    "TensorFlow's configure.py: compute_XY stands for PTX and machine code, sm_XY for the latter",
    "https://github.com/tensorflow/tensorflow/blob/v2.16.1/configure.py",
)


def _below_floor(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    driver = now.value(_DRIVER)
    if driver is None or now.value(f"{_LIBRARY}.compat"):
        return
    for framework, cuda in built_with(now, "runtime", workload).items():
        floor = driver_floor(numbers(cuda))
        if floor and is_below(driver, floor):
            yield Match(
                f"{framework} was built with CUDA {cuda}, which needs driver {floor}; "
                f"{driver} is installed",
                (_DRIVER, f"{place('runtime')}.built[{framework}]"),
                after=driver,
                remedy=f"Install NVIDIA driver {floor} or later, or a {framework} that was built "
                "with an older CUDA.",
            )


def _halves_differ(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    module = now.value(_MODULE)
    if module is None or now.value(_LIBRARY) is None or now.value(f"{_LIBRARY}.compat"):
        return
    library = now.value(f"{_LIBRARY}.version")
    if library is not None and library != module:
        yield Match(
            f"the driver's library is {library}, its kernel module {module}",
            (f"{_LIBRARY}.version", _MODULE),
            module,
            library,
        )


def _not_in_build(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    code = now.value(_CODE)
    for key in visible(now) if code else []:
        capability = field(now, key, "compute_capability")
        if capability and not has_binary(capability, code):
            compiles = has_intermediate(capability, code)
            how = "compiles its kernels on first use" if compiles else "has no kernels"
            yield Match(
                f"tensorflow {how} for compute capability {capability} of GPU {key}",
                (f"{DEVICES}[{key}].compute_capability", _CODE),
                after=capability,
                impact=Impact.PERF if compiles else None,
            )


def has_binary(capability: str, code: list[str]) -> bool:
    """Whether `code` has machine code for a GPU: the same major version, a minor not above it."""
    have = numbers(capability)
    return any(
        target[:1] == have[:1] and target <= have
        # TensorFlow's build puts machine code beside the PTX of each compute_XY.
        for kind in ("sm_", "compute_")
        for target in _targets(kind, code)
    )


def has_intermediate(capability: str, code: list[str]) -> bool:
    """Whether `code` has PTX, which the driver compiles for any later GPU."""
    return any(target <= numbers(capability) for target in _targets("compute_", code))


# sm_75   sm_120   sm_90a   compute_90
def _targets(kind: str, code: list[str]) -> list[tuple[int, int]]:
    """(7, 5) of each entry of that kind."""
    digits = [numbers(name[len(kind) :])[:1] for name in code if name.startswith(kind)]
    return [(found[0] // 10, found[0] % 10) for found in digits if found]


def _forced(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    if now.value(_FORCED) == "1":
        code = now.value(_CODE) or []
        for key in visible(now):
            capability = field(now, key, "compute_capability")
            if capability and code and not has_intermediate(capability, code):
                yield Match(
                    f"CUDA_FORCE_PTX_JIT=1, and tensorflow has no PTX for GPU {key} "
                    f"(compute capability {capability})",
                    (_FORCED, f"{DEVICES}[{key}].compute_capability"),
                    after="1",
                )


RULES = (
    *LIBRARY_RULES,
    Rule(
        id="cuda-driver-below-floor",
        title="The driver is too old for the framework's CUDA",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(_DRIVER, _LIBRARY, place("runtime")),
        why="Below the lowest driver of its CUDA version a program finds no GPU.",
        not_when="NVIDIA's forward-compatibility package is loaded, on a data-centre GPU.",
        remedy="Install a newer NVIDIA driver.",
        evidence=(
            _MINOR_COMPATIBILITY,
            Evidence(
                "Drivers of each toolkit",
                "https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/index.html",
            ),
        ),
        state=_below_floor,
    ),
    Rule(
        id="cuda-driver-library-mismatch",
        title="The two halves of the driver have different versions",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=training,
        watches=(_LIBRARY, _MODULE),
        why="The kernel module refuses a user-space library of another version; this is so after "
        "an upgrade until the module is loaded anew.",
        not_when="NVIDIA's forward-compatibility package is loaded.",
        remedy="Reboot, or unload and load the nvidia kernel modules.",
        evidence=(
            Evidence(
                "NVML_ERROR_LIB_RM_VERSION_MISMATCH",
                "https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html",
            ),
            Evidence(
                "Ubuntu on how it comes about, and that a reboot ends it",
                "https://documentation.ubuntu.com/server/how-to/graphics/install-nvidia-drivers/",
            ),
        ),
        state=_halves_differ,
    ),
    Rule(
        id="cuda-gpu-not-in-build",
        title="The framework was not built for this GPU",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("tensorflow"),
        watches=(_CODE, DEVICES),
        why="Machine code runs within one major compute capability; for a later GPU the driver "
        "compiles PTX, if there is any, and for an earlier one nothing runs.",
        not_when="The program does not use that GPU.",
        remedy="Install a build that names the GPU's compute capability.",
        evidence=(_BINARIES, _CAPABILITIES),
        state=_not_in_build,
    ),
    Rule(
        id="cuda-ptx-forced",
        title="CUDA_FORCE_PTX_JIT leaves the GPU without code",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("tensorflow"),
        watches=(_FORCED, _CODE, DEVICES),
        why="The variable makes CUDA ignore machine code, and TensorFlow carries PTX for the "
        "newest GPUs only.",
        not_when="The program does not use that GPU.",
        remedy="unset CUDA_FORCE_PTX_JIT",
        evidence=(
            Evidence("TensorFlow's installation page", "https://www.tensorflow.org/install/pip"),
        ),
        state=_forced,
    ),
)
