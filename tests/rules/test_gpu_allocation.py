"""A job beside a GPU that it did not ask for: what it is told to do."""

from __future__ import annotations

from typing import Any

import pytest

from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.workload import detect
from envprint.judging.policy.model import Policy
from envprint.rules.kit.allocation import how_to_ask
from tests.builders.gpus import A10, VISIBLE, machine
from tests.builders.judged import judge_state
from tests.builders.support import drift, fingerprint, state

RULE, UNUSABLE, ONE_SIDE = "container-gives-no-gpu", "gpu-not-usable", "gpu-on-one-side-only"
TORCH = {"facts.frameworks.torch.version": "2.3.0", "facts.frameworks.torch.build": "cuda"}
MODULE = {"facts.cuda.kernel_module_version": "550.90.07"}
ASKS = {
    "slurm": "--gres=gpu:1",
    "pbs": "ngpus=1",
    "lsf": "-gpu",
    "sge": "-l gpu=1",
    "flux": "--gpus-per-slot=1",
    "oar": "oarsub -l gpu=1",
    "htcondor": "request_gpus",
    "aws-batch": "resourceRequirements",
    "kubernetes": "nvidia.com/gpu",
}


def in_job(scheduler: str | None, **more: Any) -> Fingerprint:
    """A job that sees no GPU on a machine with a driver."""
    values = {**TORCH, **MODULE, "facts.container.scheduler": scheduler}
    none = {"facts.gpu.status": "no GPU is attached", "facts.gpu.devices": {}}
    return fingerprint({**values, **none, "facts.gpu.count": 0, **more})


@pytest.mark.parametrize("scheduler", ASKS)
def test_a_job_without_a_gpu_is_told_how_to_ask_for_one(scheduler: str) -> None:
    now = in_job(scheduler)
    ((advice,), undecided) = state(RULE, now, ["torch"], "cpu")
    assert (advice.advice, undecided) == (True, [])
    assert ASKS[scheduler] in advice.remedy
    ((finding,), _) = state(UNUSABLE, now, ["torch"], "gpu")
    assert ASKS[scheduler] in finding.remedy


@pytest.mark.parametrize(
    ("kind", "option"), [("docker", "--gpus all"), ("podman", "--device"), ("apptainer", "--nv")]
)
def test_a_container_without_a_gpu_is_told_the_option(kind: str, option: str) -> None:
    status = "card present, driver library not loadable: libnvidia-ml.so.1 is not installed"
    more = {"facts.container.kind": kind, "facts.gpu.status": status}
    ((finding,), _) = state(UNUSABLE, in_job(None, **more), ["torch"], "gpu")
    assert option in finding.remedy


@pytest.mark.parametrize("hidden", ["", "NoDevFiles"])
def test_a_variable_that_the_scheduler_emptied_is_not_to_be_unset(hidden: str) -> None:
    job = {**TORCH, **MODULE, "facts.container.scheduler": "slurm", VISIBLE: hidden}
    ((finding,), _) = state(UNUSABLE, machine(A10, more=job), ["torch"], "gpu")
    assert "--gres=gpu:1" in finding.remedy
    alone = {**job, "facts.container.scheduler": None}
    ((finding,), _) = state(UNUSABLE, machine(A10, more=alone), ["torch"], "gpu")
    assert finding.remedy == "unset CUDA_VISIBLE_DEVICES"
    by_hand = {**job, VISIBLE: "-1"}
    ((finding,), _) = state(UNUSABLE, machine(A10, more=by_hand), ["torch"], "gpu")
    assert finding.remedy == "unset CUDA_VISIBLE_DEVICES"


def test_a_job_that_had_a_gpu_and_has_none_is_told_how_to_ask() -> None:
    before = machine(A10, more=TORCH)
    ((finding,), _) = drift(ONE_SIDE, before, in_job("slurm"), ["torch"], "gpu")
    assert "--gres=gpu:1" in finding.remedy
    ((finding,), _) = drift(ONE_SIDE, in_job("slurm"), before, ["torch"], "gpu")
    assert finding.remedy == "export CUDA_VISIBLE_DEVICES=-1"


@pytest.mark.parametrize(
    "now",
    [
        in_job(None),
        in_job("slurm", **{"facts.cuda.kernel_module_version": None}),
        in_job("slurm", **{"facts.frameworks.torch.build": "cpu"}),
        in_job("slurm", **{"facts.rocm.kfd_device": True}),
        machine(A10, more={**TORCH, **MODULE, "facts.container.scheduler": "slurm"}),
    ],
)
def test_what_lacks_no_allocation_is_quiet(now: Fingerprint) -> None:
    assert state(RULE, now, ["torch"], "cpu") == ([], [])


def test_work_that_is_said_to_be_for_the_cpu_needs_no_gpu() -> None:
    workload = detect(in_job("slurm"), frameworks=["torch"], device="cpu")
    advice = judge_state(in_job("slurm"), None, workload, Policy()).advice
    assert RULE not in [one.rule for one in advice]
    detected = detect(in_job("slurm"), frameworks=["torch"])
    advice = judge_state(in_job("slurm"), None, detected, Policy()).advice
    assert RULE in [one.rule for one in advice]


def test_a_broken_driver_is_to_be_repaired_in_a_job_too() -> None:
    now = in_job("slurm", **{"facts.gpu.status": "driver library 1, kernel module 2: reboot"})
    ((finding,), _) = state(UNUSABLE, now, ["torch"], "gpu")
    assert finding.remedy.startswith("Repair the driver")


def test_unknown_gpus_leave_it_undecided() -> None:
    now = in_job("slurm")._replace(unknown={"facts.gpu.devices": "no answer"})
    findings, undecided = state(RULE, now, ["torch"], "cpu")
    assert (findings, [one.reason for one in undecided]) == ([], ["no answer"])
    assert how_to_ask(fingerprint({})) is None
    assert [f.impact for f in state(RULE, in_job("pbs"), ["torch"], "cpu")[0]] == [Impact.DIVERGES]
