"""The effect of the driver: too old, in mismatched halves, or the compiler of kernels itself."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.shell import sentence
from envprint.core.versions import is_below, numbers
from envprint.core.workload import Workload, on_gpu, uses
from envprint.rules.cuda import builds
from envprint.rules.cuda._tables import driver_floor
from envprint.rules.cuda._versions import built_with, place
from envprint.rules.cuda.builds import CODE, DRIVER, FORCED, LIBRARY, TENSORFLOW, TORCH
from envprint.rules.kit.computing import has_stub
from envprint.rules.kit.devices import DEVICES, cards, field, gpu_training

_MODULE = "facts.cuda.kernel_module_version"
_RUNTIME = place("runtime")
_MINOR_COMPATIBILITY = Evidence(
    "Lowest drivers for each CUDA version, and what does not work between that and the toolkit's "
    "own driver",
    "https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html",
)
_TOOLKIT_DRIVERS = Evidence(
    "Drivers of each toolkit",
    "https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/index.html",
)


def _below_floor(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    driver = now.value(DRIVER)
    if driver is None or now.value(f"{LIBRARY}.compat"):
        return
    for framework, cuda in built_with(now, "runtime", workload).items():
        floor = driver_floor(numbers(cuda))
        if floor and is_below(driver, floor):
            yield Match(
                f"{framework} was built with CUDA {cuda}, which needs driver {floor}; "
                f"{driver} is installed",
                (DRIVER, f"{_RUNTIME}.built[{framework}]"),
                after=driver,
                remedy=sentence(
                    "Install NVIDIA driver {} or later, or a {} that was built with an older CUDA.",
                    floor,
                    framework,
                ),
            )


def _halves_differ(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    module = now.value(_MODULE)
    if module is None or now.value(LIBRARY) is None or now.value(f"{LIBRARY}.compat"):
        return
    library = now.value(f"{LIBRARY}.version")
    if library is not None and library != module:
        yield Match(
            f"the driver's library is {library}, its kernel module {module}",
            (f"{LIBRARY}.version", _MODULE),
            module,
            library,
        )


def _compat_on_geforce(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    if not now.value(f"{LIBRARY}.compat"):
        return
    library, module = now.value(f"{LIBRARY}.version"), now.value(_MODULE)
    for key in cards(now) if library != module else []:
        name = field(now, key, "name") or ""
        if "GeForce" in name:
            yield Match(
                f"the forward-compatibility package {library} is loaded for GPU {key}, {name}",
                (LIBRARY, f"{DEVICES}[{key}].name"),
                after=name,
            )


def _stub(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    if has_stub(now):
        place = now.value(f"{LIBRARY}.directory")
        text = f"the loader finds the toolkit's stub of libcuda.so.1 first, in {place}"
        yield Match(text, (f"{LIBRARY}.directory",), after=place)


RULES = (
    Rule(
        id="cuda-driver-library-stub",
        title="The toolkit's stub hides the driver",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(LIBRARY,),
        why="A stub has the names of the driver's functions so that programs can be linked where "
        "no driver is; each of them answers with error 34, and no GPU is found.",
        not_when="The program is only built here, and runs elsewhere.",
        remedy="Take the directory `stubs` out of LD_LIBRARY_PATH and of the loader's "
        "configuration: it is for the linker only.",
        evidence=(
            Evidence(
                "cudaErrorStubLibrary: the loaded driver is a stub library",
                "https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html",
            ),
        ),
        state=_stub,
    ),
    Rule(
        id="cuda-driver-below-floor",
        title="The driver is too old for the framework's CUDA",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(DRIVER, LIBRARY, _RUNTIME),
        why="With a driver below the lowest one for its CUDA version, a program finds no GPU.",
        not_when="NVIDIA's forward-compatibility package is loaded, on a data-centre GPU.",
        remedy="Install a newer NVIDIA driver.",
        evidence=(_MINOR_COMPATIBILITY, _TOOLKIT_DRIVERS),
        state=_below_floor,
    ),
    Rule(
        id="cuda-driver-cannot-compile",
        title="The driver cannot compile the framework's code for this GPU",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu & uses("tensorflow", "torch"),
        watches=(DRIVER, LIBRARY, _RUNTIME, CODE, TENSORFLOW, TORCH, FORCED, DEVICES),
        why="For this GPU the framework contains only PTX, which the driver compiles, and a "
        "driver older than the toolkit cannot read its PTX: cudaErrorUnsupportedPtxVersion.",
        not_when="NVIDIA's forward-compatibility package is loaded, or the program does not use "
        "that GPU.",
        remedy="Install the driver that came with the framework's CUDA, or a later one.",
        evidence=(
            _MINOR_COMPATIBILITY,
            Evidence(
                "cudaErrorUnsupportedPtxVersion",
                "https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html",
            ),
            Evidence(
                "A program of CUDA 13.2 gets this error on driver 580",
                "https://github.com/NVIDIA/nvbandwidth/issues/61",
            ),
        ),
        state=builds.driver_cannot_compile,
        yields_to=("cuda-driver-below-floor",),
    ),
    Rule(
        id="cuda-driver-older-than-toolkit",
        title="The driver is older than the framework's CUDA",
        impact=Impact.PERF,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(DRIVER, LIBRARY, _RUNTIME),
        why="Since CUDA 11, a driver of the same major version is enough for compiled code. New "
        "features of the toolkit, and PTX that the program compiles itself, may still fail.",
        not_when="The program needs none of that, as most do not.",
        remedy="Install the driver that came with the framework's CUDA, or a later one.",
        evidence=(_MINOR_COMPATIBILITY, _TOOLKIT_DRIVERS),
        state=builds.driver_older,
        advice=True,
        yields_to=("cuda-driver-cannot-compile",),
    ),
    Rule(
        id="cuda-kernels-compiled-by-another-driver",
        title="A different driver compiles the kernels",
        impact=Impact.NUMERIC,
        confidence=Confidence.INFERRED,
        applies=on_gpu & uses("tensorflow", "torch"),
        watches=(DRIVER, CODE, TENSORFLOW, TORCH, FORCED, DEVICES),
        why="For this GPU the framework contains only PTX. The driver compiles it, and a "
        "different driver may generate different machine code, which rounds differently.",
        not_when="Both drivers have the same compiler. If the framework has machine code for the "
        "GPU, a different driver changes nothing, and nothing is reported.",
        remedy="Install a build with machine code for this GPU, or the same driver on both sides.",
        evidence=(
            Evidence(
                "The driver's compiler and its improvements reach programs that carry PTX",
                "https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html"
                "#just-in-time-compilation",
            ),
        ),
        drift=builds.compiled_by_another_driver,
    ),
    Rule(
        id="cuda-compat-not-supported",
        title="CUDA's forward compatibility does not work on this GPU",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu,
        watches=(LIBRARY, _MODULE, DEVICES),
        why="The package that runs a newer CUDA on an older driver is for data-centre GPUs. On a "
        "GeForce card, CUDA does not start: cudaErrorCompatNotSupportedOnDevice.",
        not_when="The program does not use that GPU.",
        remedy="Take the package's directory out of LD_LIBRARY_PATH, or install a newer driver.",
        evidence=(
            Evidence(
                "Forward compatibility and where it is supported",
                "https://docs.nvidia.com/deploy/cuda-compatibility/forward-compatibility.html",
            ),
            Evidence(
                "cudaErrorCompatNotSupportedOnDevice",
                "https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html",
            ),
        ),
        state=_compat_on_geforce,
    ),
    Rule(
        id="cuda-driver-library-mismatch",
        title="The two halves of the driver have different versions",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=on_gpu,
        watches=(LIBRARY, _MODULE),
        why="The kernel module refuses a user-space library of a different version; this happens "
        "after an upgrade, until the module is reloaded.",
        not_when="NVIDIA's forward-compatibility package is loaded.",
        remedy="Reboot, or unload and load the nvidia kernel modules.",
        evidence=(
            Evidence(
                "NVML_ERROR_LIB_RM_VERSION_MISMATCH",
                "https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html",
            ),
            Evidence(
                "Ubuntu on how this happens, and that a reboot fixes it",
                "https://documentation.ubuntu.com/server/how-to/graphics/install-nvidia-drivers/",
            ),
        ),
        state=_halves_differ,
    ),
)
