"""Judges one recorded machine, or two: `python -m tests.hosts.judge AFTER.json [options]`.

Captures each file, which is a host.json as README.md beside this describes it, judges the machine
(with `--before`, what changed since) and prints the JSON report.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from envprint.collectors._runner import capture
from envprint.core.fingerprint import Fingerprint
from envprint.core.workload import FRAMEWORKS, detect
from envprint.judging.policy.model import Policy
from envprint.machine.recorded import RecordedHost
from envprint.outputs.formats.json import render
from tests.builders.judged import judge_drift, judge_state


def captured(answers: dict[str, Any], label: str | None = None) -> Fingerprint:
    """A capture of the machine that gives these answers."""
    return capture(RecordedHost(answers), label=label)


def report(
    after: Fingerprint,
    before: Fingerprint | None = None,
    frameworks: Sequence[str] = (),
    device: str | None = None,
) -> str:
    """The JSON report: a pre-flight of `after`, or what changed since `before`."""
    workload = detect(after, before, frameworks=frameworks, device=device)
    if before is None:
        return render(judge_state(after, None, workload, Policy()))
    return render(judge_drift(before, after, workload, Policy()))


def main(argv: list[str] | None = None) -> int:
    """Print one report; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.hosts.judge", description=__doc__)
    parser.add_argument("after", type=_recorded, metavar="AFTER.json")
    parser.add_argument("--before", type=_recorded, metavar="BEFORE.json")
    parser.add_argument("--framework", action="append", default=[], choices=FRAMEWORKS)
    parser.add_argument("--device", choices=("cpu", "gpu"))
    options = parser.parse_args(argv)
    text = report(options.after, options.before, options.framework, options.device)
    sys.stdout.write(text)
    return 0


def _recorded(path: str) -> Fingerprint:
    """The capture of a recorded machine, labelled with its file's name."""
    try:
        answers = json.loads(Path(path).read_text(encoding="utf-8"))["answers"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise argparse.ArgumentTypeError(f"{path} is no recorded machine: {error!r}") from None
    return captured(answers, Path(path).stem)


if __name__ == "__main__":
    raise SystemExit(main())
