"""Rules about the number of processes and how their sums are joined."""

from __future__ import annotations

import pytest

from envprint.core.impact import Impact
from tests.builders.gpus import T4, machine
from tests.builders.support import drift, fingerprint

WORLD = "facts.environ.variables[WORLD_SIZE]"
LOCAL = "facts.environ.variables[LOCAL_WORLD_SIZE]"
FUSION = "facts.environ.variables[HOROVOD_FUSION_THRESHOLD]"


def test_another_number_of_processes_is_another_run() -> None:
    before = fingerprint({WORLD: "8", LOCAL: "8"})
    after = fingerprint({WORLD: "16", LOCAL: "4"})
    findings, undecided = drift("world-size-changed", before, after, ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.before, f.after, f.remedy) for f in findings] == [
        (
            Impact.DIVERGES,
            "the world size (WORLD_SIZE) was 8, is 16",
            (WORLD, LOCAL),
            8,
            16,
            "Start the job with as many processes as before.",
        )
    ]
    assert len(drift("world-size-changed", before, after, ["torch"], "cpu")[0]) == 1


@pytest.mark.parametrize("after", [None, "8", ""])
def test_a_capture_outside_of_the_launcher_is_quiet(after: str | None) -> None:
    sides = fingerprint({WORLD: "8"}), fingerprint({WORLD: after})
    assert drift("world-size-changed", *sides, ["torch"], "gpu") == ([], [])
    assert drift("world-size-changed", *sides[::-1], ["torch"], "gpu") == ([], [])


def test_unknown_variables_leave_the_number_of_processes_undecided() -> None:
    silent = fingerprint({}, {"facts.environ.variables": "denied"})
    for rule in ("world-size-changed", "horovod-fusion-changed"):
        findings, undecided = drift(rule, fingerprint({WORLD: "8"}), silent, ["torch"], "gpu")
        assert (findings, [d.reason for d in undecided]) == ([], ["denied"])


def test_the_number_of_processes_speaks_for_that_of_gpus() -> None:
    before, after = machine(T4, T4, more={WORLD: "2"}), machine(T4, more={WORLD: "1"})
    assert drift("gpu-count-changed", before, after, ["torch"], "gpu") == ([], [])


def test_another_fusion_of_gradients_is_numeric() -> None:
    sides = fingerprint({FUSION: "0"}), fingerprint({})
    findings, undecided = drift("horovod-fusion-changed", *sides, ["tensorflow"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message, f.paths, f.before, f.after) for f in findings] == [
        (Impact.NUMERIC, "HOROVOD_FUSION_THRESHOLD was 0, is unset", (FUSION,), "0", None)
    ]
    assert drift("horovod-fusion-changed", *sides, ["tensorflow"], "cpu") == ([], [])
    assert drift("horovod-fusion-changed", sides[0], sides[0], ["torch"], "gpu") == ([], [])


SIZE = "facts.environ.world_size"


@pytest.mark.parametrize("name", ["SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE"])
def test_each_launcher_says_how_many_processes_there_are(name: str) -> None:
    sides = [
        fingerprint({SIZE: {"processes": number, "variable": name}, WORLD: None})
        for number in (2, 1)
    ]
    findings, undecided = drift("world-size-changed", *sides, ["torch"], "gpu")
    assert undecided == []
    assert [(f.impact, f.message) for f in findings] == [
        (Impact.DIVERGES, f"the world size ({name}) was 2, is 1")
    ]
    outside = fingerprint({SIZE: None, WORLD: None})
    assert drift("world-size-changed", sides[0], outside, ["torch"], "gpu") == ([], [])
