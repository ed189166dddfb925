"""Rules about CUDA and the driver: each fires, stays quiet, and admits doubt."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.impact import Impact
from envprint.core.versions import is_below, numbers
from envprint.rules.cuda._tables import driver_floor
from envprint.rules.cuda.builds import has_binary, has_intermediate
from envprint.rules.cuda.cudnn import fits
from tests.builders.cuda import CODE, DRIVER, LIBRARY, TF_WHEEL, libraries, machine, says
from tests.builders.support import drift, fingerprint, state

MODULE = "facts.cuda.kernel_module_version"


@pytest.mark.parametrize(
    ("rule", "key", "name"),
    [
        ("cuda-cudnn-changed", "cudnn", "cuDNN"),
        ("cuda-cublas-changed", "cublas", "cuBLAS"),
        ("cuda-runtime-changed", "runtime", "the CUDA runtime"),
    ],
)
def test_another_version_of_a_library_is_numeric(rule: str, key: str, name: str) -> None:
    before, after = machine(libraries(key, "9.1.0")), machine(libraries(key, "9.3.0", "9.1.0"))
    findings, undecided = drift(rule, before, after, ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.before, f.after) for f in findings] == [
        (
            Impact.NUMERIC,
            f"{name} was 9.1.0, is 9.3.0",
            (f"facts.cuda.{key}.installed",),
            "9.1.0",
            "9.3.0",
        )
    ]
    assert drift(rule, before, before, ["torch"], "gpu") == ([], [])
    assert drift(rule, before, after, ["torch"], "cpu") == ([], [])
    assert drift(rule, before, after, ["numpy"], "gpu") == ([], [])


def test_a_library_on_one_side_only_is_no_change_of_version() -> None:
    before, after = machine({}), machine(libraries("cudnn", "9.3.0"))
    assert drift("cuda-cudnn-changed", before, after, ["torch"], "gpu") == ([], [])


def test_unknown_libraries_are_undecided() -> None:
    for key in ("cudnn", "cublas", "runtime"):
        silent = fingerprint({}, {f"facts.cuda.{key}": "denied"})
        findings, undecided = drift(f"cuda-{key}-changed", silent, machine({}), ["torch"], "gpu")
        assert (findings, [d.path for d in undecided]) == ([], [f"facts.cuda.{key}"])


def test_what_is_loaded_counts_before_what_is_installed() -> None:
    loaded = {"facts.cuda.cudnn.loaded": [{"path": "/x", "version": "9.1.0"}]}
    before = machine(libraries("cudnn", "9.1.0"))
    after = machine(libraries("cudnn", "9.3.0") | loaded)
    assert drift("cuda-cudnn-changed", before, after, ["torch"], "gpu") == ([], [])


def test_a_toolkit_reaches_tensorflow_and_not_torch() -> None:
    before = machine(libraries("cublas", "12.4", source="toolkit"))
    after = machine(libraries("cublas", "12.5", source="toolkit"))
    assert drift("cuda-cublas-changed", before, after, ["torch"], "gpu") == ([], [])
    assert len(drift("cuda-cublas-changed", before, after, ["tensorflow"], "gpu")[0]) == 1


def test_the_runtime_yields_to_cublas() -> None:
    before = machine(libraries("runtime", "12.4") | libraries("cublas", "12.4.5"))
    after = machine(libraries("runtime", "12.5") | libraries("cublas", "12.5.3"))
    assert drift("cuda-runtime-changed", before, after, ["torch"], "gpu") == ([], [])


def test_nccl_matters_only_with_several_gpus() -> None:
    before, after = libraries("nccl", "2.20.5"), libraries("nccl", "2.21.5")
    said = drift(
        "cuda-nccl-changed", machine(before, count=2), machine(after, count=2), ["torch"], "gpu"
    )
    assert says(said) == [(Impact.NUMERIC, "NCCL was 2.20.5, is 2.21.5")]
    one = drift("cuda-nccl-changed", machine(before), machine(after), ["torch"], "gpu")
    assert one == ([], [])


def test_unknown_gpus_leave_nccl_undecided() -> None:
    silent = fingerprint(libraries("nccl", "2.20.5"), {"facts.gpu.devices": "no answer"})
    after = machine(libraries("nccl", "2.21.5"), count=2)
    findings, undecided = drift("cuda-nccl-changed", silent, after, ["torch"], "gpu")
    assert (findings, [d.path for d in undecided]) == ([], ["facts.gpu.devices"])


def test_a_cudnn_older_than_the_one_built_with_breaks() -> None:
    now = machine(libraries("cudnn", "9.1.0.70", tensorflow="9.3.0.75", torch="9.1.0.70"))
    findings, undecided = state("cuda-cudnn-older-than-built", now, ["tensorflow", "torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.remedy) for f in findings] == [
        (
            Impact.BREAKS,
            "tensorflow was built with cuDNN 9.3.0.75, and 9.1.0.70 is here",
            "Take the older cuDNN out of LD_LIBRARY_PATH, or install cuDNN 9.3.0.75 or a later "
            "minor version of the same major one.",
        )
    ]
    assert state("cuda-cudnn-older-than-built", now, ["torch"], "gpu") == ([], [])


@pytest.mark.parametrize(
    ("version", "built", "expected"),
    [
        ("9.3.0", "9.3.0.75", True),
        ("9.10.2", "9.3.0", True),
        ("9.1.0", "9.3.0", False),
        ("8.9.7", "9", False),
        ("9.0.0", "9", True),
        ("10.0.0", "9.3.0", False),
    ],
)
def test_a_cudnn_fits_by_major_and_minor(version: str, built: str, expected: bool) -> None:
    assert fits(version, built) is expected


def test_no_cudnn_at_all_is_not_an_older_one() -> None:
    now = machine(libraries("cudnn", tensorflow="9.3.0"))
    assert state("cuda-cudnn-older-than-built", now, ["tensorflow"], "gpu") == ([], [])


def test_unknown_builds_leave_cudnn_undecided() -> None:
    now = fingerprint(
        {"facts.cuda.cudnn.installed": []},
        {"facts.cuda.cudnn.built": "denied"},
    )
    _, undecided = state("cuda-cudnn-older-than-built", now, ["torch"], "gpu")
    assert [d.reason for d in undecided] == ["denied"]


def test_the_faulty_cudnn_is_named_on_the_gpus_it_concerns() -> None:
    faulty = libraries("cudnn", "9.23.1.3")
    rule = "cuda-cudnn-not-repeatable"
    assert says(state(rule, machine(faulty, count=2), ["torch"], "gpu")) == [
        (Impact.NUMERIC, "cuDNN 9.23.1.3 does not repeat some convolutions on GPU 0, 1")
    ]
    assert state(rule, machine(faulty, "8.9"), ["torch"], "gpu") == ([], [])
    assert state(rule, machine(libraries("cudnn", "9.24.0")), ["torch"], "gpu") == ([], [])


def test_unknown_cudnn_leaves_its_faults_undecided() -> None:
    silent = fingerprint({}, {"facts.cuda.cudnn": "denied"})
    findings, undecided = state("cuda-cudnn-not-repeatable", silent, ["torch"], "gpu")
    assert (findings, len(undecided)) == ([], 1)


def test_a_shadowed_library_is_named() -> None:
    files = ["/usr/local/cuda/lib64/libcudnn.so.9"]
    taken = {"facts.cuda.shadowed": files, "facts.cuda.shadowed_for": {"torch": files}}
    now = machine(taken)
    assert says(state("cuda-library-shadowed", now, ["torch"], "gpu")) == [
        (
            Impact.NUMERIC,
            "LD_LIBRARY_PATH puts /usr/local/cuda/lib64/libcudnn.so.9 ahead of a framework's own",
        )
    ]
    assert state("cuda-library-shadowed", machine({}), ["torch"], "gpu") == ([], [])
    assert state("cuda-library-shadowed", now, ["tensorflow"], "gpu") == ([], [])


def test_a_file_that_the_loader_does_not_take_hides_nothing() -> None:
    files = {"facts.cuda.shadowed": ["/x/libcufft.so.11"], "facts.cuda.shadowed_for": {"torch": []}}
    assert state("cuda-library-shadowed", machine(files), ["torch"], "gpu") == ([], [])


def test_a_file_in_front_is_undecided_where_nobody_looked_who_takes_it() -> None:
    now = machine({"facts.cuda.shadowed": ["/x/libcufft.so.11"]})
    now = now._replace(unknown={"facts.cuda.shadowed_for": "denied"})
    findings, undecided = state("cuda-library-shadowed", now, ["torch"], "gpu")
    assert (findings, [d.path for d in undecided]) == ([], ["facts.cuda.shadowed_for"])


TOOLKIT_LIBRARIES = {
    "cusparse": "cuSPARSE",
    "cufft": "cuFFT",
    "cusolver": "cuSOLVER",
    "nvjitlink": "nvJitLink",
    "nvrtc": "NVRTC",
}


@pytest.mark.parametrize("library", TOOLKIT_LIBRARIES)
def test_another_version_of_a_toolkits_library_rounds_differently(library: str) -> None:
    rule, path = f"cuda-{library}-changed", f"facts.cuda.{library}.installed"
    before, after = machine(libraries(library, "12.1")), machine(libraries(library, "12.3"))
    name = TOOLKIT_LIBRARIES[library]
    assert says(drift(rule, before, after, ["torch"], "gpu")) == [
        (Impact.NUMERIC, f"{name} was 12.1, is 12.3")
    ]
    assert drift(rule, before, before, ["torch"], "gpu") == ([], [])
    assert drift(rule, before, after, ["torch"], "cpu") == ([], [])
    silent = fingerprint({}, {path: "denied"})
    findings, undecided = drift(rule, before, silent, ["torch"], "gpu")
    assert (findings, [d.reason for d in undecided]) == ([], ["denied"])


def test_where_the_toolkit_is_another_its_libraries_need_not_be_named() -> None:
    before = machine(libraries("runtime", "12.4") | libraries("cufft", "11.2.1"))
    after = machine(libraries("runtime", "12.5") | libraries("cufft", "11.2.3"))
    assert drift("cuda-cufft-changed", before, after, ["torch"], "gpu") == ([], [])


def test_unknown_shadows_are_undecided() -> None:
    now = fingerprint({}, {"facts.cuda.shadowed": "denied"})
    assert len(state("cuda-library-shadowed", now, ["torch"], "gpu")[1]) == 1


def test_a_driver_below_the_floor_breaks_and_the_remedy_names_the_floor() -> None:
    now = machine({DRIVER: "470.82.01", **libraries("runtime", torch="12.4", tensorflow="11.2")})
    findings, undecided = state("cuda-driver-below-floor", now, ["tensorflow", "torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths) for f in findings] == [
        (
            Impact.BREAKS,
            "torch was built with CUDA 12.4, which needs driver 525.60.13; 470.82.01 is installed",
            (DRIVER, "facts.cuda.runtime.built[torch]"),
        )
    ]
    assert "525.60.13" in findings[0].remedy


@pytest.mark.parametrize(
    ("driver", "cuda"),
    [("550.90.07", "12.4"), ("525.60.13", "12.9"), ("610.43", "9.0"), ("580", "13.0"), ("1", "99")],
)
def test_a_driver_at_or_above_the_floor_is_quiet(driver: str, cuda: str) -> None:
    now = machine({DRIVER: driver, **libraries("runtime", torch=cuda)})
    assert state("cuda-driver-below-floor", now, ["torch"], "gpu") == ([], [])


def test_another_driver_above_the_floor_is_no_finding_at_all() -> None:
    build = libraries("runtime", "12.4.127", torch="12.4")
    before, after = machine({DRIVER: "550.90.07", **build}), machine({DRIVER: "570.1", **build})
    assert drift("cuda-driver-below-floor", before, after, ["torch"], "gpu") == ([], [])


def test_the_compatibility_package_lifts_the_floor() -> None:
    now = machine(
        {DRIVER: "470.82.01", f"{LIBRARY}.compat": True, **libraries("runtime", torch="12.4")}
    )
    assert state("cuda-driver-below-floor", now, ["torch"], "gpu") == ([], [])


def test_an_unknown_driver_is_undecided() -> None:
    now = fingerprint({}, {DRIVER: "no answer"})
    findings, undecided = state("cuda-driver-below-floor", now, ["torch"], "gpu")
    assert (findings, [d.path for d in undecided]) == ([], [DRIVER])


@pytest.mark.parametrize(
    ("cuda", "floor"),
    [
        ((10, 2, 89), "440.33"),
        ((10, 0), "410.48"),
        ((11, 8), "450.80.02"),
        ((13, 3), "580.65.06"),
        ((99,), None),
        ((), None),
    ],
)
def test_floors_are_by_minor_version_before_cuda_11(
    cuda: tuple[int, ...], floor: str | None
) -> None:
    assert driver_floor(cuda) == floor


def test_halves_of_two_versions_break() -> None:
    halves = {f"{LIBRARY}.version": "550.107.02", f"{LIBRARY}.compat": False, MODULE: "550.90.07"}
    assert says(state("cuda-driver-library-mismatch", machine(halves), ["torch"], "gpu")) == [
        (Impact.BREAKS, "the driver's library is 550.107.02, its kernel module 550.90.07")
    ]


@pytest.mark.parametrize(
    "halves",
    [
        {f"{LIBRARY}.version": "550.90.07", f"{LIBRARY}.compat": False, MODULE: "550.90.07"},
        {f"{LIBRARY}.version": "560.35.05", f"{LIBRARY}.compat": True, MODULE: "550.90.07"},
        {f"{LIBRARY}.version": "550.90.07", MODULE: None},
        {LIBRARY: None, MODULE: "550.90.07"},
    ],
)
def test_halves_that_fit_or_are_missing_are_quiet(halves: dict[str, Any]) -> None:
    now = machine(halves)
    assert state("cuda-driver-library-mismatch", now, ["torch"], "gpu") == ([], [])


def test_a_library_without_a_version_is_undecided() -> None:
    now = fingerprint(
        {f"{LIBRARY}.compat": False, MODULE: "36.4.0"}, {f"{LIBRARY}.version": "not in its name"}
    )
    findings, undecided = state("cuda-driver-library-mismatch", now, ["torch"], "gpu")
    assert (findings, [d.reason for d in undecided]) == ([], ["not in its name"])


@pytest.mark.parametrize(
    ("capability", "said"),
    [
        ("8.6", []),
        ("12.0", [(Impact.PERF, "tensorflow compiles its kernels on first use for")]),
        ("5.2", [(Impact.BREAKS, "tensorflow has no kernels for")]),
    ],
)
def test_a_gpu_that_the_build_does_not_name(capability: str, said: list[Any]) -> None:
    now = machine({CODE: TF_WHEEL}, capability)
    rest = f" compute capability {capability} of GPU 0"
    assert says(state("cuda-gpu-not-in-build", now, ["tensorflow"], "gpu")) == [
        (impact, text + rest) for impact, text in said
    ]
    assert state("cuda-gpu-not-in-build", now, ["torch"], "gpu") == ([], [])


@pytest.mark.parametrize(
    ("capability", "said"),
    [
        ("6.1", []),
        ("7.0", [Impact.BREAKS]),
        ("8.0", []),
        ("8.6", []),
        ("9.0", [Impact.PERF]),
    ],
)
def test_the_last_entry_of_a_build_holds_machine_code_too(
    capability: str, said: list[Impact]
) -> None:
    now = machine({CODE: ["sm_50", "sm_60", "sm_75", "compute_80"]}, capability)
    findings, undecided = state("cuda-gpu-not-in-build", now, ["tensorflow"], "gpu")
    assert ([f.impact for f in findings], undecided) == (said, [])


def test_an_unknown_build_is_undecided() -> None:
    now = fingerprint({}, {CODE: "denied"})
    assert len(state("cuda-gpu-not-in-build", now, ["tensorflow"], "gpu")[1]) == 1


def test_odd_names_of_targets_are_passed_over() -> None:
    assert not has_binary("9.0", ["sm_", "sm_x", "gfx90a", "compute_"])
    assert has_binary("9.0", ["sm_90a"])
    assert has_binary("12.0", ["sm_120"])
    assert not has_intermediate("9.0", ["compute_", "compute_100"])


def test_forced_ptx_breaks_where_there_is_none_for_the_gpu() -> None:
    forced = {CODE: TF_WHEEL, "facts.environ.variables[CUDA_FORCE_PTX_JIT]": "1"}
    assert says(state("cuda-ptx-forced", machine(forced), ["tensorflow"], "gpu")) == [
        (
            Impact.BREAKS,
            "CUDA_FORCE_PTX_JIT=1, and tensorflow has no PTX for GPU 0 (compute capability 8.6)",
        )
    ]
    assert state("cuda-ptx-forced", machine(forced, "9.0"), ["tensorflow"], "gpu") == ([], [])
    unset = machine({CODE: TF_WHEEL})
    assert state("cuda-ptx-forced", unset, ["tensorflow"], "gpu") == ([], [])


def test_unknown_variables_leave_forced_ptx_undecided() -> None:
    now = fingerprint({}, {"facts.environ.variables": "denied"})
    assert len(state("cuda-ptx-forced", now, ["tensorflow"], "gpu")[1]) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [("12.5.1", (12, 5, 1)), ("2.15.0+cu132", (2, 15, 0)), ("3rc1", (3,)), ("", ()), ("x1", ())],
)
def test_versions_become_numbers(text: str, expected: tuple[int, ...]) -> None:
    assert numbers(text) == expected


def test_versions_are_compared_as_far_as_both_are_written() -> None:
    assert is_below("470.82.01", "525.60.13")
    assert not is_below("525", "525.60.13")
    assert not is_below("1000.1", "525.60.13")
