"""Rules about what a framework was built for, and the driver that stands in for a compiler."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from envprint.core.impact import Impact
from envprint.core.versions import is_below, numbers
from envprint.knowledge import entries
from envprint.rules.cuda._tables import (
    driver_floor,
    shipped_driver,
    torch_never_has_intermediate,
    torch_wheel_code,
    torch_wheels,
)
from envprint.rules.cuda.builds import without_code
from tests.builders.cuda import CODE, DRIVER, LIBRARY, TF_WHEEL, libraries, machine, says
from tests.builders.support import drift, fingerprint, state, workload

TENSORFLOW = "facts.frameworks.tensorflow.version"
TORCH = "facts.frameworks.torch.version"
FORCED = "facts.environ.variables[CUDA_FORCE_PTX_JIT]"
NOT_IN_BUILD = "cuda-gpu-not-in-build"
CAPABILITY = "facts.gpu.devices[0].compute_capability"


@pytest.mark.parametrize(
    ("version", "capability", "impact"),
    [
        ("2.3.0+cu121", "6.1", None),
        ("2.3.0+cu121", "10.0", Impact.BREAKS),
        ("2.8.0+cu126", "12.0", Impact.BREAKS),
        ("2.8.0+cu128", "6.1", Impact.BREAKS),
        ("2.8.0+cu128", "7.0", None),
        ("2.8.0+cu128", "8.9", None),
        ("2.8.0+cu129", "13.0", Impact.PERF),
        ("2.11.0+cu128", "7.0", Impact.BREAKS),
        ("2.14.0+cu130", "12.1", None),
        ("1.13.1+cu117", "9.0", Impact.BREAKS),
        ("1.10.0+cu102", "8.0", Impact.BREAKS),
        ("2.15.0+cu132", "5.0", None),
        ("2.5.1", "10.0", None),
        ("2.6.0a0+ecf3bae40a.nv25.01", "10.0", None),
        ("2.9.0.dev20250901+cu130", "6.1", None),
        ("2.13.0+cpu", "6.1", None),
    ],
)
def test_a_wheel_of_pytorch_is_judged_by_its_table(
    version: str, capability: str, impact: Impact | None
) -> None:
    now = machine({TORCH: version}, capability)
    findings, undecided = state(NOT_IN_BUILD, now, ["torch"], "gpu")
    assert undecided == []
    assert [f.impact for f in findings] == ([impact] if impact is not None else [])
    assert state(NOT_IN_BUILD, now, ["jax"], "gpu") == ([], [])


def test_a_gpu_that_the_wheel_has_no_code_for_names_the_wheel_that_has() -> None:
    findings, undecided = state(
        NOT_IN_BUILD, machine({TORCH: "2.8.0+cu128"}, "6.1"), ["torch"], "gpu"
    )
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.after, f.remedy) for f in findings] == [
        (
            Impact.BREAKS,
            "torch 2.8.0+cu128 has no kernels for compute capability 6.1 of GPU 0",
            (CAPABILITY, TORCH),
            "6.1",
            "Install torch 2.8.0+cu126, which has code for it.",
        )
    ]
    none = state(NOT_IN_BUILD, machine({TORCH: "2.3.0+cu121"}, "10.0"), ["torch"], "gpu")
    assert none[0][0].remedy == "Install a build for the GPU's compute capability."


@pytest.mark.parametrize(
    ("processor", "version", "capability", "count"),
    [
        ("aarch64", "2.9.0+cu126", "10.0", 1),
        ("aarch64", "2.9.0+cu128", "10.0", 0),
        ("aarch64", "2.14.0+cu130", "12.1", 0),
        ("aarch64", "2.8.0+cu126", "10.0", 0),
        ("ppc64le", "2.8.0+cu128", "6.1", 0),
        ("", "2.8.0+cu128", "6.1", 1),
    ],
)
def test_wheels_for_other_processors_have_their_own_table(
    processor: str, version: str, capability: str, count: int
) -> None:
    job = workload(["torch"], "gpu", machine=processor)
    assert len(list(without_code(machine({TORCH: version}, capability), job))) == count


def test_both_frameworks_are_judged_each_by_its_own_build() -> None:
    now = machine({TORCH: "2.8.0+cu128", CODE: TF_WHEEL}, "5.2")
    assert [text for _, text in says(state(NOT_IN_BUILD, now, ["tensorflow", "torch"], "gpu"))] == [
        "tensorflow has no kernels for compute capability 5.2 of GPU 0",
        "torch 2.8.0+cu128 has no kernels for compute capability 5.2 of GPU 0",
    ]


def test_unknown_gpus_or_versions_leave_the_build_undecided() -> None:
    for unknown in ({TORCH: "odd"}, {CAPABILITY: "denied"}):
        values: dict[str, Any] = {} if TORCH in unknown else {TORCH: "2.8.0+cu128"}
        card = {"facts.gpu.count": 1, "facts.gpu.devices": {"0": {}}}
        now = fingerprint(values | card, unknown)
        findings, undecided = state(NOT_IN_BUILD, now, ["torch"], "gpu")
        assert (findings, [d.reason for d in undecided]) == ([], list(unknown.values()))


def test_an_odd_capability_is_passed_over() -> None:
    for odd in ("", "x", None):
        now = machine({TORCH: "2.8.0+cu128", **libraries("runtime", torch="12.8")})
        now.facts["gpu"]["devices"]["0"]["compute_capability"] = odd
        for rule in (NOT_IN_BUILD, "cuda-gpu-dropped", "cuda-gpu-newer-than-toolkit"):
            assert state(rule, now, ["torch"], "gpu") == ([], [])


@pytest.mark.parametrize(
    ("version", "capability", "impact"),
    [
        ("2.16.1", "12.0", Impact.BREAKS),
        ("2.20.0", "12.0", Impact.BREAKS),
        ("2.20.0", "10.0", Impact.BREAKS),
        ("2.20.0", "9.0", None),
        ("2.21.0", "12.0", Impact.PERF),
        ("", "12.0", Impact.PERF),
    ],
)
def test_ptx_of_tensorflow_that_is_for_hopper_alone_breaks_on_later_gpus(
    version: str, capability: str, impact: Impact | None
) -> None:
    now = machine({TENSORFLOW: version, CODE: TF_WHEEL}, capability)
    findings, undecided = state(NOT_IN_BUILD, now, ["tensorflow"], "gpu")
    assert undecided == []
    assert [(f.impact, f.paths) for f in findings] == (
        [(impact, (CAPABILITY, CODE))] if impact is not None else []
    )
    if impact is Impact.BREAKS:
        assert findings[0].message == (
            f"tensorflow has no kernels for compute capability {capability} of GPU 0"
        )
        assert findings[0].remedy.startswith("Install TensorFlow 2.21 or later, or")


def test_ptx_of_an_older_architecture_is_compiled_for_later_gpus() -> None:
    older = machine({TENSORFLOW: "2.15.1", CODE: ["sm_75", "compute_80"]}, "12.0")
    findings, undecided = state(NOT_IN_BUILD, older, ["tensorflow"], "gpu")
    assert ([f.impact for f in findings], undecided) == ([Impact.PERF], [])


def test_an_unknown_version_of_tensorflow_leaves_its_ptx_undecided() -> None:
    now = machine({CODE: TF_WHEEL}, "12.0")._replace(unknown={TENSORFLOW: "denied"})
    findings, undecided = state(NOT_IN_BUILD, now, ["tensorflow"], "gpu")
    assert (findings, [d.path for d in undecided]) == ([], [TENSORFLOW])


def test_where_nothing_compiles_the_kernels_the_driver_is_not_blamed() -> None:
    sides = [driven(d, "12.0", **{TENSORFLOW: "2.20.0"}) for d in ("560.28.03", "570.26")]
    rule = "cuda-kernels-compiled-by-another-driver"
    assert drift(rule, sides[0], sides[1], ["tensorflow"], "gpu") == ([], [])


def test_forced_ptx_breaks_a_wheel_of_pytorch_that_has_none() -> None:
    now = machine({TORCH: "2.8.0+cu128", FORCED: "1"}, "8.6")
    assert says(state("cuda-ptx-forced", now, ["torch"], "gpu")) == [
        (
            Impact.BREAKS,
            "CUDA_FORCE_PTX_JIT=1, and torch has no PTX for GPU 0 (compute capability 8.6)",
        )
    ]


def test_a_gpu_that_the_cuda_dropped_breaks() -> None:
    now = machine(libraries("runtime", jax="13.0.48"), "7.0")
    findings, undecided = state("cuda-gpu-dropped", now, ["jax"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.after) for f in findings] == [
        (
            Impact.BREAKS,
            "jax was built with CUDA 13.0.48, which supports GPUs from compute capability 7.5 on; "
            "GPU 0 has 7.0",
            (CAPABILITY, "facts.cuda.runtime.built[jax]"),
            "7.0",
        )
    ]


@pytest.mark.parametrize(
    ("cuda", "capability"),
    [
        ("13.0", "7.5"),
        ("12.9", "5.0"),
        ("12.9", "7.0"),
        ("11.8", "3.5"),
        ("99.0", "3.0"),
        ("", "3"),
    ],
)
def test_a_gpu_that_the_cuda_knows_or_a_cuda_that_nobody_knows_is_quiet(
    cuda: str, capability: str
) -> None:
    now = machine(libraries("runtime", jax=cuda), capability)
    assert state("cuda-gpu-dropped", now, ["jax"], "gpu") == ([], [])


def test_where_the_code_is_known_it_is_judged_and_not_the_cuda() -> None:
    built = libraries("runtime", torch="13.0", tensorflow="13.0")
    now = machine({TORCH: "2.9.0+cu130", CODE: TF_WHEEL, **built}, "7.0")
    assert state("cuda-gpu-dropped", now, ["tensorflow", "torch"], "gpu") == ([], [])
    newer = machine({TORCH: "2.3.0+cu121", **libraries("runtime", torch="12.1")}, "10.0")
    assert state("cuda-gpu-newer-than-toolkit", newer, ["torch"], "gpu") == ([], [])


def test_a_gpu_newer_than_the_cuda_of_another_build_is_numeric() -> None:
    now = machine({TORCH: "2.5.1", **libraries("runtime", torch="12.4")}, "10.0")
    findings, undecided = state("cuda-gpu-newer-than-toolkit", now, ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.after) for f in findings] == [
        (
            Impact.NUMERIC,
            "torch was built with CUDA 12.4, which has no machine code for compute capability "
            "10.0 of GPU 0",
            (CAPABILITY, "facts.cuda.runtime.built[torch]"),
            "10.0",
        )
    ]
    # For JAX the lowest CUDA that it accepts is written down, not that of its build.
    jax = machine(libraries("runtime", jax="12.1"), "10.0")
    assert state("cuda-gpu-newer-than-toolkit", jax, ["jax", "torch"], "gpu") == ([], [])


@pytest.mark.parametrize(
    ("version", "cuda", "capability", "impact"),
    [
        ("2.7.0.dev20250310+cu124", "12.4", "12.0", Impact.BREAKS),
        ("2.6.0rc1+cu118", "11.8", "10.0", Impact.BREAKS),
        ("2.9.0.dev20250801+cu126", "12.6", "10.0", Impact.BREAKS),
        ("2.5.1", "12.4", "12.0", Impact.NUMERIC),
        ("2.6.0a0+ecf3bae40a.nv25.01", "12.4", "12.0", Impact.NUMERIC),
        ("1.7.1+cu101", "10.1", "8.0", Impact.NUMERIC),
    ],
)
def test_a_nightly_of_pytorch_for_a_cuda_whose_wheels_have_no_ptx_breaks(
    version: str, cuda: str, capability: str, impact: Impact
) -> None:
    now = machine({TORCH: version, **libraries("runtime", torch=cuda)}, capability)
    findings, undecided = state("cuda-gpu-newer-than-toolkit", now, ["torch"], "gpu")
    assert ([f.impact for f in findings], undecided) == ([impact], [])
    has_none = findings[0].message.endswith("and PyTorch's builds for it have no PTX")
    assert has_none is (impact is Impact.BREAKS)


def test_wheels_with_ptx_are_told_from_those_without() -> None:
    assert torch_never_has_intermediate("2.7.0.dev20250310+cu124", "x86_64")
    for version in ("2.9.0.dev20250901+cu130", "2.9.0+cu999", "2.9.0", "", "x+cu124"):
        assert not torch_never_has_intermediate(version, "x86_64")
    assert not torch_never_has_intermediate("2.9.0+cu126", "ppc64le")


@pytest.mark.parametrize(
    ("cuda", "capability"), [("12.8", "10.0"), ("11.0", "8.6"), ("11.1", "8.9"), ("12.4", "11.0")]
)
def test_a_gpu_that_the_cuda_makes_code_for_is_quiet(cuda: str, capability: str) -> None:
    now = machine({TORCH: "2.5.1", **libraries("runtime", torch=cuda)}, capability)
    assert state("cuda-gpu-newer-than-toolkit", now, ["torch"], "gpu") == ([], [])


def test_unknown_builds_leave_toolkits_undecided() -> None:
    silent = fingerprint({}, {"facts.cuda.runtime": "denied"})
    for rule in ("cuda-gpu-dropped", "cuda-gpu-newer-than-toolkit"):
        findings, undecided = state(rule, silent, ["torch"], "gpu")
        assert (findings, [d.reason for d in undecided]) == ([], ["denied"])


def driven(driver: str, capability: str, **more: Any) -> Any:
    built = libraries("runtime", tensorflow="12.5.1")
    return machine({DRIVER: driver, CODE: TF_WHEEL, **built, **more}, capability)


def test_ptx_that_is_newer_than_the_driver_breaks() -> None:
    now = driven("535.104.05", "10.0")
    findings, undecided = state("cuda-driver-cannot-compile", now, ["tensorflow"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.after, f.remedy) for f in findings] == [
        (
            Impact.BREAKS,
            "GPU 0 needs tensorflow's PTX of CUDA 12.5.1, which driver 535.104.05 does not read; "
            "555.42.02 does",
            (DRIVER, CAPABILITY),
            "535.104.05",
            "Install NVIDIA driver 555.42.02 or later.",
        )
    ]
    # The advice that says the same, less sharply, is silent.
    assert state("cuda-driver-older-than-toolkit", now, ["tensorflow"], "gpu") == ([], [])


@pytest.mark.parametrize(
    ("driver", "capability", "more"),
    [
        ("560.28.03", "10.0", {}),
        ("535.104.05", "8.6", {}),
        ("470.82.01", "10.0", {}),
        ("535.104.05", "10.0", {f"{LIBRARY}.compat": True}),
    ],
)
def test_a_driver_that_reads_the_ptx_or_need_not_is_quiet(
    driver: str, capability: str, more: dict[str, Any]
) -> None:
    now = driven(driver, capability, **more)
    assert state("cuda-driver-cannot-compile", now, ["tensorflow"], "gpu") == ([], [])


def test_a_driver_between_floor_and_toolkit_is_advice() -> None:
    now = driven("535.104.05", "8.6")
    findings, undecided = state("cuda-driver-older-than-toolkit", now, ["tensorflow"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths) for f in findings] == [
        (
            Impact.PERF,
            "tensorflow was built with CUDA 12.5.1 of driver 555.42.02; 535.104.05 runs it with "
            "limits",
            (DRIVER, "facts.cuda.runtime.built[tensorflow]"),
        )
    ]
    for driver in ("555.42.02", "610.43", "470.82.01"):
        quiet = driven(driver, "8.6")
        assert state("cuda-driver-older-than-toolkit", quiet, ["tensorflow"], "gpu") == ([], [])


def test_another_driver_that_compiles_the_kernels_is_numeric() -> None:
    before, after = driven("560.28.03", "10.0"), driven("570.26", "10.0")
    rule = "cuda-kernels-compiled-by-another-driver"
    findings, undecided = drift(rule, before, after, ["tensorflow"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.before, f.after) for f in findings] == [
        (
            Impact.NUMERIC,
            "the driver compiles tensorflow's kernels for GPU 0; it was 560.28.03, is 570.26",
            (DRIVER, CAPABILITY),
            "560.28.03",
            "570.26",
        )
    ]
    assert drift(rule, before, before, ["tensorflow"], "gpu") == ([], [])


def test_another_driver_is_nothing_where_the_framework_has_machine_code() -> None:
    rule = "cuda-kernels-compiled-by-another-driver"
    before, after = driven("560.28.03", "9.0"), driven("570.26", "9.0")
    assert drift(rule, before, after, ["tensorflow"], "gpu") == ([], [])
    forced = driven("560.28.03", "9.0"), driven("570.26", "9.0", **{FORCED: "1"})
    assert len(drift(rule, *forced, ["tensorflow"], "gpu")[0]) == 1


def with_compat(name: str, library: str = "560.35.05", module: str = "550.90.07") -> Any:
    values = {f"{LIBRARY}.compat": True, f"{LIBRARY}.version": library}
    values |= {"facts.cuda.kernel_module_version": module, "facts.gpu.count": 1}
    return fingerprint(values | {"facts.gpu.devices[0].name": name})


def test_forward_compatibility_on_geforce_breaks() -> None:
    now = with_compat("NVIDIA GeForce RTX 3060")
    findings, undecided = state("cuda-compat-not-supported", now, ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.after) for f in findings] == [
        (
            Impact.BREAKS,
            "the forward-compatibility package 560.35.05 is loaded for GPU 0, NVIDIA GeForce RTX "
            "3060",
            (LIBRARY, "facts.gpu.devices[0].name"),
            "NVIDIA GeForce RTX 3060",
        )
    ]


@pytest.mark.parametrize(
    "now",
    [
        with_compat("NVIDIA A100-SXM4-40GB"),
        with_compat("NVIDIA GeForce RTX 3060", "550.90.07", "550.90.07"),
        fingerprint({f"{LIBRARY}.compat": False, "facts.gpu.devices[0].name": "GeForce"}),
        fingerprint({LIBRARY: None}),
    ],
)
def test_forward_compatibility_where_it_works_or_is_not_used_is_quiet(now: Any) -> None:
    assert state("cuda-compat-not-supported", now, ["torch"], "gpu") == ([], [])


def test_an_unknown_driver_library_leaves_compatibility_undecided() -> None:
    silent = fingerprint({}, {LIBRARY: "denied"})
    findings, undecided = state("cuda-compat-not-supported", silent, ["torch"], "gpu")
    assert (findings, [d.reason for d in undecided]) == ([], ["denied"])


def test_an_unknown_driver_leaves_its_rules_undecided() -> None:
    silent = fingerprint({}, {DRIVER: "no answer"})
    for rule in ("cuda-driver-cannot-compile", "cuda-driver-older-than-toolkit"):
        findings, undecided = state(rule, silent, ["tensorflow"], "gpu")
        assert (findings, [d.path for d in undecided]) == ([], [DRIVER])
    findings, undecided = drift(
        "cuda-kernels-compiled-by-another-driver", silent, silent, ["tensorflow"], "gpu"
    )
    assert (findings, [d.path for d in undecided]) == ([], [DRIVER])


def test_a_driver_that_came_with_a_cuda_is_above_its_floor_and_rises_with_it() -> None:
    releases = [(numbers(entry["cuda"]), entry["driver"]) for entry in entries("cuda_releases")]
    assert releases == sorted(releases)
    for (cuda, driver), (_, later) in pairwise(releases):
        assert is_below(driver, later)
        assert not is_below(driver, driver_floor(cuda) or "")
    assert shipped_driver((12, 5, 1)) == "555.42.02"
    assert shipped_driver((99,)) is None


def test_tables_of_wheels_name_targets_and_know_no_other_wheel() -> None:
    assert torch_wheel_code("2.8.0+cu129", "x86_64") == [
        *("sm_70", "sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120")
    ]
    assert torch_wheel_code("2.8.0+cu118", "x86_64") is None
    assert torch_wheel_code("", "x86_64") is None
    assert sorted(torch_wheels("2.8", "x86_64")) == ["12.6", "12.8", "12.9"]
    assert torch_wheels("99.0", "x86_64") == {}


@pytest.mark.parametrize(
    ("rule", "facts", "capability"),
    [
        (NOT_IN_BUILD, {TORCH: "2.8.0+cu128"}, "6.1"),
        ("cuda-ptx-forced", {TORCH: "2.8.0+cu128", FORCED: "1"}, "8.0"),
        ("cuda-gpu-dropped", libraries("runtime", torch="13.0"), "6.1"),
        ("cuda-gpu-newer-than-toolkit", libraries("runtime", torch="12.4"), "10.0"),
    ],
)
def test_an_unknown_gpu_does_not_hide_the_next_one(
    rule: str, facts: dict[str, Any], capability: str
) -> None:
    now = machine(facts, capability, count=2)._replace(unknown={CAPABILITY: "denied"})
    findings, undecided = state(rule, now, ["torch"], "gpu")
    assert [f.paths[-1 if rule == "cuda-ptx-forced" else 0] for f in findings] == [
        "facts.gpu.devices[1].compute_capability"
    ]
    assert [entry.reason for entry in undecided] == ["denied"]
