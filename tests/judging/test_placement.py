"""Where each framework of the workload computes, as the head of a report says it."""

from __future__ import annotations

import json
from typing import Any

from envprint.core.fingerprint import Fingerprint
from envprint.core.workload import Workload, detect
from envprint.judging.placement import placements
from envprint.judging.policy.model import Policy
from envprint.outputs.formats.json import render
from tests.builders.gpus import A10, machine
from tests.builders.judged import judge_state
from tests.builders.support import fingerprint

TORCH = {"facts.frameworks.torch.version": "2.3.0", "facts.frameworks.torch.build": "cuda"}
GPU = machine(A10, more={**TORCH, "facts.cuda.uvm_device": "present"})


def placed(now: Fingerprint, *frameworks: str, device: str | None = None) -> list[Any]:
    workload = detect(now, frameworks=frameworks, device=device)
    return [tuple(one) for one in placements(now, workload)]


def test_each_framework_of_the_workload_has_a_place() -> None:
    cpu = {"facts.frameworks.tensorflow.version": "2.15.1"}
    now = machine(A10, more={**TORCH, **cpu, "facts.cuda.uvm_device": "present"})
    now.facts["frameworks"]["tensorflow"]["build"] = "cpu"
    assert placed(now, "numpy", "tensorflow", "torch") == [
        ("numpy", "cpu", "it computes on the CPU only"),
        ("tensorflow", "cpu", "a CPU build"),
        ("torch", "gpu", "GPU 0"),
    ]


def test_work_that_is_for_the_cpu_computes_there() -> None:
    assert placed(GPU, "torch") == [("torch", "gpu", "GPU 0")]
    assert placed(GPU, "torch", device="cpu") == [("torch", "cpu", "the job is for the CPU")]


def test_what_is_unknown_has_its_reason_and_no_device() -> None:
    now = fingerprint(TORCH, {"facts.gpu": "the driver did not answer in 10 s"})
    assert placed(now, "torch") == [("torch", None, "the driver did not answer in 10 s")]


def test_a_framework_that_is_not_installed_has_no_device() -> None:
    assert placed(GPU, "jax") == [("jax", None, "it is not installed")]


def test_the_document_says_it_by_framework() -> None:
    report = judge_state(GPU, None, Workload(("numpy", "torch"), "gpu"), Policy())
    assert json.loads(render(report))["context"]["computes_on"] == {
        "numpy": {"device": "cpu", "reason": "it computes on the CPU only"},
        "torch": {"device": "gpu", "reason": "GPU 0"},
    }
