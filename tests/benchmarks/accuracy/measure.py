"""Measures what one change of the environment does to a result, as the rows of `pairs/` say it.

    python -m tests.benchmarks.accuracy.measure --pair ID [--pair ID ...] [--part PART] [--runs 3]

Runs the pair's job several times on each side, compares by bits, and prints the row with what was
measured here. `--write` puts it into the part's file; without it nothing is kept, and a row that
comes out differently from the recorded one is said so on stderr.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from statistics import median
from subprocess import TimeoutExpired
from typing import NamedTuple

from tests.benchmarks.accuracy.pair import HERE, PARTS, Pair, Side, file_of, load
from tests.benchmarks.accuracy.setting import environment, run
from tests.builders.environments import NotHereError

JOB_TIMEOUT_S = 240.0
"""Jobs take half a minute at most; one that is not done by then has stopped for good, unless the
machine is busy: then `--timeout` gives it longer.
"""
FAR = 0.01
"""A first-epoch loss further apart than this, relatively, is another run and not rounding."""


class Result(NamedTuple):
    """What the runs of a job on one side came to; `digest` is None when the job failed."""

    digest: str | None
    losses: tuple[float, ...]
    values: Mapping[str, float]
    sections: Mapping[str, str]
    repeats_itself: bool | None


class Effect(NamedTuple):
    """What lies between the results of the two sides."""

    measured: str
    first_epoch_rel_loss_diff: float | None
    max_rel_loss_diff: float | None
    repeats_itself: bool | None
    sections: tuple[str, ...]
    """Those that differ."""


def main() -> None:
    """Measure the pairs that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pair", action="append", default=[], metavar="ID")
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=JOB_TIMEOUT_S, metavar="SECONDS")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    pairs = [p for p in load() if p.id in options.pair or p.part == options.part]
    if not pairs or set(options.pair) - {pair.id for pair in pairs}:
        parser.error("name pairs of pairs/*.jsonl by --pair or --part")
    if foreign := [pair for pair in pairs if not pair.is_ours]:
        parser.error(f"the job of {foreign[0].id} ({foreign[0].job}) is not in jobs/")
    for pair in pairs:
        try:
            effect = measure(pair, options.runs, options.timeout)
        except NotHereError as lack:
            print(f"{pair.id}: {lack}", file=sys.stderr)
            continue
        row = {"id": pair.id, **effect._asdict(), "runs": options.runs}
        print(json.dumps(row), flush=True)
        if pair.measured not in (None, effect.measured):
            print(f"{pair.id}: recorded as {pair.measured}", file=sys.stderr)
        if options.write:
            _write(pair, row)


def measure(pair: Pair, runs: int, timeout_s: float = JOB_TIMEOUT_S) -> Effect:
    """What the change does here. Raises `NotHereError` when a side cannot be set up."""
    sides = (pair.before, pair.after)
    before, after = (result_of(side, pair.job, runs, timeout_s) for side in sides)
    if before.digest is None:
        raise NotHereError(f"{pair.job} does not run on the side before")
    if not before.repeats_itself:
        print(f"{pair.id}: the side before does not repeat itself", file=sys.stderr)
    if after.digest is None:
        return Effect("breaks", None, None, None, ())
    names = sorted(before.sections.keys() & after.sections.keys())
    if before.sections and not names:
        raise NotHereError(f"{pair.job} computes nothing on both sides: there is no comparing them")
    differ = tuple(name for name in names if before.sections[name] != after.sections[name])
    losses = [_apart(*both) for both in zip(before.losses, after.losses, strict=True)]
    first = losses[:1] or _sections_apart(before, after, differ)
    if before.digest == after.digest:
        measured = "none"
    else:
        measured = "diverges" if max(first, default=0.0) > FAR else "numeric"
    largest = max(losses or first, default=0.0)
    return Effect(measured, max(first, default=0.0), largest, after.repeats_itself, differ)


@cache
def result_of(side: Side, job: str, runs: int, timeout_s: float = JOB_TIMEOUT_S) -> Result:
    """What `runs` runs of a job give on one side."""
    found = []
    with environment(side) as python:
        for _ in range(runs):
            answer = _answer(side, python, job, timeout_s)
            if answer is None:
                return Result(None, (), {}, {}, None)
            found.append(answer)
    return Result(
        digest=found[0]["digest"],
        losses=tuple(found[0].get("losses", ())),
        values=found[0].get("values", {}),
        sections=found[0].get("sections", {}),
        repeats_itself=len({answer["digest"] for answer in found}) == 1,
    )


def _answer(side: Side, python: str, job: str, timeout_s: float) -> dict | None:
    if lacking := [v for n, v in side.env if n == "LD_PRELOAD" and not _exists(v)]:
        raise NotHereError(f"there is no {lacking[0]} here")
    try:
        done = run(side, [python, str(HERE / "jobs" / f"{job}.py")], timeout_s)
    except TimeoutExpired:
        print(f"{job} was not done after {timeout_s:.0f} seconds", file=sys.stderr)
        return None
    if done.returncode:
        print(f"{job} failed: {done.stderr.strip()[-300:]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def _exists(library: str) -> bool:
    return any(Path("/usr/lib").glob(f"*/{library}"))


def _sections_apart(before: Result, after: Result, differ: Collection[str]) -> list[float]:
    """How far apart the results of a job that does not train are: that of the middle section.

    Not the furthest one: a single eigenvector's sign or a cluster's number amplifies rounding
    without bound.
    """
    apart = [_apart(before.values[name], after.values[name]) for name in differ]
    return [median(apart)] if apart else []


def _apart(before: float, after: float) -> float:
    """The relative difference; infinite when only one of the two is a number."""
    if math.isnan(before) or math.isnan(after):
        return 0.0 if math.isnan(before) and math.isnan(after) else math.inf
    return abs(after - before) / max(abs(before), abs(after), 1e-300)


def _write(pair: Pair, row: Mapping[str, object]) -> None:
    """Put what was measured into the pair's line of its file."""
    place = file_of(pair.part)
    rows = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
    kept = {key: value for key, value in row.items() if key in Pair._fields}
    lines = [
        json.dumps({**r, **kept} if r["id"] == pair.id else r, ensure_ascii=False) for r in rows
    ]
    place.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
