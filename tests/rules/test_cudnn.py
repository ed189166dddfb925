"""Rules about cuDNN that need a look at the GPU."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from tests.builders.cuda import CODE, libraries, machine
from tests.builders.support import drift, fingerprint, state

CUDNN = "facts.cuda.cudnn.installed"
CAPABILITY = "facts.gpu.devices[0].compute_capability"
DROPPED = "cuda-cudnn-gpu-dropped"
ATTENTION = "cuda-cudnn-attention-not-repeatable"


@pytest.mark.parametrize("framework", ["torch", "tensorflow", "jax"])
def test_a_cudnn_that_dropped_the_gpu_breaks(framework: str) -> None:
    now = machine(libraries("cudnn", "9.13.1.26"), "7.0")
    findings, undecided = state(DROPPED, now, [framework], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.after) for f in findings] == [
        (
            Impact.BREAKS,
            "cuDNN 9.13.1.26 has no kernels for compute capability 7.0 of GPU 0",
            (CUDNN, CAPABILITY),
            "9.13.1.26",
        )
    ]


@pytest.mark.parametrize(
    ("version", "capability"), [("9.13.1", "7.5"), ("9.10.2.21", "6.1"), ("9.11.0", "9.0")]
)
def test_a_cudnn_that_computes_on_the_gpu_is_quiet(version: str, capability: str) -> None:
    now = machine(libraries("cudnn", version), capability)
    assert state(DROPPED, now, ["torch"], "gpu") == ([], [])


def test_other_rules_that_say_it_breaks_speak_first_and_a_changed_version_is_silent() -> None:
    now = machine(libraries("cudnn", "9.13.1") | {CODE: ["sm_80", "compute_90"]}, "7.0")
    assert state(DROPPED, now, ["tensorflow"], "gpu") == ([], [])
    before = machine(libraries("cudnn", "9.10.2"), "7.0")
    after = machine(libraries("cudnn", "9.13.1"), "7.0")
    assert drift("cuda-cudnn-changed", before, after, ["torch"], "gpu") == ([], [])


def test_attention_that_does_not_repeat_itself_is_advice() -> None:
    now = machine(libraries("cudnn", "9.18.0.1"), "10.3", count=2)
    findings, undecided = state(ATTENTION, now, ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths) for f in findings] == [
        (
            Impact.NUMERIC,
            "cuDNN 9.18.0.1 has no repeatable backward pass of attention for GPU 0, 1",
            (CUDNN, CAPABILITY),
        )
    ]


@pytest.mark.parametrize(
    ("version", "capability"),
    [("9.18.1", "10.0"), ("9.12.0", "9.0"), ("9.12.0", "12.0"), ("8.9.7", "10.0")],
)
def test_attention_of_other_versions_and_gpus_is_quiet(version: str, capability: str) -> None:
    now = machine(libraries("cudnn", version), capability)
    assert state(ATTENTION, now, ["torch"], "gpu") == ([], [])


def test_without_cudnn_nothing_is_said() -> None:
    for rule in (DROPPED, ATTENTION):
        assert state(rule, machine({}, "7.0"), ["torch"], "gpu") == ([], [])


def test_an_unknown_cudnn_or_gpu_is_undecided() -> None:
    silent = fingerprint({}, {"facts.cuda.cudnn": "denied"})
    hidden = fingerprint(libraries("cudnn", "9.13.1"), {"facts.gpu.devices": "denied"})
    for rule in (DROPPED, ATTENTION):
        for now in (silent, hidden):
            findings, undecided = state(rule, now, ["torch"], "gpu")
            assert (findings, [d.reason for d in undecided]) == ([], ["denied"])


OLDER = "cuda-cudnn-older-than-built"
SHADOWED = "facts.cuda.shadowed"
LINKED = "/usr/local/cuda/lib64/libcudnn.so.8"


def in_front(file: str, *headers: tuple[str, str | None], **more: Any) -> Fingerprint:
    """cuDNN 8.5.0 from a wheel, `file` in LD_LIBRARY_PATH, and headers by path and version."""
    copies = [{"version": "8.5.0.96", "path": "/v/nvidia_cudnn", "source": "wheel"}]
    copies += [{"path": path, "source": "header", "version": v} for path, v in headers]
    found = {CUDNN: copies, "facts.cuda.cudnn.built": {"torch": "8.5.0.96"}, SHADOWED: [file]}
    found["facts.cuda.shadowed_for"] = {"torch": [file]}
    return machine(found | {"facts.cuda.cudnn.loaded": []} | more)


@pytest.mark.parametrize(
    ("file", "headers"),
    [
        (LINKED, [("/usr/local/cuda-11.7/include/cudnn_version.h", "8.4.1")]),
        ("/opt/cuda/lib64/libcudnn.so.8", [("/opt/cuda/include/cudnn_version.h", "8.4.1")]),
        (
            "/opt/cuda/targets/x86_64-linux/lib/libcudnn.so.8",
            [
                ("/usr/include/cudnn_version.h", "8.9.7"),
                ("/opt/cuda/include/cudnn_version.h", "8.4.1"),
            ],
        ),
    ],
)
def test_an_older_cudnn_in_front_of_the_wheels_breaks(
    file: str, headers: list[tuple[str, str | None]]
) -> None:
    before, after = in_front("/x/libnccl.so.2", *headers), in_front(file, *headers)
    findings, undecided = drift(OLDER, before, after, ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.after) for f in findings] == [
        (
            Impact.BREAKS,
            "torch was built with cuDNN 8.5.0.96, and 8.4.1 is here",
            (SHADOWED, "facts.cuda.cudnn.built[torch]"),
            "8.4.1",
        )
    ]


@pytest.mark.parametrize(
    "now",
    [
        in_front(LINKED),
        in_front(LINKED, ("/usr/local/cuda-11.7/include/cudnn_version.h", "8.9.7")),
        in_front(LINKED, ("/usr/local/cuda-11.7/include/cudnn_version.h", None)),
        in_front(LINKED, ("/a/include/cudnn.h", "8.4.1"), ("/b/include/cudnn.h", "8.9.7")),
        in_front("/x/libcublas.so.12", ("/usr/include/cudnn_version.h", "8.4.1")),
        in_front(
            LINKED,
            ("/usr/include/cudnn_version.h", "8.4.1"),
            **{"facts.cuda.cudnn.loaded": [{"path": "/v/libcudnn.so.8", "version": "8.5.0.96"}]},
        ),
    ],
)
def test_a_cudnn_in_front_that_fits_or_whose_version_is_not_known_is_quiet(
    now: Fingerprint,
) -> None:
    assert state(OLDER, now, ["torch"], "gpu") == ([], [])


def test_unknown_shadows_leave_the_cudnn_in_front_undecided() -> None:
    now = in_front(LINKED)._replace(unknown={SHADOWED: "denied"})
    findings, undecided = state(OLDER, now, ["torch"], "gpu")
    assert (findings, [d.path for d in undecided]) == ([], [SHADOWED])


def test_the_stronger_rule_speaks_for_a_cudnn_in_front() -> None:
    older = in_front(LINKED, ("/usr/include/cudnn_version.h", "8.4.1"))
    assert state("cuda-library-shadowed", older, ["torch"], "gpu") == ([], [])
    assert len(state("cuda-library-shadowed", in_front(LINKED), ["torch"], "gpu")[0]) == 1
