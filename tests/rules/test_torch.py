"""Rules about PyTorch: each fires, stays quiet, and admits doubt."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.shell import commands
from envprint.judging.policy.model import Policy
from tests.builders.judged import judge_drift
from tests.builders.support import drift, fingerprint, state, workload

VERSION = "facts.frameworks.torch.version"
BUILD = "facts.frameworks.torch.build"
SWITCHES = "facts.determinism.switches"
DETERMINISTIC = f"{SWITCHES}[torch-deterministic-algorithms].value"
WARN_ONLY = f"{SWITCHES}[torch-deterministic-warn-only].value"
BENCHMARK = f"{SWITCHES}[torch-cudnn-benchmark].value"
MATMUL_TF32 = f"{SWITCHES}[torch-matmul-tf32].value"
CUDA = "facts.cuda.runtime.built[torch]"


def variable(name: str) -> str:
    return f"facts.environ.variables[{name}]"


WORKSPACE = variable("CUBLAS_WORKSPACE_CONFIG")


def torch(version: str | None, capability: str = "8.0", **values: Any) -> Fingerprint:
    card = {"compute_capability": capability}
    found = {VERSION: version, "facts.gpu.count": 1, "facts.gpu.devices": {"0": card}}
    return fingerprint(found | values)


def test_a_version_names_both_and_how_to_go_back() -> None:
    sides = torch("2.13.0+cu130"), torch("2.14.0+cu130")
    findings, undecided = drift("torch-version-changed", *sides, ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.remedy) for f in findings] == [
        (
            Impact.NUMERIC,
            "PyTorch was 2.13.0+cu130, is 2.14.0+cu130",
            (VERSION,),
            "pip install torch==2.13.0+cu130",
        )
    ]
    assert drift("torch-version-changed", sides[0], sides[0], ["torch"], "gpu") == ([], [])


def built(reports: str, cuda: str | None, **distribution: Any) -> Fingerprint:
    found = {"version": reports, "build": "cuda" if cuda else "cpu"}
    packages = {"torch": distribution} if distribution else {}
    places = {"facts.frameworks.torch": found, "facts.packages.distributions": packages}
    return fingerprint({**places, "facts.cuda.runtime.built": {"torch": cuda}})


CPU = built("2.13.0+cpu", None, version="2.13.0+cpu", installer="pip")
CUDA_130 = built("2.13.0+cu130", "13.0", version="2.13.0", installer="pip")
CUDA_126 = built("2.13.0+cu126", "12.6", version="2.13.0+cu126", installer="pip")


def test_a_build_without_the_gpu_computes_on_the_cpu() -> None:
    findings, undecided = drift("torch-build-changed", CUDA_130, CPU, ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.before, f.after, f.remedy, f.note) for f in findings] == [
        (
            Impact.DIVERGES,
            "PyTorch was built for cuda 13.0 (2.13.0+cu130), is built for cpu (2.13.0+cpu): the "
            "job runs on the CPU",
            "2.13.0+cu130",
            "2.13.0+cpu",
            # The wheel's own version, which any index has.
            "pip install torch==2.13.0",
            "",
        )
    ]
    silent = fingerprint({}, {BUILD: "odd"})
    assert len(drift("torch-build-changed", CUDA_130, silent, ["torch"], "gpu")[1]) == 1


@pytest.mark.parametrize(
    ("before", "after", "device", "impact", "remedy"),
    [
        (CPU, CUDA_130, "cpu", Impact.NUMERIC, "pip install torch==2.13.0+cpu"),
        (CPU, CUDA_130, "gpu", Impact.DIVERGES, "pip install torch==2.13.0+cpu"),
        (CUDA_126, CUDA_130, "gpu", Impact.NUMERIC, "pip install torch==2.13.0+cu126"),
        (CUDA_130, CUDA_126, "gpu", Impact.NUMERIC, "pip install torch==2.13.0"),
    ],
)
def test_another_build_of_one_version_is_a_change_of_the_build(
    before: Fingerprint, after: Fingerprint, device: str, impact: Impact, remedy: str
) -> None:
    ((finding,), undecided) = drift("torch-build-changed", before, after, ["torch"], device)
    assert (finding.impact, finding.remedy, undecided) == (impact, remedy, [])
    assert commands(finding.remedy) == (remedy,)
    assert ("PyTorch's own index" in finding.note) == ("+" in remedy)
    assert drift("torch-version-changed", before, after, ["torch"], device) == ([], [])


def test_the_same_build_of_another_version_is_no_change_of_the_build() -> None:
    later = built("2.14.0+cu130", "13.0")
    assert drift("torch-build-changed", CUDA_130, later, ["torch"], "gpu") == ([], [])
    assert drift("torch-build-changed", CUDA_130, CUDA_130, ["torch"], "gpu") == ([], [])
    ((finding,), _) = drift("torch-version-changed", CUDA_130, later, ["torch"], "gpu")
    assert finding.remedy == "pip install torch==2.13.0"


def test_a_change_of_the_build_ranks_before_numpy() -> None:
    sides = [side.facts["frameworks"] for side in (CPU, CUDA_130)]
    before, after = (
        fingerprint({"facts.frameworks": {**side, "numpy": {"version": version}}})
        for side, version in zip(sides, ("2.0.2", "2.4.6"), strict=True)
    )
    report = judge_drift(before, after, workload(["numpy", "torch"]), Policy())
    assert report.likely_causes == ("torch-build-changed", "numpy-version-changed")


def test_the_default_of_tf32_changed_with_1_12() -> None:
    sides = torch("1.11.0+cu113"), torch("1.12.1+cu113")
    findings, undecided = drift("torch-tf32-default-changed", *sides, ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.before, f.after, f.remedy) for f in findings] == [
        (
            Impact.NUMERIC,
            "PyTorch 1.11.0+cu113 multiplied matrices in TF32 by default, 1.12.1+cu113 does in "
            "float32",
            (VERSION,),
            "1.11.0+cu113",
            "1.12.1+cu113",
            "torch.backends.cuda.matmul.allow_tf32 = True",
        )
    ]
    back = drift("torch-tf32-default-changed", *sides[::-1], ["torch"], "gpu")[0]
    assert [f.remedy for f in back] == ["torch.backends.cuda.matmul.allow_tf32 = False"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (torch("1.11.0", "7.5"), torch("1.12.0", "7.5")),
        (torch("1.12.0"), torch("2.14.0")),
        (torch("1.7.0"), torch("1.11.0")),
        (torch(None), torch("1.11.0")),
        (
            torch("1.11.0", **{variable("NVIDIA_TF32_OVERRIDE"): "0"}),
            torch("1.12.0"),
        ),
        (
            torch("1.11.0"),
            torch("1.12.0", **{variable("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"): "1"}),
        ),
        (torch("1.11.0", **{MATMUL_TF32: "on"}), torch("1.12.0", **{MATMUL_TF32: "off"})),
    ],
)
def test_tf32_that_is_as_before_or_is_compared_elsewhere_is_quiet(
    before: Fingerprint, after: Fingerprint
) -> None:
    assert drift("torch-tf32-default-changed", before, after, ["torch"], "gpu") == ([], [])


def test_unknown_variables_leave_tf32_undecided() -> None:
    silent = fingerprint({VERSION: "1.12.0"}, {"facts.environ.variables": "denied"})
    findings, undecided = drift(
        "torch-tf32-default-changed", torch("1.11.0"), silent, ["torch"], "gpu"
    )
    assert (findings, [d.reason for d in undecided]) == ([], ["denied"])


def deterministic(version: str = "2.3.0+cu121", **values: Any) -> Fingerprint:
    return fingerprint({VERSION: version, CUDA: "12.1", DETERMINISTIC: "on"} | values)


def test_deterministic_algorithms_without_a_workspace_break() -> None:
    findings, undecided = state("torch-cublas-workspace-missing", deterministic(), ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.remedy) for f in findings] == [
        (
            Impact.BREAKS,
            "deterministic algorithms are on in PyTorch 2.3.0+cu121, and CUBLAS_WORKSPACE_CONFIG "
            "is unset",
            (DETERMINISTIC, WORKSPACE),
            "export CUBLAS_WORKSPACE_CONFIG=:4096:8",
        )
    ]
    warned = deterministic(**{WARN_ONLY: "on", WORKSPACE: ":0:0"})
    findings, _ = state("torch-cublas-workspace-missing", warned, ["torch"], "gpu")
    assert [(f.impact, f.after) for f in findings] == [(Impact.NUMERIC, ":0:0")]


@pytest.mark.parametrize(
    "now",
    [
        deterministic("2.9.0+cu126"),
        deterministic("2.14.0+cu130"),
        deterministic("1.7.1+cu110"),
        deterministic(**{CUDA: "10.1"}),
        deterministic(**{CUDA: None}),
        deterministic(**{WORKSPACE: ":4096:8"}),
        deterministic(**{WORKSPACE: ":16:8"}),
        deterministic(**{DETERMINISTIC: "off"}),
        fingerprint({VERSION: "2.3.0", CUDA: "12.1"}),
        fingerprint({}),
    ],
)
def test_where_no_workspace_is_asked_for_the_rule_is_quiet(now: Fingerprint) -> None:
    assert state("torch-cublas-workspace-missing", now, ["torch"], "gpu") == ([], [])


def test_a_switch_that_pytorch_does_not_tell_leaves_the_workspace_undecided() -> None:
    now = fingerprint({VERSION: "2.3.0", CUDA: "12.1"}, {DETERMINISTIC: "raised"})
    findings, undecided = state("torch-cublas-workspace-missing", now, ["torch"], "gpu")
    assert (findings, [d.path for d in undecided]) == ([], [DETERMINISTIC])


def test_timing_convolutions_is_advice() -> None:
    now = fingerprint({BENCHMARK: "on"})
    findings, undecided = state("torch-cudnn-benchmark-on", now, ["torch"], "gpu")
    assert undecided == []
    assert [(f.message, f.paths, f.after, f.remedy) for f in findings] == [
        (
            "torch.backends.cudnn.benchmark is on",
            (BENCHMARK,),
            "on",
            "torch.backends.cudnn.benchmark = False",
        )
    ]
    for quiet in (fingerprint({BENCHMARK: "off"}), fingerprint({})):
        assert state("torch-cudnn-benchmark-on", quiet, ["torch"], "gpu") == ([], [])
    assert state("torch-cudnn-benchmark-on", now, ["torch"], "cpu") == ([], [])
    silent = fingerprint({}, {BENCHMARK: "raised"})
    assert len(state("torch-cudnn-benchmark-on", silent, ["torch"], "gpu")[1]) == 1


def test_another_interface_of_cudnn_is_numeric() -> None:
    name = variable("TORCH_CUDNN_V8_API_DISABLED")
    sides = fingerprint({}), fingerprint({name: "1"})
    findings, undecided = drift("torch-cudnn-api-changed", *sides, ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths) for f in findings] == [
        (Impact.NUMERIC, "TORCH_CUDNN_V8_API_DISABLED was unset, is 1", (name,))
    ]
    assert drift("torch-cudnn-api-changed", *sides, ["torch"], "cpu") == ([], [])
    assert drift("torch-cudnn-api-changed", sides[1], sides[1], ["torch"], "gpu") == ([], [])
    silent = fingerprint({}, {"facts.environ.variables": "denied"})
    assert len(drift("torch-cudnn-api-changed", sides[0], silent, ["torch"], "gpu")[1]) == 1


def test_workers_before_1_9_repeat_one_stream() -> None:
    rule = "torch-workers-share-numpy-seed"
    findings, undecided = state(rule, torch("1.8.1"), ["torch"])
    assert undecided == []
    assert [(f.message, f.paths, f.after) for f in findings] == [
        (
            "all workers of PyTorch 1.8.1 draw the same numbers from np.random",
            (VERSION,),
            "1.8.1",
        )
    ]
    for version in ("1.9.0", "2.14.0+cu130", None):
        assert state(rule, torch(version), ["torch"]) == ([], [])
    silent = fingerprint({}, {VERSION: "odd"})
    assert len(state(rule, silent, ["torch"])[1]) == 1


def test_seeds_of_workers_changed_with_1_9() -> None:
    rule = "torch-worker-seeds-changed"
    findings, undecided = drift(rule, torch("1.8.1"), torch("1.9.0"), ["torch"])
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.before, f.after) for f in findings] == [
        (
            Impact.DIVERGES,
            "PyTorch was 1.8.1, is 1.9.0: workers draw different numbers from np.random",
            (VERSION,),
            "1.8.1",
            "1.9.0",
        )
    ]
    for sides in (("1.9.0", "2.0.0"), ("1.7.0", "1.8.1"), (None, "1.8.1")):
        assert drift(rule, *map(torch, sides), ["torch"]) == ([], [])
    silent = fingerprint({}, {VERSION: "odd"})
    assert len(drift(rule, torch("1.8.1"), silent, ["torch"])[1]) == 1
