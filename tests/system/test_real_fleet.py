"""Four ranks under real launchers decide together: one verdict, the same words, nobody waits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.builders import slurm
from tests.builders.frameworks import TORCH
from tests.conftest import Build

ROOT = Path(__file__).parents[2]
MPI = ("mpi4py==4.1.2", "mpich==5.0.2")
SIZE = 4
ENDED_S = 120
TIMEOUT_S = 6
JOB = """
import json, os, pathlib, signal, sys, time
way, fault = sys.argv[1], sys.argv[2]
if way == "torch":
    import torch.distributed as group
    group.init_process_group("gloo")
    rank = group.get_rank()
elif way == "mpi":
    from mpi4py import MPI
    rank = MPI.COMM_WORLD.Get_rank()
else:
    rank = int(os.environ["SLURM_PROCID"])
if fault == f"misspelt {rank}":
    os.environ["LD_PRELOD"] = "0"
if fault == f"hung {rank}":
    time.sleep(600)
if fault == f"killed {rank}":
    os.kill(os.getpid(), signal.SIGKILL)
import envprint
from envprint.integrations._fit import Fit, Options
said = pathlib.Path(f"said-{rank}.json")
try:
    Fit("documents", Options(fail_on="numeric", timeout_s=float(sys.argv[3]))).begin()
    said.write_text(json.dumps(["passed", ""]))
except envprint.EnvprintError as error:
    said.write_text(json.dumps([type(error).__name__, str(error)]))
    raise
"""


class Ended(NamedTuple):
    """How a job ended: what each rank that could say it says."""

    code: int
    said: dict[int, tuple[str, str]]
    documents: list[str]

    @property
    def texts(self) -> set[tuple[str, str]]:
        return set(self.said.values())


def run(command: Sequence[str], way: str, fault: str, folder: Path, **more: str) -> Ended:
    (folder / "job.py").write_text(JOB)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "ENVPRINT_HOME": str(folder / "store"),
        **more,
    }
    script = [
        str(folder / "job.py"),
        way,
        fault,
        str(60 if fault[:4] in ("none", "miss") else TIMEOUT_S),
    ]
    done = subprocess.run(
        [*command, *script],
        env=environ, cwd=folder, capture_output=True, timeout=ENDED_S, check=False,
    )  # fmt: skip
    said: dict[int, Any] = {
        int(path.stem[5:]): tuple(json.loads(path.read_text()))
        for path in folder.glob("said-*.json")
    }
    written = folder / "documents"
    names = sorted(path.name for path in written.iterdir()) if written.exists() else []
    return Ended(done.returncode, said, names)


def by_mpiexec(environment: Build, folder: Path, fault: str) -> Ended:
    python = environment(*MPI)
    mpiexec = str(Path(python).with_name("mpiexec"))
    return run([mpiexec, "-n", str(SIZE), python], "mpi", fault, folder)


def by_torchrun(environment: Build, folder: Path, fault: str) -> Ended:
    python = environment(*TORCH)
    module = [python, "-m", "torch.distributed.run", f"--nproc_per_node={SIZE}"]
    return run(module, "torch", fault, folder)


WAYS = {"mpiexec": by_mpiexec, "torchrun": by_torchrun}
each_way = pytest.mark.parametrize("way", WAYS)


def assert_passed(ended: Ended) -> None:
    assert ended.said == dict.fromkeys(range(SIZE), ("passed", "")), ended
    assert (ended.code, ended.documents) == (0, ["fingerprint-001-start.json"])


def assert_refused(ended: Ended, host: str | None = None) -> None:
    assert len(ended.said) == SIZE and len(ended.texts) == 1, ended
    ((kind, text),) = ended.texts
    assert kind == "DriftError"
    assert text.startswith("the training did not start: 1 of 4 ranks is refused\nrank 2 on ")
    assert host is None or f"rank 2 on {host}: " in text
    assert "(environ-name-misspelt); do: unset LD_PRELOD" in text
    assert text.endswith("captured in documents/fingerprint-001-start.json")
    assert ended.code != 0
    assert ended.documents == ["fingerprint-001-start.json"]


def assert_named(ended: Ended, silent: int) -> None:
    assert ended.said.keys() == {*range(SIZE)} - {silent}, ended
    ((kind, text),) = ended.texts
    assert kind == "FleetError"
    assert f"rank {silent} of 4 did not answer within {TIMEOUT_S} s" in text
    assert ended.code != 0


@pytest.mark.slow
@pytest.mark.long
@each_way
def test_ranks_that_all_pass_begin_with_one_document(
    way: str, environment: Build, tmp_path: Path
) -> None:
    assert_passed(WAYS[way](environment, tmp_path, "none"))


@pytest.mark.slow
@pytest.mark.long
@each_way
def test_one_refused_rank_refuses_all_with_the_same_words(
    way: str, environment: Build, tmp_path: Path
) -> None:
    assert_refused(WAYS[way](environment, tmp_path, "misspelt 2"))


@pytest.mark.slow
@pytest.mark.long
@each_way
def test_a_rank_that_hangs_is_named_and_the_job_ends(
    way: str, environment: Build, tmp_path: Path
) -> None:
    assert_named(WAYS[way](environment, tmp_path, "hung 3"), 3)


@pytest.mark.slow
@pytest.mark.long
@each_way
def test_a_rank_that_is_killed_leaves_nobody_waiting(
    way: str, environment: Build, tmp_path: Path
) -> None:
    """These launchers end the others themselves."""
    start = time.monotonic()
    ended = WAYS[way](environment, tmp_path, "killed 3")
    assert ended.code != 0
    assert time.monotonic() - start < 60


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[slurm.Cluster]:
    if lacking := slurm.missing():
        pytest.skip(f"NO SLURM HERE: srun was not tried ({lacking[0]} is missing)")
    with ExitStack() as stack:
        cluster = slurm.Cluster(tmp_path_factory.mktemp("slurm"))
        if why := cluster.start(stack):
            pytest.skip(f"SLURM DID NOT START: srun was not tried ({why})")
        yield cluster


def by_srun(cluster: slurm.Cluster, folder: Path, fault: str) -> Ended:
    """On two nodes, by files: nothing else is there."""
    command = ["srun", "-N2", f"-n{SIZE}", "--overcommit", sys.executable]
    return run(command, "files", fault, folder, **cluster.environ)


def test_tasks_of_srun_that_all_pass_begin_with_one_document(
    cluster: slurm.Cluster, tmp_path: Path
) -> None:
    assert_passed(by_srun(cluster, tmp_path, "none"))


def test_one_refused_task_of_srun_refuses_all_and_is_named_with_its_node(
    cluster: slurm.Cluster, tmp_path: Path
) -> None:
    assert_refused(by_srun(cluster, tmp_path, "misspelt 2"), "node1")


@pytest.mark.parametrize("killed", [0, 3])
def test_a_task_of_srun_that_is_killed_is_named_by_the_others(
    killed: int, cluster: slurm.Cluster, tmp_path: Path
) -> None:
    ended = by_srun(cluster, tmp_path, f"killed {killed}")
    assert_named(ended, killed)
