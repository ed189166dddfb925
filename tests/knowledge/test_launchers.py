"""What launchers say about a process."""

from __future__ import annotations

import pytest

from envprint import knowledge
from envprint.core.known_variables import may_be_in_a_job
from envprint.knowledge import launchers
from envprint.knowledge.launchers import Process, process_of, world_size

STEP = {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_PROCID": "3", "SLURM_LOCALID": "1"}


def test_a_task_of_srun_is_known_with_its_job_and_its_node() -> None:
    variables = {**STEP, "SLURM_NTASKS": "4", "SLURMD_NODENAME": "node1"}
    job = ("SLURM_JOB_ID=7", "SLURM_STEP_ID=0")
    assert process_of(variables) == Process("srun", False, 3, 4, "node1", job)


def test_outside_of_a_step_the_size_is_not_that_of_the_job() -> None:
    assert world_size({"SLURM_NTASKS": "4", "SLURM_PROCID": "0"}) is None


def test_what_was_started_last_counts() -> None:
    inner = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}
    found = process_of({**STEP, "SLURM_NTASKS": "2", **inner})
    assert found and (found.launcher, found.rank, found.size) == ("torchrun", 5, 8)


@pytest.mark.parametrize("value", ["", "first", "-1", "9" * 30])
def test_what_is_no_number_is_no_rank(value: str) -> None:
    assert process_of({"RANK": value, "OMPI_COMM_WORLD_RANK": value}) is None


def test_outside_of_a_job_the_table_is_not_read() -> None:
    read = launchers.names("rank", "sizes")
    assert [name for name in read if not may_be_in_a_job([name])] == []
    knowledge.forget()
    assert process_of({"HOME": "/home/me", "HISTSIZE": "5"}) is None
    assert knowledge.entries.cache_info().currsize == 0


@pytest.mark.parametrize("entry", knowledge.entries(launchers.TABLE), ids=lambda e: e["launcher"])
def test_every_launcher_has_a_first_process_and_others(entry: knowledge.Entry) -> None:
    name = entry.get("rank") or entry["local_rank"]
    for number in range(3):
        found = process_of({name: f"{number}"})
        assert found and found.launcher == entry["launcher"]
        assert found.is_first == (number == 0)
        assert found.rank == (number if "rank" in entry else None)
