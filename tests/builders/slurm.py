"""A Slurm of virtual nodes on this machine, without munge, for as long as it is tried."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

COMMANDS = ("slurmctld", "slurmd", "sbatch", "srun", "sinfo")
PLACES = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
START_S = 30.0
CONFIGURATION = """\
ClusterName=recipes
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
{nodes}
PartitionName=all Nodes=ALL Default=YES
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1"


def missing() -> list[str]:
    """Which commands of Slurm are not installed."""
    return [name for name in COMMANDS if shutil.which(name, path=PLACES) is None]


class Cluster:
    """Runs from `start` until the stack is closed; `environ` leads Slurm's commands to it."""

    def __init__(self, folder: Path, count: int = 2) -> None:
        self.folder = folder
        self.nodes = [f"node{number}" for number in range(count)]
        self.environ = {"SLURM_CONF": str(folder / "slurm.conf")}
        (folder / "state").mkdir()
        controller, *ports = free_ports(1 + count)
        host = socket.gethostname().partition(".")[0]
        lines = [
            NODE.format(name=name, host=host, port=port)
            for name, port in zip(self.nodes, ports, strict=True)
        ]
        text = CONFIGURATION.format(
            host=host,
            user=pwd.getpwuid(os.getuid()).pw_name,
            folder=folder,
            controller=controller,
            nodes="\n".join(lines),
        )
        (folder / "slurm.conf").write_text(text)

    def start(self, stack: ExitStack) -> str | None:
        """Why it did not start, if so."""
        self._daemon(stack, "slurmctld", "-D")
        for node in self.nodes:
            self._daemon(stack, "slurmd", "-D", "-N", node)
        until = time.monotonic() + START_S
        while (states := self._states()) != ["idle"] * len(self.nodes):
            if time.monotonic() > until:
                logs = "".join(path.read_text()[-500:] for path in self.folder.glob("*.log"))
                return f"nodes are {states}; {logs}"
            time.sleep(0.2)
        return None

    def _daemon(self, stack: ExitStack, name: str, *arguments: str) -> None:
        path = shutil.which(name, path=PLACES)
        assert path
        log = stack.enter_context((self.folder / f"{name}{arguments[-1]}.log").open("w"))
        process = subprocess.Popen(
            [path, *arguments], stdout=log, stderr=log, env={**os.environ, **self.environ}
        )
        stack.callback(process.wait, 60)
        stack.callback(process.terminate)

    def _states(self) -> list[str]:
        done = subprocess.run(
            ["sinfo", "--noheader", "--Node", "--format=%T"],
            capture_output=True,
            text=True,
            env={**os.environ, **self.environ},
            timeout=60,
            check=False,
        )
        return done.stdout.split()


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
