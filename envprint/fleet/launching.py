"""A launcher starts a process on each host; the first one of a host captures it.

    srun -N3 --ntasks-per-node=1    mpiexec -n 4    torchrun --nproc-per-node 2

The documents go through a directory that all hosts see, as those jobs have one anyway. Each process
first says that it is there, so that one that is lost in the middle is known by its name.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from envprint.core.errors import EnvprintError, OutputError
from envprint.core.report import counted
from envprint.core.typed import Any, NamedTuple
from envprint.documents.storage import LocalFolder
from envprint.fleet.hosts import Captured, Gathered, Host, Lost, keep, this_host
from envprint.knowledge.launchers import process_of
from envprint.machine.child_groups import Command, Ended, run_beside
from envprint.machine.files import TakenError, reason
from envprint.machine.os_calls import is_program, on_path

MEMBER = "envprint.cli._fleet_member"
"""The module that every process runs."""
PROGRAMS = {"torchrun": ("--no-python",)}
"""Launchers that start a script of Python unless an option says otherwise.

https://docs.pytorch.org/docs/stable/elastic/run.html
"""
LENIENT = {"SLURM_KILL_BAD_EXIT": "0"}
"""So that a site's KillOnBadExit does not end all tasks with the first that is lost."""
SETTLE_S = 2.0
"""How long a file of another host may take to be seen here after its writer has ended."""


class Plan(NamedTuple):
    """What every process is to do."""

    options: Sequence[str]
    """Of `envprint capture`."""
    timeout_s: float


class Process(NamedTuple):
    """What a process says when it begins."""

    host: Host
    rank: int | None
    size: int | None


class Meeting:
    """The directory through which the processes of one gather hand over."""

    def __init__(self, place: str) -> None:
        self._folder = LocalFolder(place, lambda text: None)
        self.place = place

    def open(self, plan: Plan) -> None:
        """Raises `OutputError`."""
        try:
            self._folder.write("plan", json.dumps(plan._asdict()).encode("ascii"))
        except OSError as error:
            raise OutputError(f"cannot write {self.place}: {reason(error)}") from None

    def plan(self) -> Plan:
        """Raises `EnvprintError` on a host that does not see the directory."""
        try:
            return Plan(**json.loads(self._folder.read("plan")))
        except (OSError, ValueError, TypeError):
            where = os.path.dirname(self.place)
            raise EnvprintError(
                f"{where} on {this_host().name} is not what it is where the gather was started; "
                "name a directory that all hosts share"
            ) from None

    def begin(self, process: Process) -> bool:
        """Say that this process is there; whether it is the first one of its host."""
        key = process.host.key
        said = json.dumps((process.host, process.rank, process.size)).encode("ascii")
        self._folder.write(f"begun-{key}-{os.urandom(6).hex()}", said)
        try:
            self._folder.create(f"first-{key}", said)
        except TakenError:
            return False
        return True

    def end(self, captured: Captured) -> None:
        """Hand over."""
        content = json.dumps(captured._replace(host=captured.host)).encode("ascii")
        self._folder.write(f"ended-{captured.host.key}", content)

    def begun(self) -> list[Process]:
        """The processes that have begun."""
        found = [self._read(name) for name in self._names("begun-")]
        return [Process(Host(*host), rank, size) for host, rank, size in filter(None, found)]

    def captured(self) -> list[Captured]:
        """What has been handed over."""
        found = [self._read(name) for name in self._names("ended-")]
        return [Captured(Host(*host), *rest) for host, *rest in filter(None, found)]

    def close(self) -> None:
        """Remove it."""
        with suppress(OSError):
            for name in self._names(""):
                self._folder.remove(name)
            os.rmdir(self.place)

    def _names(self, prefix: str) -> list[str]:
        with suppress(OSError):
            return [name for name in self._folder.names("") if name.startswith(prefix)]
        return []

    def _read(self, name: str) -> Any:
        with suppress(OSError, ValueError):
            return json.loads(self._folder.read(name))
        return None


def member(place: str) -> tuple[Meeting, Plan, Host | None]:
    """What a process of the launcher has to do; the host is None where another process does it."""
    meeting = Meeting(place)
    plan = meeting.plan()
    host = this_host()
    process = process_of(os.environ)
    rank, size = (process.rank, process.size) if process else (None, None)
    is_first = meeting.begin(Process(host, rank, size))
    return meeting, plan, host if is_first else None


def gather_by(
    launcher: Sequence[str], directory: str, plan: Plan, variables: Mapping[str, str]
) -> Gathered:
    """One capture per host that the launcher reaches. Raises `EnvprintError`."""
    program = _program(launcher[0], variables)
    meeting = Meeting(os.path.join(os.path.abspath(directory), f".gather-{os.urandom(6).hex()}"))
    meeting.open(plan)
    words = [program, *launcher[1:], *PROGRAMS.get(os.path.basename(program), ())]
    command = Command(
        "gather", [*words, sys.executable, "-m", MEMBER, meeting.place], {**LENIENT, **variables}
    )
    ended: list[Ended] = []
    try:
        run_beside([command], 1, plan.timeout_s, ended.append)
        return _kept(meeting, directory, ended[0], plan)
    except OSError as error:
        raise EnvprintError(f"{launcher[0]}: {reason(error)}") from None
    finally:
        meeting.close()


def _program(name: str, variables: Mapping[str, str]) -> str:
    found = name if os.path.dirname(name) else next(on_path(name, variables), "")
    if not is_program(found):
        raise EnvprintError(
            f"{name}: no such program on PATH; expected a launcher, such as srun, mpiexec or "
            "torchrun with its options, or ray or dask with an address"
        )
    return found


def _kept(meeting: Meeting, directory: str, ended: Ended, plan: Plan) -> Gathered:
    how = _how_in_short(ended, plan)
    lost = list(_lost(meeting, how))
    if lost:
        time.sleep(SETTLE_S)
        lost = list(_lost(meeting, how))
    found = meeting.captured()
    if not found and not lost:
        raise EnvprintError(f"no host was reached: {_how(ended, plan)}")
    return keep(directory, found, lost)


def _lost(meeting: Meeting, how: str) -> Iterator[Lost]:
    """Hosts that began and did not end, and processes that did not begin."""
    begun = meeting.begun()
    done = {captured.host.key for captured in meeting.captured()}
    hosts = {process.host.key: process.host for process in begun}
    more = f" ({how})" if how else ""
    for key, host in hosts.items():
        if key not in done:
            yield Lost(host.name, f"began and did not end{more}")
    size = max((process.size or 0 for process in begun), default=0)
    ranks = {process.rank for process in begun}
    absent = [rank for rank in range(size) if rank not in ranks]
    if absent:
        numbers = ", ".join(map(str, absent[:8])) + (", …" if len(absent) > 8 else "")
        yield Lost(f"rank {numbers}", f"of {counted(range(size), 'rank')}, did not begin{more}")


def _how_in_short(ended: Ended, plan: Plan) -> str:
    """What the launcher says of an error, and that its time was over."""
    over = f"{plan.timeout_s:g} s are over" if ended.code is None else ""
    return ": ".join(filter(None, (over, _line(ended.err))))


def _how(ended: Ended, plan: Plan) -> str:
    """How a launcher ended, in words; its last line if it has one."""
    said = _line(ended.err or ended.out)
    code = f"exit code {ended.code}" if ended.code is not None else f"{plan.timeout_s:g} s are over"
    return f"{code}: {said}" if said else code


# srun: error: node1: task 1: Killed
# srun: Force Terminated StepId=1.0
def _line(printed: bytes) -> str:
    """The first line that speaks of an error, else the last one."""
    lines = printed.decode("utf-8", "replace").strip().splitlines()
    return next((line for line in lines if "error" in line.lower()), (lines or [""])[-1])[:300]
