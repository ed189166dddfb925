"""Whether the frameworks use the GPU that is there."""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Confidence, Impact
from envprint.core.rule import Evidence, Match, Rule
from envprint.core.shell import Command
from envprint.core.versions import numbers
from envprint.core.workload import Workload
from envprint.rules.kit.computing import (
    BUILDS,
    DRIVER_LIBRARY,
    FABRIC_MANAGER,
    JAXLIB,
    JAXLIB_BUILD,
    PLATFORMS,
    PLUGINS,
    UVM,
    computing,
    has_stub,
)
from envprint.rules.kit.devices import DEVICES, VISIBLE, gpu_training, how_many
from envprint.rules.kit.packages import pip_install, version_path

_NAMES = {"jax": "JAX", "tensorflow": "TensorFlow", "torch": "PyTorch"}
_BRINGS_CUDA_FROM = (2, 14)
_CUDA = tuple(
    f"facts.cuda.{key}.{part}" for key in ("runtime", "cudnn") for part in ("installed", "loaded")
)


def _unused(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    """Frameworks that stay on the CPU; none if another one of the job uses the GPU."""
    if not how_many(now) or _does_not_start(now):
        return
    found = {name: computing(now, name) for name in workload.frameworks if name in _NAMES}
    if any(one and one.device == "gpu" for one in found.values()):
        return
    for name, one in found.items():
        if one and one.device == "cpu" and PLATFORMS not in one.paths:
            yield Match(
                f"{_NAMES[name]} will compute on the CPU: {one.reason}",
                (*one.paths, version_path(name)),
                after=one.reason,
                remedy=_remedy(now, name),
            )


def _does_not_start(now: Fingerprint) -> bool:
    """Whether CUDA fails for every program, as other rules report."""
    is_missing = now.value(UVM) == "missing" or now.get(FABRIC_MANAGER) == "missing"
    return is_missing or has_stub(now)


def _remedy(now: Fingerprint, framework: str) -> str | None:
    version = now.value(version_path(framework))
    if framework == "tensorflow" and numbers(version) >= _BRINGS_CUDA_FROM:
        return pip_install("tensorflow", version, "[and-cuda]")
    return pip_install("jax", version, "[cuda12]") if framework == "jax" else None


def _uvm_missing(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    if now.value(UVM) == "missing":
        yield Match("/dev/nvidia-uvm does not exist, and nothing here creates it", (UVM,))


def _no_fabric_manager(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    if now.value(FABRIC_MANAGER) == "missing" and how_many(now):
        text = "this machine has NVSwitch, and no process nv-fabricmanager runs"
        yield Match(text, (FABRIC_MANAGER,))


def _iommu(now: Fingerprint, workload: Workload) -> Iterator[Match]:
    if now.value(_IOMMU) == "translated" and how_many(now) > 1:
        text = f"the IOMMU translates what the {how_many(now)} GPUs send each other"
        yield Match(text, (_IOMMU,), after="translated")


_IOMMU = "facts.cuda.iommu"

RULES = (
    Rule(
        id="gpu-fabric-manager-missing",
        title="The GPUs' switches are not set up",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(FABRIC_MANAGER, DEVICES, VISIBLE),
        why="On a machine with NVSwitch, CUDA waits for the Fabric Manager to set up the links: "
        "without it each program ends with error 802, system not yet initialized, while nvidia-smi "
        "shows healthy GPUs.",
        not_when="The program sees one GPU that takes no part in the links, as with MIG.",
        remedy=Command("sudo systemctl start nvidia-fabricmanager"),
        note="Its version must be that of the driver.",
        evidence=(
            Evidence(
                "What the Fabric Manager does, and on which machines",
                "https://docs.nvidia.com/datacenter/tesla/fabric-manager-user-guide/contents.html",
            ),
            Evidence(
                "Without it CUDA fails with error 802",
                "https://github.com/aws-samples/aws-deep-learning-ami-ubuntu-dcv-desktop/issues/33",
            ),
        ),
        state=_no_fabric_manager,
    ),
    Rule(
        id="gpu-iommu-translates",
        title="The IOMMU stands between the GPUs",
        impact=Impact.PERF,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(_IOMMU, DEVICES, VISIBLE),
        why="With an IOMMU in between, what GPUs send each other over PCI goes through the "
        "processor: NCCL becomes slow, and may hang.",
        not_when="The GPUs are joined by NVLink, or the program uses one of them.",
        remedy="Boot with iommu=pt, or switch off VT-d or the IOMMU in the firmware, where no "
        "virtual machine needs it.",
        evidence=(
            Evidence(
                "NCCL: IO virtualization slows peer traffic down or makes it hang",
                "https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/troubleshooting.html"
                "#pci-access-control-services-acs",
            ),
        ),
        state=_iommu,
        advice=True,
    ),
    Rule(
        id="gpu-not-used",
        title="A GPU is here, and the framework will not use it",
        impact=Impact.DIVERGES,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(
            *BUILDS.values(),
            *(PLUGINS, JAXLIB, JAXLIB_BUILD, PLATFORMS, DEVICES, VISIBLE, UVM, DRIVER_LIBRARY),
            *_CUDA,
        ),
        why="A CPU build, a build that finds none of CUDA's libraries, and a plugin whose version "
        "differs from jaxlib's all compute on the CPU, with a log line at most: with "
        "different kernels, and in PyTorch and TensorFlow with different random numbers.",
        not_when="The work is meant for the CPU; --device cpu tells envprint so. If another "
        "framework of the job uses the GPU, or JAX_PLATFORMS is cpu, nothing is reported.",
        remedy="Install the CUDA build named on the framework's installation page.",
        evidence=(
            Evidence(
                "A CPU build of PyTorch on a machine with a GPU",
                "https://github.com/pytorch/pytorch/issues/168065",
            ),
            Evidence(
                "TensorFlow skips GPU devices when it cannot load CUDA's libraries",
                "https://github.com/tensorflow/tensorflow/issues/63362",
            ),
            Evidence(
                "JAX does not use a plugin whose version differs from jaxlib's",
                "https://github.com/jax-ml/jax/issues/24901",
            ),
        ),
        state=_unused,
        yields_to=("gpu-not-usable", "gpu-on-one-side-only"),
    ),
    Rule(
        id="gpu-uvm-device-missing",
        title="A device file that CUDA needs is missing",
        impact=Impact.BREAKS,
        confidence=Confidence.DOCUMENTED,
        applies=gpu_training,
        watches=(UVM,),
        why="CUDA opens /dev/nvidia-uvm at start and fails without it; nvidia-smi does not need "
        "it and shows a healthy GPU.",
        not_when="The device is created before the job starts.",
        remedy=Command("sudo nvidia-modprobe --unified-memory --create-uvm-device"),
        evidence=(
            Evidence(
                "CUDA unknown error until nvidia-uvm exists",
                "https://github.com/pytorch/pytorch/issues/49081",
            ),
        ),
        state=_uvm_missing,
    ),
)
