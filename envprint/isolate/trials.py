"""Runs the job with some differences switched, each time in a fresh copy of its directory."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Collection

from envprint.core.errors import EnvprintError
from envprint.core.fingerprint import Fingerprint
from envprint.core.isolation import AFFINITY, Plan
from envprint.core.typed import Any, NamedTuple
from envprint.isolate import contents_program, probe_job, workspace
from envprint.isolate.code_switch import Codes
from envprint.isolate.guard import Order
from envprint.isolate.results import NoResult, Result, Selector, failure, read, reason_of
from envprint.isolate.running import Ended, run
from envprint.isolate.snapshots import Snapshots
from envprint.isolate.variables import variables_of
from envprint.machine.os_calls import cpus

READ_S = 600.0
"""Seconds for the job's own library to read a result."""
_PRIVATE = {
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "TRITON_CACHE_DIR": "triton",
    "MPLCONFIGDIR": "matplotlib",
}
"""Variables that name a directory in which a later trial would find what an earlier one wrote."""


class Place(NamedTuple):
    """An environment to run in."""

    python: str
    prefix: str


class NotBuiltError(EnvprintError):
    """The environment of a trial cannot be built."""


class Job(NamedTuple):
    """What is run, and where its result is."""

    command: tuple[str, ...]
    selector: Selector
    directory: str
    is_in_place: bool = False
    codes: Codes = Codes()


class Ran(NamedTuple):
    """A result, or why there is none."""

    result: Result | None
    seconds: float
    reason: str = ""
    is_built: bool = True


PlaceOf = Callable[[Collection[str]], Place]


class Trials:
    """Runs sets of switches; `work` is a directory for this search alone."""

    def __init__(
        self,
        job: Job,
        plan: Plan,
        sides: tuple[Fingerprint, Fingerprint],
        place_of: PlaceOf,
        work: str,
    ) -> None:
        self._job = job
        self._plan = plan
        self._sides = sides
        self.place_of = place_of
        self._work = work
        self._cpus = sorted(cpus())
        self._before: dict[str, workspace.Stamp] = {}
        self.snapshots: Snapshots | None = None
        """The directory to copy for each trial; None in place."""
        self._shared = workspace.shared_places(job.directory, job.command)
        self._is_first = True
        self.deadline_s: float | None = None
        """When the search must end, by the monotonic clock."""
        self.longest_s = 0.0
        """The longest run of an end; a trial that takes much longer hangs."""
        if job.is_in_place:
            self._before = workspace.listing(job.directory)
            self._refuse_old_result()
        else:
            self.snapshots = Snapshots(job.directory, work, job.selector.path, job.codes)

    def variables(self, switched: Collection[str], place: Place) -> dict[str, str]:
        """The variables of a trial as the record has them."""
        return variables_of(self._plan, switched, self._sides, place.prefix, os.environ)

    def cpus(self, switched: Collection[str]) -> list[int] | None:
        """The processors that a trial may use; None for all of them."""
        switch = next((one for one in self._plan.switches if one.kind == AFFINITY), None)
        if switch is None:
            return None
        count = switch.after if switch.name in switched else switch.before
        return self._cpus[:count]

    def run(self, switched: Collection[str]) -> Ran:
        """Run the job once. Raises `EnvprintError` if no further trial would be worth anything."""
        try:
            place = self.place_of(switched)
        except NotBuiltError as error:
            return Ran(None, 0.0, str(error), is_built=False)
        directory = self._directory(switched)
        before = self._result_stamp(directory)
        begun_ns = time.time_ns()
        ended = run(self._order(switched, place, directory))
        self._check_traces(begun_ns)
        if ended.is_late:
            return Ran(None, ended.seconds, f"it was still running after {ended.seconds:.0f} s")
        found = self._result(ended, directory, before)
        if self._job.is_in_place and self._job.selector.path:
            _remove(os.path.join(directory, self._job.selector.path))
        return found

    def _order(self, switched: Collection[str], place: Place, directory: str) -> Order:
        variables = self.variables(switched, place)
        private = os.path.join(self._work, "private")
        shutil.rmtree(private, ignore_errors=True)
        variables["PWD"] = directory
        if own := [os.path.join(directory, one) for one in self._job.codes.imported]:
            # Before what the environment adds: an editable installation of the original.
            given = variables.get("PYTHONPATH")
            variables["PYTHONPATH"] = os.pathsep.join([*own, *([given] if given else [])])
        for name, folder in {**_PRIVATE, "TMPDIR": "tmp"}.items():
            if name not in variables or name == "TMPDIR":
                variables[name] = os.path.join(private, folder)
                os.makedirs(variables[name])
        return Order(
            argv=list(self._job.command),
            directory=directory,
            variables=variables,
            cpus=self.cpus(switched),
            limit_s=self._limit_s(),
            out=self._file("stdout"),
            err=self._file("stderr"),
        )

    def _limit_s(self) -> float | None:
        left = None if self.deadline_s is None else max(1.0, self.deadline_s - time.monotonic())
        if not self.longest_s:
            return left
        usual = 60.0 + 10 * self.longest_s
        return usual if left is None else min(usual, left)

    def _directory(self, switched: Collection[str]) -> str:
        """Where the next trial runs."""
        return self.snapshots.fresh(switched) if self.snapshots else self._job.directory

    def _file(self, name: str) -> str:
        return os.path.join(self._work, name)

    def _result_stamp(self, directory: str) -> Any:
        """What shows whether a trial has written its result; None if there is no file yet."""
        if self._job.selector.path is None:
            return None
        path = os.path.join(directory, self._job.selector.path)
        return workspace.listing(path) or _stamp_of(path)

    def _result(self, ended: Ended, directory: str, before: Any) -> Ran:
        with open(self._file("stderr"), encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            stderr = file.read()
        if ended.code:
            result = failure(ended.code, stderr)
            return Ran(result, ended.seconds, reason_of(ended.code, stderr))
        path = self._job.selector.path
        if path and before is not None and self._result_stamp(directory) == before:
            return Ran(None, ended.seconds, f"it ended without writing {path}, which was there")
        try:
            result = self._read(directory)
        except NoResult as error:
            return Ran(None, ended.seconds, str(error))
        return Ran(result, ended.seconds)

    def _read(self, directory: str) -> Result:
        out = self._file("stdout")
        if self._job.selector.is_probe:
            return probe_job.read(out)
        return read(self._job.selector, directory, out, self._read_by_library)

    def _read_by_library(self, path: str) -> list[dict[str, Any]]:
        """What a file holds, read by BASELINE's library, else by CURRENT's: one for all trials."""
        reasons = []
        for switched in ((), [one.name for one in self._plan.switches]):
            place = self.place_of(switched)
            out, err = self._file("read"), self._file("read-errors")
            argv = [place.python, contents_program.__file__, path]
            variables = self.variables(switched, place)
            ended = run(Order(argv, self._work, variables, None, READ_S, out, err))
            if ended.code == 0:
                with open(out, encoding="utf-8") as file:  # noqa: PTH123
                    found: list[dict[str, Any]] = json.loads(file.read().splitlines()[-1])
                return found
            with open(err, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
                reasons.append(reason_of(ended.code, file.read()))
        raise EnvprintError(f"the result {os.path.basename(path)} cannot be read: {reasons[-1]}")

    def _refuse_old_result(self) -> None:
        path = self._job.selector.path
        if path and os.path.lexists(os.path.join(self._job.directory, path)):
            raise EnvprintError(
                f"{path} is there already, and with --in-place a trial could not be told from what "
                "wrote it: move it away first, or leave out --in-place"
            )

    def _check_traces(self, begun_ns: int) -> None:
        """Raises `EnvprintError` if the next trial would find what this one has written."""
        if self.snapshots:
            self.snapshots.check()
        if not self._is_first:
            return
        self._is_first = False
        written = list(workspace.written_since(self._shared, begun_ns))
        if self.snapshots is None:
            after = workspace.listing(self._job.directory)
            result = os.path.join(self._job.directory, self._job.selector.path or "\0")
            written += [
                os.path.relpath(path, self._job.directory)
                for path, stamp in after.items()
                if self._before.get(path) != stamp and not f"{path}/".startswith(f"{result}/")
            ]
        if written:
            advice = (
                "leave out --in-place, so that each trial has a fresh copy of the directory"
                if self.snapshots is None
                else "let the job write below its working directory, of which each trial has a copy"
            )
            raise EnvprintError(
                f"the job wrote {written[0]}, and the next trial would find it and could resume "
                f"from it: {advice}"
            )


def _stamp_of(path: str) -> Any:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
