"""Three machines with one planted difference each, gathered by real engines, found and judged.

The machines are this one, with host names and variables of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.builders import slurm
from tests.builders.environments import put_framework
from tests.builders.frameworks import DASK, RAY, TORCH
from tests.conftest import Build

pytestmark = [pytest.mark.slow, pytest.mark.long]
ROOT = Path(__file__).parents[2]
MPI = ("mpi4py==4.1.2", "mpich==5.0.2")
ENDED_S = 240
PLANTED = {
    "node0": ("JAX_ENABLE_X64", "1", "jax-x64-switched"),
    "node1": ("LD_PRELOD", "0", "environ-name-misspelt"),
    "node2": ("XLA_FLAGS", "--xla_cpu_enable_fast_math=true", "xla-flags-changed"),
}
"""What each machine has that no other one has, and the rule that finds it."""
PLANT = """\
#!/bin/sh
# Runs a command as node $NODE, else as that of the task's number: host name, machine, variable.
rank=${SLURM_PROCID:-${PMI_RANK:-0}}
number=$(echo $NODES | cut -d' ' -f$((rank + 1)))
NODE=${NODE:-node$number}
test "$NODE" = "$LOST" && kill -9 $$
case $NODE in
    node0) export JAX_ENABLE_X64=1 ;;
    node1) export LD_PRELOD=0 ;;
    node2) export XLA_FLAGS=--xla_cpu_enable_fast_math=true ;;
esac
export XDG_CONFIG_HOME=$PWD/config-$NODE
exec unshare --uts sh -c 'hostname '$NODE'; exec "$@"' sh "$@"
"""
JOB = """
import sys
if sys.argv[1] == "torch":
    import torch.distributed as group
    group.init_process_group("gloo")
else:
    from mpi4py import MPI
import envprint
gathered = envprint.fleet.gather("fleet", timeout_s=60)
if gathered is not None:
    print(gathered.in_words(), flush=True)
"""


class Bench:
    """A directory to gather in, with a framework that the planted variables matter to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "plant.sh").write_text(PLANT)
        (folder / "job.py").write_text(JOB)
        installed = put_framework(folder / "installed", "jax")
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONPATH": f"{ROOT}:{installed}",
            "NODES": "0 1 2",
            "RAY_USAGE_STATS_ENABLED": "0",
        }

    def run(
        self, command: Sequence[str], environ: Mapping[str, str] = {}
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env={**self.environ, **environ}, cwd=self.folder,
            capture_output=True, text=True, timeout=ENDED_S, check=False,
        )  # fmt: skip

    def gather(
        self,
        python: str,
        *engine: str,
        environ: Mapping[str, str] = {},
        options: Sequence[str] = (),
    ) -> subprocess.CompletedProcess[str]:
        words = ["-m", "envprint", "fleet", "gather", f"--python={python}", "-o", "fleet"]
        return self.run([python, *words, *options, "--", *engine], environ)

    @property
    def documents(self) -> dict[str, dict[str, object]]:
        found = sorted((self.folder / "fleet").iterdir())
        return {path.stem: json.loads(path.read_text()) for path in found}

    def assert_found(self, python: str, names: Mapping[str, str] = {}) -> None:
        """Each machine is in a group of its own, judged by the rule about what was planted."""
        envprint = [python, "-m", "envprint"]
        made = self.run([*envprint, "capture", f"--python={python}", "-o", "outside.json"])
        assert made.returncode == 0, made.stderr
        words = ["fleet", "diff", "fleet", "--baseline", "outside.json", "--framework", "jax"]
        done = self.run([*envprint, *words, "--format", "json"])
        assert done.returncode == 1, done.stderr
        found = {
            member: {finding["rule"] for finding in group["report"]["findings"]}
            for group in json.loads(done.stdout)["groups"]
            for member in group["members"]
            if group["report"]
        }
        for node, (_, _, rule) in PLANTED.items():
            others = {other for _, _, other in PLANTED.values()} - {rule}
            rules = found[names.get(node, node)]
            assert rule in rules and not rules & others, (node, found)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[slurm.Cluster]:
    if lacking := slurm.missing():
        pytest.skip(f"NO SLURM HERE: gathering by srun was not tried ({lacking[0]} is missing)")
    with ExitStack() as stack:
        cluster = slurm.Cluster(tmp_path_factory.mktemp("slurm"), 3)
        if why := cluster.start(stack):
            pytest.skip(f"SLURM DID NOT START: gathering by srun was not tried ({why})")
        yield cluster


SRUN = ("srun", "-N3", "--ntasks-per-node=1")


def test_srun_gathers_three_nodes(cluster: slurm.Cluster, bench: Bench) -> None:
    done = bench.gather(sys.executable, *SRUN, "sh", "plant.sh", environ=cluster.environ)
    assert done.returncode == 0, done.stderr
    assert [*bench.documents] == [*PLANTED]
    assert {one["captured_via"] for one in bench.documents.values()} == {"cli:srun"}
    bench.assert_found(sys.executable)


def test_a_capture_in_a_step_of_srun_names_its_file_by_the_node(
    cluster: slurm.Cluster, bench: Bench
) -> None:
    capture = [sys.executable, "-m", "envprint", "capture", "-o"]
    for target in ("fleet/", "fleet-{node}.json"):
        done = bench.run([*SRUN, "sh", "plant.sh", *capture, target], cluster.environ)
        assert done.returncode == 0, done.stderr
    assert [*bench.documents] == [*PLANTED]
    assert sorted(path.name for path in bench.folder.glob("fleet-*")) == [
        f"fleet-{node}.json" for node in PLANTED
    ]


def test_a_node_of_srun_that_is_lost_is_named_and_the_rest_gathered(
    cluster: slurm.Cluster, bench: Bench
) -> None:
    done = bench.gather(
        sys.executable, *SRUN, "sh", "plant.sh",
        environ={**cluster.environ, "LOST": "node1"}, options=["--on-unknown", "fail"],
    )  # fmt: skip
    assert (done.returncode, [*bench.documents]) == (3, ["node0", "node2"]), done.stderr
    said = "of 3 ranks, did not begin (srun: error: node1: task 1: Killed)"
    assert f"warning: lost: rank 1: {said}" in done.stderr


def test_mpiexec_gathers_three_hosts_of_four_ranks(environment: Build, bench: Bench) -> None:
    python = environment(*MPI)
    mpiexec = str(Path(python).with_name("mpiexec"))
    words = [mpiexec, "-n", "4", "sh", "plant.sh"]
    done = bench.gather(python, *words, environ={"NODES": "0 0 1 2"})
    assert done.returncode == 0, done.stderr
    assert [*bench.documents] == [*PLANTED]
    bench.assert_found(python)


def test_a_job_of_mpi_gathers_itself(environment: Build, bench: Bench) -> None:
    python = environment(*MPI)
    mpiexec = str(Path(python).with_name("mpiexec"))
    command = [mpiexec, "-n", "4", "sh", "plant.sh", python, "job.py", "mpi"]
    done = bench.run(command, {"NODES": "0 0 1 2"})
    assert (done.returncode, done.stdout) == (0, "3 documents in fleet\n"), done.stderr
    assert {one["captured_via"] for one in bench.documents.values()} == {"python:MPICH"}
    bench.assert_found(python)


def test_a_job_of_torchrun_gathers_itself(environment: Build, bench: Bench) -> None:
    """Three hosts of two ranks each, and what torchrun sets is named."""
    python = environment(*TORCH)
    (port,) = slurm.free_ports(1)
    words = [python, "-m", "torch.distributed.run", "--nnodes=3", "--nproc-per-node=2"]
    words += ["--master-addr=127.0.0.1", f"--master-port={port}"]
    started = [
        subprocess.Popen(
            ["sh", "plant.sh", *words, f"--node-rank={number}", "job.py", "torch"],
            env={**bench.environ, "NODE": f"node{number}"},
            cwd=bench.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for number in range(3)
    ]  # fmt: skip
    ended = [one.communicate(timeout=ENDED_S) for one in started]
    assert "".join(out for out, _ in ended) == "3 documents in fleet\n", ended
    assert {one["captured_via"] for one in bench.documents.values()} == {"python:torchrun"}
    bench.assert_found(python)
    words = ["diff", "outside.json", "fleet/node0.json", "--format", "json"]
    report = json.loads(bench.run([python, "-m", "envprint", *words]).stdout)
    (said,) = (f for f in report["findings"] if f["rule"] == "environ-engine-sets")
    assert said["message"].startswith("the side after was captured in torchrun, which sets OMP_NUM")


IN_RAY = """
import json, subprocess, sys
from ray.cluster_utils import Cluster
planted = json.loads(sys.argv[1])
nodes = [
    {"num_cpus": 1, "node_name": name, "env_vars": {variable: value, "XDG_CONFIG_HOME": name}}
    for name, (variable, value, _) in planted.items()
]
cluster = Cluster(initialize_head=True, head_node_args={**nodes[0], "include_dashboard": False})
rest = [cluster.add_node(**node) for node in nodes[1:]]
cluster.wait_for_nodes()

def gather(*options):
    words = ["-m", "envprint", "fleet", "gather", "-o", "fleet", *options]
    command = [sys.executable, *words, "--", "ray", cluster.address]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stderr

def in_a_job():
    import envprint, ray
    ray.init(cluster.address, runtime_env={"env_vars": {"JAX_PLATFORMS": "cpu"}})
    gathered = envprint.fleet.gather("job")
    ray.shutdown()
    return gathered.in_words()

said = {"all": gather(), "job": in_a_job()}
cluster.remove_node(rest[0])
said["lost"] = gather("--on-unknown", "fail")
cluster.shutdown()
print(json.dumps(said))
"""


def test_ray_gathers_every_node_and_names_a_dead_one(environment: Build, bench: Bench) -> None:
    python = environment(*RAY)
    done = bench.run([python, "-c", IN_RAY, json.dumps(PLANTED)])
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["all"] == [0, "envprint: 3 documents in fleet\n"]
    assert [*bench.documents] == [*PLANTED]
    assert {one["captured_via"] for one in bench.documents.values()} == {"python:Ray"}
    bench.assert_found(python)
    assert said["job"] == "3 documents in job"
    tags = [json.loads(path.read_text())["tags"] for path in (bench.folder / "job").iterdir()]
    assert tags == [{"runtime_env": "JAX_PLATFORMS"}] * 3
    assert not any(one["tags"] for one in bench.documents.values())
    code, text = said["lost"]
    assert code == 3 and "warning: lost: node1: is dead: " in text
    assert "2 documents in fleet; 1 host lost" in text


IN_DASK = """
import json, os, signal, subprocess, sys, time
from distributed import Client, Nanny, Scheduler
from distributed.deploy.spec import SpecCluster

def main():
    planted = json.loads(sys.argv[1])
    workers = {
        name: {
            "cls": Nanny,
            "options": {
                "host": f"127.0.0.{number}", "nthreads": 1,
                "env": {variable: value, "XDG_CONFIG_HOME": os.path.abspath(name)},
            },
        }
        for number, (name, (variable, value, _)) in enumerate(planted.items(), 1)
    }
    scheduler = {"cls": Scheduler, "options": {"dashboard": False, "host": "127.0.0.1"}}
    cluster = SpecCluster(workers=workers, scheduler=scheduler)

    def gather(*options):
        words = ["-m", "envprint", "fleet", "gather", "-o", "fleet", *options]
        command = [sys.executable, *words, "--", "dask", cluster.scheduler_address]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.returncode, done.stderr

    said = {"all": gather()}
    with Client(cluster) as client:
        import envprint
        said["client"] = envprint.fleet.gather("job", through=client).in_words()
        (silent,) = (
            pid for address, pid in client.run(os.getpid).items() if "127.0.0.2" in address
        )
    os.kill(silent, signal.SIGSTOP)
    said["lost"] = gather("--on-unknown", "fail", "--timeout", "15")
    os.kill(silent, signal.SIGKILL)
    print(json.dumps(said), flush=True)
    os._exit(0)

if __name__ == "__main__":
    main()
"""


def test_dask_gathers_a_worker_of_each_host_and_the_scheduler(
    environment: Build, bench: Bench
) -> None:
    python = environment(*DASK)
    (bench.folder / "in_dask.py").write_text(IN_DASK)
    done = bench.run([python, "in_dask.py", json.dumps(PLANTED)])
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert (said["all"][0], said["client"]) == (0, "4 documents in job")
    hosts = {node: f"127.0.0.{number}" for number, node in enumerate(PLANTED, 1)}
    assert [*bench.documents] == [*hosts.values(), "scheduler"]
    roles = [one["tags"] for one in bench.documents.values()]
    assert roles == [{"role": "worker"}] * 3 + [{"role": "scheduler"}]
    assert {one["captured_via"] for one in bench.documents.values()} == {"python:Dask"}
    bench.assert_found(python, hosts)
    code, text = said["lost"]
    assert code == 3 and "warning: lost: 127.0.0.2: " in text
    assert "3 documents in fleet; 1 host lost" in text
