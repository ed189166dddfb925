"""How often the verdict is right: captures both sides of every pair for real, and judges them.

    python -m tests.benchmarks.accuracy.score [--part holdout] [--pair ID ...] [--write]

Prints each pair's measured class beside the verdict, and for each part of the data the figures:
misses (verdict below what was measured), over-warnings (above it), exact, and how often what is
named first is the true cause. `--write` keeps the verdicts in `verdicts.json` and makes
docs/accuracy.md of them; with `--part` it renews these parts and leaves the others.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import envprint
from envprint.core.fingerprint import Fingerprint
from envprint.core.report import Report
from tests.benchmarks.accuracy import published
from tests.benchmarks.accuracy.cause import is_cause_first
from tests.benchmarks.accuracy.page import keep
from tests.benchmarks.accuracy.pair import PARTS, Pair, Side, load
from tests.benchmarks.accuracy.published import Case
from tests.benchmarks.accuracy.setting import environment, need_processor, run
from tests.benchmarks.accuracy.verdict import PUBLISHED, Verdict, table, tallies
from tests.builders.environments import NotHereError

CAPTURE_TIMEOUT_S = 120.0


def main() -> None:
    """Score what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", action="append", choices=(*PARTS, PUBLISHED))
    parser.add_argument("--pair", action="append", metavar="ID")
    parser.add_argument("--write", action="store_true", help="keep the verdicts, make the page")
    options = parser.parse_args()
    if options.write and options.pair:
        parser.error("--write keeps whole parts: leave --pair away")
    parts, verdicts = options.part or (*PARTS, PUBLISHED), []
    for verdict in score(parts, options.pair):
        verdicts.append(verdict)
        print(table([verdict]), flush=True)
    print("\n".join(str(tally) for tally in tallies(verdicts)))
    if options.write:
        keep(verdicts, parts, time.strftime("%Y-%m-%d", time.gmtime()))


def score(parts: Collection[str], ids: Collection[str] | None = None) -> Iterator[Verdict]:
    """The verdict on every pair of these parts that can be set up here."""
    wanted = (pair for pair in load() if pair.part in parts and (not ids or pair.id in ids))
    chosen = [pair for pair in wanted if _holds_here(pair)]
    fingerprints = captured(side for pair in chosen for side in (pair.before, pair.after))
    for pair in chosen:
        before, after = fingerprints[pair.before], fingerprints[pair.after]
        if isinstance(before, Fingerprint) and isinstance(after, Fingerprint):
            yield verdict_on(pair, before, after)
        else:
            lack = after if isinstance(before, Fingerprint) else before
            print(f"{pair.id}: {lack}", file=sys.stderr)
    if PUBLISHED in parts:
        cases = [case for case in published.load() if not ids or case.id in ids]
        yield from map(verdict_on_published, cases)


def _holds_here(pair: Pair) -> bool:
    try:
        need_processor(pair)
    except NotHereError as lack:
        print(f"{pair.id}: {lack}", file=sys.stderr)
        return False
    return True


def captured(sides: Iterable[Side]) -> dict[Side, Fingerprint | NotHereError]:
    """Each side's fingerprint, or what this machine lacks; one environment after another."""
    by_environment: dict[tuple[str, str], set[Side]] = {}
    for side in sides:
        by_environment.setdefault((side.python, side.requirements), set()).add(side)
    found: dict[Side, Fingerprint | NotHereError] = {}
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        for captures in workers.map(_captured_in_one, by_environment.values()):
            found.update(captures)
    return found


def _captured_in_one(sides: Collection[Side]) -> dict[Side, Fingerprint | NotHereError]:
    """The captures of sides that share an environment, which is then thrown away."""
    try:
        with environment(next(iter(sides))) as python:
            return {side: _capture_or_lack(side, python) for side in sides}
    except NotHereError as lack:
        return dict.fromkeys(sides, lack)


def _capture_or_lack(side: Side, python: str) -> Fingerprint | NotHereError:
    try:
        return capture(side, python)
    except NotHereError as lack:
        return lack


def capture(side: Side, python: str) -> Fingerprint:
    """A side's fingerprint, by the command line in a process. Raises `NotHereError`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fingerprint.json"
        command = [sys.executable, "-m", "envprint", "capture", "--python", python, "-o", str(file)]
        done = run(side, command, CAPTURE_TIMEOUT_S)
        if done.returncode:
            raise RuntimeError(f"capture failed: {done.stderr.strip()}")
        return envprint.load(file)


def verdict_on(pair: Pair, before: Fingerprint, after: Fingerprint) -> Verdict:
    """Judge what lies between the two sides."""
    report = envprint.diff(before, after, frameworks=pair.used, device=pair.device)
    return _verdict(pair.part, pair, report, pair.causes)


def verdict_on_published(case: published.Case) -> Verdict:
    """Judge a published case as an edited recording."""
    return _verdict(PUBLISHED, case, published.judged(case))


def _verdict(part: str, row: Pair | Case, report: Report, causes: Collection[str] = ()) -> Verdict:
    return Verdict(
        part=part,
        id=row.id,
        measured=row.measured,
        forecast=report.impact.word,
        rules=tuple(dict.fromkeys(finding.rule for finding in report.findings)),
        is_conditional=row.conditional is not None,
        is_mentioned=_is_mentioned(report),
        unjudged=tuple(entry.name for entry in report.unjudged),
        is_cause_first=is_cause_first(report, causes),
    )


def _is_mentioned(report: Report) -> bool:
    """Whether the report speaks of a cause at all: a finding, advice on a difference, a library
    that is not judged.
    """
    said = (*report.findings, *report.advice, *report.unjudged)
    return any(one.before != one.after for one in said)


if __name__ == "__main__":
    main()
