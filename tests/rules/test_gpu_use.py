"""Whether the frameworks use the GPU that is there."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.workload import detect
from envprint.rules.kit.computing import Computing, computing
from tests.builders.gpus import A10, T4, VISIBLE, machine
from tests.builders.support import drift, fingerprint, state

UNUSED, UVM = "gpu-not-used", "gpu-uvm-device-missing"
TORCH = {"facts.frameworks.torch.version": "2.3.0", "facts.frameworks.torch.build": "cuda"}
TENSORFLOW = {
    "facts.frameworks.tensorflow.version": "2.15.1",
    "facts.frameworks.tensorflow.build": "cuda",
}
JAX = {
    "facts.frameworks.jax.version": "0.4.38",
    "facts.frameworks.jax.jaxlib_version": "0.4.38",
    "facts.frameworks.jax.plugins": {"jax-cuda12-plugin": "0.4.38", "jax-cuda12-pjrt": "0.4.38"},
}
LIBRARIES = {
    f"facts.cuda.{key}.installed": [{"version": "12.2", "path": "/p", "source": "wheel"}]
    for key in ("runtime", "cudnn")
}


NOTHING: dict[str, Any] = {path: [] for path in LIBRARIES}


def gpu(*frameworks: dict[str, Any], **changes: Any) -> Fingerprint:
    """An A10 with the frameworks and CUDA's libraries."""
    values: dict[str, Any] = {"facts.cuda.uvm_device": "present", **LIBRARIES}
    for framework in frameworks:
        values |= framework
    return machine(A10, more=values | changes)


@pytest.mark.parametrize(
    ("framework", "facts", "changes", "reason"),
    [
        ("torch", TORCH, {"facts.frameworks.torch.build": "cpu"}, "a CPU build"),
        (
            "torch",
            TORCH,
            {"facts.frameworks.torch.build": "rocm", "facts.rocm.kfd_device": False},
            "a build for ROCm, and /dev/kfd does not exist",
        ),
        ("tensorflow", TENSORFLOW, {"facts.frameworks.tensorflow.build": "cpu"}, "a CPU build"),
        (
            "tensorflow",
            TENSORFLOW,
            NOTHING,
            "no CUDA library is found",
        ),
        ("tensorflow", TENSORFLOW, {"facts.cuda.cudnn.installed": []}, "no cuDNN is found"),
        (
            "jax",
            JAX,
            {"facts.frameworks.jax.plugins": {}},
            "no plugin for a GPU is installed",
        ),
        (
            "jax",
            JAX,
            {"facts.frameworks.jax.plugins": {"jax-cuda12-plugin": "0.5.0"}},
            "jax-cuda12-plugin is 0.5.0, jaxlib is 0.4.38",
        ),
        (
            "jax",
            JAX,
            {
                "facts.frameworks.jax.plugins": {
                    "jax-cuda12-plugin": "0.4.38",
                    "jax-cuda12-pjrt": "0.5.0",
                }
            },
            "jax-cuda12-pjrt is 0.5.0, jaxlib is 0.4.38",
        ),
    ],
)
def test_a_framework_that_stays_on_the_cpu_is_found(
    framework: str, facts: dict[str, Any], changes: dict[str, Any], reason: str
) -> None:
    good, bad = gpu(facts), gpu(facts, **changes)
    assert computing(good, framework) == Computing("gpu", "GPU 0")
    assert computing(bad, framework)[:2] == ("cpu", reason)  # type: ignore[index]
    ((finding,), undecided) = state(UNUSED, bad, [framework], "gpu")
    assert (finding.impact, undecided) == (Impact.DIVERGES, [])
    assert finding.message.endswith(f" will compute on the CPU: {reason}")
    assert state(UNUSED, good, [framework], "gpu") == ([], [])
    assert [f.rule for f in drift(UNUSED, good, bad, [framework], "gpu")[0]] == [UNUSED]
    assert drift(UNUSED, bad, bad, [framework], "gpu") == ([], [])


def test_a_version_with_a_local_part_is_the_same_release() -> None:
    plugins = {"jax-cuda12-plugin": "0.4.38.dev1+cuda12", "jax-cuda12-pjrt": "0.4.38"}
    now = gpu(JAX, **{"facts.frameworks.jax.plugins": plugins})
    assert computing(now, "jax") == Computing("gpu", "GPU 0")


def test_a_jaxlib_from_before_plugins_has_cuda_inside() -> None:
    more = {
        "facts.frameworks.jax.plugins": {},
        "facts.packages.distributions[jaxlib].version": "0.4.20+cuda12.cudnn89",
    }
    assert computing(gpu(JAX, **more), "jax") == Computing("gpu", "GPU 0")


def test_a_library_that_is_loaded_need_not_be_found_anywhere_else() -> None:
    more: dict[str, Any] = dict(NOTHING)
    more |= {f"facts.cuda.{key}.loaded": [{"path": "/x"}] for key in ("runtime", "cudnn")}
    assert computing(gpu(TENSORFLOW, **more), "tensorflow") == Computing("gpu", "GPU 0")


def test_beside_a_framework_that_uses_the_gpu_a_cpu_build_is_no_finding() -> None:
    cpu = {"facts.frameworks.tensorflow.build": "cpu"}
    now = gpu(TORCH, TENSORFLOW, **cpu)
    assert state(UNUSED, now, ["tensorflow", "torch"], "gpu") == ([], [])
    assert len(state(UNUSED, now, ["tensorflow"], "gpu")[0]) == 1


def test_without_a_gpu_there_is_nothing_to_use() -> None:
    now = machine(more={**TORCH, "facts.frameworks.torch.build": "cpu"})
    assert state(UNUSED, now, ["torch"], "gpu") == ([], [])
    assert computing(now, "numpy") is None
    assert computing(now, "jax") is None


ARM_MAC = {"facts.os.system": "Darwin", "facts.cpu.architecture": "arm64"}
CPU_TORCH = {"facts.frameworks.torch.version": "2.3.0", "facts.frameworks.torch.build": "cpu"}
METAL = {"facts.packages.distributions[tensorflow-metal].version": "1.2.0"}
ROCM = {"jax-rocm60-pjrt": "0.4.38", "jax-rocm60-plugin": "0.4.38"}


def jax(plugins: dict[str, str], **more: Any) -> Fingerprint:
    return fingerprint({**JAX, "facts.frameworks.jax.plugins": plugins, **more})


@pytest.mark.parametrize(
    ("now", "framework", "device", "reason"),
    [
        (fingerprint(TENSORFLOW | METAL), "tensorflow", "gpu", "Metal, by tensorflow-metal"),
        (jax({"jax-metal": "0.1.1"}), "jax", "gpu", "Metal, by jax-metal"),
        (fingerprint(CPU_TORCH | ARM_MAC), "torch", None, "the program chooses between"),
        (fingerprint(CPU_TORCH), "torch", "cpu", "a CPU build"),
        (jax(ROCM, **{"facts.rocm.kfd_device": True}), "jax", "gpu", "a build for rocm"),
        (jax(ROCM, **{"facts.rocm.kfd_device": False}), "jax", "cpu", "a build for ROCm, and"),
        (
            jax({**ROCM, "jax-rocm60-pjrt": "0.4.35"}, **{"facts.rocm.kfd_device": True}),
            "jax",
            "cpu",
            "jax-rocm60-pjrt is 0.4.35, jaxlib is 0.4.38",
        ),
        (
            jax(
                {},
                **{
                    "facts.rocm.kfd_device": True,
                    "facts.packages.distributions[jaxlib].version": "0.4.30+rocm611",
                },
            ),
            "jax",
            "gpu",
            "a build for rocm",
        ),
        (jax({"libtpu": "0.0.8"}), "jax", None, "libtpu is installed"),
        (
            jax({}, **{"facts.environ.variables[JAX_PLATFORMS]": "cpu"}),
            "jax",
            "cpu",
            "JAX_PLATFORMS is cpu",
        ),
    ],
)
def test_other_gpus_than_nvidias_count_too(
    now: Fingerprint, framework: str, device: str | None, reason: str
) -> None:
    found = computing(now, framework)
    assert found is not None
    assert found.device == device
    assert found.reason.startswith(reason)


def test_jax_for_rocm_is_work_for_a_gpu_where_amds_driver_is() -> None:
    assert detect(jax(ROCM, **{"facts.rocm.kfd_device": True})).device == "gpu"
    assert detect(jax(ROCM, **{"facts.rocm.kfd_device": False})).device == "cpu"


def test_a_gpu_that_jax_is_not_to_use_is_no_finding() -> None:
    now = gpu(JAX, **{"facts.environ.variables[JAX_PLATFORMS]": "cpu"})
    assert state(UNUSED, now, ["jax"], "gpu") == ([], [])


def test_of_unlike_gpus_without_an_order_the_device_is_known_but_not_which() -> None:
    more = {**TORCH, "facts.cuda.uvm_device": "present", VISIBLE: "0"}
    found = computing(machine(A10, T4, more=more), "torch")
    assert found is not None
    assert found.device == "gpu"
    assert "CUDA_DEVICE_ORDER=PCI_BUS_ID would decide it" in found.reason


def test_a_remedy_can_be_pasted() -> None:
    bad = gpu(TENSORFLOW, **NOTHING)
    ((finding,), _) = state(UNUSED, bad, ["tensorflow"], "gpu")
    assert finding.remedy == "pip install 'tensorflow[and-cuda]==2.15.1'"


@pytest.mark.parametrize("path", ["facts.frameworks.torch.build", "facts.cuda.uvm_device"])
def test_what_is_unknown_leaves_it_undecided(path: str) -> None:
    good = gpu(TORCH)
    unknown = good._replace(unknown={**good.unknown, path: "cannot be read"})
    findings, undecided = state(UNUSED, unknown, ["torch"], "gpu")
    assert (findings, [entry.path for entry in undecided]) == ([], [path])


@pytest.mark.parametrize(
    ("device", "is_found"),
    [("missing", True), ("on-demand", False), ("present", False), (None, False)],
)
def test_a_missing_device_file_breaks_the_start(device: str | None, is_found: bool) -> None:
    now = gpu(TORCH, **{"facts.cuda.uvm_device": device})
    findings, undecided = state(UVM, now, ["torch"], "gpu")
    assert [f.impact for f in findings] == ([Impact.BREAKS] if is_found else [])
    assert undecided == []
    # One finding is enough: the other rule leaves it to this one.
    assert state(UNUSED, now, ["torch"], "gpu") == ([], [])


def test_whether_the_device_file_exists_may_be_unknown() -> None:
    good = gpu(TORCH)
    unknown = good._replace(unknown={**good.unknown, "facts.cuda.uvm_device": "denied"})
    assert len(state(UVM, unknown, ["torch"], "gpu")[1]) == 1


STUB, FABRIC, IOMMU = (
    "cuda-driver-library-stub",
    "gpu-fabric-manager-missing",
    "gpu-iommu-translates",
)
REAL = {
    "path": "/usr/lib64/libcuda.so.550.90.07",
    "directory": "/usr/lib64",
    "version": "550.90.07",
}
LIBRARY = "facts.cuda.driver_library"


@pytest.mark.parametrize(
    ("directory", "path"),
    [
        ("/usr/local/cuda/lib64/stubs", "/usr/local/cuda-12.4/lib64/stubs/libcuda.so"),
        ("/opt/lib", "/usr/local/cuda-12.4/targets/x86_64-linux/lib/stubs/libcuda.so"),
    ],
)
def test_a_stub_in_front_of_the_driver_breaks(directory: str, path: str) -> None:
    stub = {"path": path, "directory": directory}
    good, bad = gpu(TORCH, **{LIBRARY: REAL}), gpu(TORCH, **{LIBRARY: stub})
    ((finding,), undecided) = state(STUB, bad, ["torch"], "gpu")
    assert (finding.impact, undecided) == (Impact.BREAKS, [])
    assert finding.message == (
        f"the loader finds the toolkit's stub of libcuda.so.1 first, in {directory}"
    )
    assert state(STUB, good, ["torch"], "gpu") == ([], [])
    assert state(STUB, gpu(TORCH, **{LIBRARY: None}), ["torch"], "gpu") == ([], [])
    assert state(UNUSED, bad, ["torch"], "gpu") == ([], [])
    assert computing(bad, "torch")[:2] == ("cpu", "libcuda.so.1 is the toolkit's stub")  # type: ignore[index]


def test_an_unknown_driver_library_leaves_the_stub_undecided() -> None:
    now = gpu(TORCH)._replace(unknown={LIBRARY: "denied"})
    findings, undecided = state(STUB, now, ["torch"], "gpu")
    assert (findings, [one.reason for one in undecided]) == ([], ["denied"])


def test_switches_without_their_manager_break() -> None:
    bad = gpu(TORCH, **{"facts.cuda.fabric_manager": "missing"})
    ((finding,), undecided) = state(FABRIC, bad, ["torch"], "gpu")
    assert (finding.impact, undecided) == (Impact.BREAKS, [])
    assert state(UNUSED, bad, ["torch"], "gpu") == ([], [])
    assert computing(bad, "torch")[:2] == ("cpu", "the Fabric Manager does not run")  # type: ignore[index]
    for quiet in ("running", None):
        now = gpu(TORCH, **{"facts.cuda.fabric_manager": quiet})
        assert state(FABRIC, now, ["torch"], "gpu") == ([], [])


def test_an_iommu_between_several_gpus_is_advice() -> None:
    more = {"facts.cuda.iommu": "translated"}
    ((finding,), undecided) = state(IOMMU, machine(A10, A10, more=more), ["torch"], "gpu")
    assert (finding.advice, undecided) == (True, [])
    assert finding.message == "the IOMMU translates what the 2 GPUs send each other"
    assert state(IOMMU, machine(A10, more=more), ["torch"], "gpu") == ([], [])
    for quiet in ("off", "passed-through", None):
        now = machine(A10, A10, more={"facts.cuda.iommu": quiet})
        assert state(IOMMU, now, ["torch"], "gpu") == ([], [])


@pytest.mark.parametrize(
    ("rule", "path"), [(FABRIC, "facts.cuda.fabric_manager"), (IOMMU, "facts.cuda.iommu")]
)
def test_what_is_not_known_of_the_machine_is_undecided(rule: str, path: str) -> None:
    now = machine(A10, A10)._replace(unknown={path: "denied"})
    findings, undecided = state(rule, now, ["torch"], "gpu")
    assert (findings, [one.reason for one in undecided]) == ([], ["denied"])
