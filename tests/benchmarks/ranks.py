"""Measures `envprint.fleet.check`: two ranks really, and as many as named in one process.

    python -m tests.benchmarks.ranks [SIZE…]

The two are processes with files between them. Of the others each answers with a document made
beforehand, so that what is left is what rank 0 and the way of the messages cost.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from envprint.api import Question
from envprint.documents.codec import loads, to_json
from envprint.fleet.checking import check_in, opening_with
from envprint.fleet.ranks import Roles
from tests.builders.fleets import member, recorded

SIZES, REPEATS = (1_024,), 5
RANK = """
import json, sys, time
import envprint
begun = time.perf_counter()
if sys.argv[1] == "alone":
    envprint.check(fail_on="breaks")
else:
    base = "majority" if sys.argv[1] == "majority" else None
    envprint.fleet.check(base, fail_on="breaks", directory=sys.argv[2])
print(time.perf_counter() - begun)
"""


def seconds(kind: str, ranks: int) -> float:
    """How long a check takes in the slowest of so many processes that start at once."""
    with tempfile.TemporaryDirectory() as folder:
        started = [
            subprocess.Popen(
                [sys.executable, "-c", RANK, kind, folder],
                env={**os.environ, "FLUX_TASK_RANK": str(rank), "FLUX_JOB_SIZE": str(ranks),
                     "FLUX_JOB_ID": "f1"},
                stdout=subprocess.PIPE,
            )
            for rank in range(ranks)
        ]  # fmt: skip
        return max(float(one.communicate()[0]) for one in started)


class Made:
    """A group seen by rank 0, of which the others have answered already."""

    rank, through, outlives_jobs = 0, "memory", False

    def __init__(self, size: int, document: str) -> None:
        self.size, self._document = size, document

    def send(self, kind: str, content: bytes) -> None:
        """Nobody is there to hear it."""

    def receive(self, kind: str, sender: int, deadline: float) -> bytes | None:
        """An answer with the document of that rank."""
        text = self._document.replace("RANK", str(sender)) if self._document else ""
        return json.dumps({"host": f"node{sender // 8}", "document": text}).encode()

    def close(self, *, is_complete: bool) -> None:
        """Nothing is left."""


def lead(size: int, *, is_majority: bool) -> float:
    """The seconds of CPU that rank 0 spends."""
    base = member(recorded("debian12-cpu-vm"), tags={"rank": "RANK"})
    now = loads(to_json({**base, "tags": {}}).encode(), "made")
    group = Made(size, to_json(base) if is_majority else "")
    begun = time.process_time()
    check_in(
        group, Question(fail_on="breaks"), lambda: opening_with(None), lambda: now,
        timeout_s=600, roles=Roles((), is_majority),
    )  # fmt: skip
    return time.process_time() - begun


def main() -> None:
    """Measure, and print a table."""
    print("| ranks | check | time |\n|---|---|---|")
    for kind, ranks in (("alone", 1), ("alone", 2), ("each", 2), ("majority", 2)):
        found = statistics.median(seconds(kind, ranks) for _ in range(REPEATS))
        print(f"| {ranks} | {kind} | {found:.2f} s |")
    for size in map(int, sys.argv[1:] or SIZES):
        for is_majority in (False, True):
            kind = "majority" if is_majority else "each"
            print(
                f"| {size:,} made | {kind} | {lead(size, is_majority=is_majority):.2f} s of CPU |"
            )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nmemory of rank 0 with the made ones: {memory:.0f} MiB")


if __name__ == "__main__":
    main()
