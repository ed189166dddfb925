"""Whether a framework's build has code for the GPUs at hand, and who compiles it when it has not.

TensorFlow writes down what it was built for. PyTorch does not, so its own wheels are looked up in
a table, and of other builds no more is known than their CUDA.
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint.model import Comparison, Fingerprint, Impact, Workload
from envprint.rule import Match
from envprint.rules._cuda_tables import (
    driver_floor,
    first_toolkit,
    lowest_capability,
    shipped_driver,
    torch_never_has_intermediate,
    torch_wheel_code,
    torch_wheels,
)
from envprint.rules._cuda_versions import built_with, place
from envprint.rules._devices import DEVICES, cards, field
from envprint.shell import command
from envprint.versions import is_below, numbers

CODE = "facts.frameworks.tensorflow.compute_capabilities"
TORCH = "facts.frameworks.torch.version"
FORCED = "facts.environ.variables[CUDA_FORCE_PTX_JIT]"
DRIVER = "facts.gpu.driver_version"
LIBRARY = "facts.cuda.driver_library"
TENSORFLOW = "facts.frameworks.tensorflow.version"

_HOPPER = (9, 0)
_PTX_OF_HOPPER_ONLY = ((2, 16), (2, 21))
"""TensorFlow from the first on to before the second: of its compute_90 the kernels that MLIR
generates are PTX for sm_90a, which no driver compiles for a later GPU.

Read in the wheels of 2.16.2, 2.17.1, 2.18.0, 2.19.0, 2.20.0 and, without the `a`, 2.21.0.
"""


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


def _code(now: Fingerprint, workload: Workload) -> Iterator[tuple[str, str, list[str]]]:
    """Framework, the path that says it, and its targets, where they are known."""
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


def _capabilities(now: Fingerprint) -> Iterator[tuple[str, str, str]]:
    """Key, capability and its path, of the visible GPUs."""
    for key in cards(now):
        capability = field(now, key, "compute_capability")
        if numbers(capability or ""):
            yield key, capability, f"{DEVICES}[{key}].compute_capability"


def without_code(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """GPUs for which a framework has machine code neither of their own nor of their kind."""
    for framework, source, code in _code(now, workload):
        for key, capability, path in _capabilities(now):
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


def _other_wheel(now: Fingerprint, capability: str, workload: Workload) -> str | None:
    """The wheel of the same release that has code for the GPU, None when there is none."""
    release = now.value(TORCH).partition("+")[0]
    for cuda, code in torch_wheels(release, workload.machine).items():
        if has_binary(capability, code):
            wheel = f"{release}+cu{cuda.replace('.', '')}"
            return command("Install torch {}, which has code for it.", wheel)
    return None


def _other_tensorflow(capability: str, compiles: bool) -> str | None:
    if compiles or numbers(capability) < _HOPPER:
        return None
    return "Install TensorFlow 2.21 or later, or NVIDIA's container with a build for this GPU."


def forced(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """CUDA_FORCE_PTX_JIT where a framework has no PTX that the GPU could use."""
    if now.value(FORCED) != "1":
        return
    for framework, _, code in _code(now, workload):
        for key, capability, path in _capabilities(now):
            if not _compiles(now, framework, capability, code):
                yield Match(
                    f"CUDA_FORCE_PTX_JIT=1, and {framework} has no PTX for GPU {key} "
                    f"(compute capability {capability})",
                    (FORCED, path),
                    after="1",
                )


def _of_unknown_code(now: Fingerprint, workload: Workload) -> Iterator[tuple[str, str]]:
    """Framework and its CUDA, where what it has code for is not known."""
    known = {framework for framework, _, _ in _code(now, workload)}
    for framework, cuda in built_with(now, "runtime", workload).items():
        if framework not in known:
            yield framework, cuda


def dropped(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """GPUs older than all that a framework's CUDA knows."""
    for framework, cuda in _of_unknown_code(now, workload):
        lowest = lowest_capability(numbers(cuda))
        for key, capability, path in _capabilities(now) if lowest else ():
            if lowest and numbers(capability) < numbers(lowest):
                yield Match(
                    f"{framework} was built with CUDA {cuda}, which knows GPUs from compute "
                    f"capability {lowest} on; GPU {key} has {capability}",
                    (path, f"{place('runtime')}.built[{framework}]"),
                    after=capability,
                )


def newer_than_toolkit(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """GPUs for which the CUDA of a PyTorch build could not make machine code."""
    for framework, cuda in _of_unknown_code(now, workload):
        # What is written down for JAX is the lowest version it accepts, not that of its build.
        is_torch = framework == "torch"
        has_nothing = is_torch and torch_never_has_intermediate(
            now.value(TORCH) or "", workload.machine
        )
        for key, capability, path in _capabilities(now) if is_torch else ():
            first = first_toolkit(numbers(capability))
            if first and numbers(cuda)[:2] < first:
                yield Match(
                    f"{framework} was built with CUDA {cuda}, which has no machine code for "
                    f"compute capability {capability} of GPU {key}"
                    + (", and PyTorch's builds for it have no PTX" if has_nothing else ""),
                    (path, f"{place('runtime')}.built[{framework}]"),
                    after=capability,
                    impact=Impact.BREAKS if has_nothing else None,
                )


def _compiled_by_driver(now: Fingerprint, workload: Workload) -> Iterator[tuple[str, str, str]]:
    """Framework, key and path of each GPU whose kernels the driver compiles from PTX."""
    is_forced = now.value(FORCED) == "1"
    for framework, _, code in _code(now, workload):
        for key, capability, path in _capabilities(now):
            is_own = has_binary(capability, code) and not is_forced
            if not is_own and _compiles(now, framework, capability, code):
                yield framework, key, path


def compiled_by_another_driver(comparison: Comparison, workload: Workload) -> Iterator[Match]:
    """Another driver where the driver compiles the kernels."""
    change = comparison.change(DRIVER)
    if change and change.before and change.after:
        sides = (comparison.before, comparison.after)
        # On one side is enough: the other has machine code of the framework's own compiler.
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
    """Framework, its CUDA, and the driver of that CUDA, where the one here is older but runs."""
    driver = now.value(DRIVER)
    if driver is None or now.value(f"{LIBRARY}.compat"):
        return
    for framework, cuda in built_with(now, "runtime", workload).items():
        floor, shipped = driver_floor(numbers(cuda)), shipped_driver(numbers(cuda))
        if floor and shipped and is_below(driver, shipped) and not is_below(driver, floor):
            yield framework, cuda, shipped


def driver_cannot_compile(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """PTX of a CUDA that is newer than the driver."""
    for framework, cuda, shipped in _older_than_toolkit(now, workload):
        for name, key, path in _compiled_by_driver(now, workload):
            if name == framework:
                yield Match(
                    f"GPU {key} needs {framework}'s PTX of CUDA {cuda}, which driver "
                    f"{now.value(DRIVER)} does not read; {shipped} does",
                    (DRIVER, path),
                    after=now.value(DRIVER),
                    remedy=command("Install NVIDIA driver {} or later.", shipped),
                )


def driver_older(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """A driver above the floor that is older than the framework's CUDA."""
    for framework, cuda, shipped in _older_than_toolkit(now, workload):
        yield Match(
            f"{framework} was built with CUDA {cuda} of driver {shipped}; {now.value(DRIVER)} runs "
            "it with limits",
            (DRIVER, f"{place('runtime')}.built[{framework}]"),
            after=now.value(DRIVER),
            remedy=command("Install NVIDIA driver {} or later.", shipped),
        )
