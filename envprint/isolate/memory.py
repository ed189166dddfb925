"""Remembers the outcome of trials, so that an interrupted search goes on.

A trial is known by what was really there: its captured environment, the variables and processors
that it was given, the command, every file of the job, where its result is, and the results of both
ends. An end that gives another result today makes everything else unknown. What did not run is not
remembered: that may have had any reason.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection

from envprint.collectors._runner import capture
from envprint.core.isolation import Outcome
from envprint.core.redact import is_recorded
from envprint.core.typed import Any, NamedTuple
from envprint.core.version import __version__
from envprint.isolate.results import Result
from envprint.isolate.trials import Job, Place, Trials
from envprint.isolate.work import cache_directory
from envprint.machine.files import read_regular, replace_file
from envprint.machine.live import LiveHost


class Remembered(NamedTuple):
    """An outcome of an earlier search."""

    outcome: Outcome
    value: str


class Memory:
    """What earlier searches have seen of this job with these ends."""

    def __init__(
        self, trials: Trials, job: Job, ends: tuple[Result, Result], tolerance: float
    ) -> None:
        self._trials = trials
        self._common = [
            __version__,
            job.command,
            job.selector.text,
            tolerance,
            [end.digest for end in ends],
        ]

    def key(self, switched: Collection[str], place: Place) -> str | None:
        """The name of a trial; None if nothing can be remembered of it."""
        snapshots = self._trials.snapshots
        if snapshots is None:
            return None
        variables = self._trials.variables(switched, place)
        recorded = {name: value for name, value in variables.items() if is_recorded(name)}
        there = capture(LiveHost(place.python, source="a trial's Python", variables=variables))
        what = [
            *self._common,
            snapshots.digest(switched),
            there.digest,
            recorded,
            self._trials.cpus(switched),
        ]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()

    def recall(self, key: str | None) -> Remembered | None:
        """What is remembered under a key."""
        if key is None:
            return None
        try:
            found: dict[str, Any] = json.loads(read_regular(_path(key)))
            return Remembered(Outcome(found["outcome"]), str(found["value"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, key: str | None, outcome: Outcome, value: str) -> None:
        """Remember an outcome, in one step. A cache that cannot be written is none."""
        if key is None or not outcome.is_result:
            return
        content = json.dumps({"outcome": outcome.value, "value": value}) + "\n"
        try:
            replace_file(_path(key), content.encode())
        except OSError:
            return


def _path(key: str) -> str:
    return os.path.join(cache_directory(), "trials", f"{key}.json")
