"""`envprint recreate`: as near to a recorded environment as this machine allows."""

from __future__ import annotations

import argparse
import os

from envprint.cli._capture_options import SOURCE, add_capture_options, capture_now, load
from envprint.cli._console import Console
from envprint.cli._judge_options import (
    add_judging_options,
    context_of,
    request_of,
    warn_of_undecided,
    write,
)
from envprint.cli._progress_bar import Waiting
from envprint.core.text import block

HELP = "recreate a recorded environment, and judge what stays different"
EPILOG = """\
example:
  envprint recreate @last-good -o as-before --venv as-before/venv
  as-before/run.sh python train.py

exit codes:
  0  nothing is left that reaches --fail-on (default: numeric)
  1  something is
  2  could not do the job: unreadable input, no such Python, an index that does
     not answer, unwritable output
"""
FOLDER = "recreated"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument("source", metavar="REF", help=SOURCE)
    parser.add_argument(
        "-o",
        "--output",
        dest="folder",
        metavar="DIR",
        default=FOLDER,
        help="write requirements, variables, launcher and Dockerfile here (default: %(default)s)",
    )
    parser.add_argument(
        "--venv",
        metavar="DIR",
        help="build the environment here, with uv or pip; without this, only the machine is judged",
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="take repositories, addresses and paths to code from the record",
    )
    add_judging_options(parser, to_file=False)
    add_capture_options(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Load, build, write, capture what came of it, judge the rest."""
    from envprint.isolate import files
    from envprint.isolate.account import account, recreated
    from envprint.isolate.recreation import capture_made, forecast, make, parts_of
    from envprint.outputs.formats.json import render

    context = context_of(request_of(options), console)
    recorded = load(options.source, options, console)
    parts = parts_of(recorded, trust=options.trust)
    here = capture_now(options, console)
    with Waiting(console, "recreating") as waiting:

        def tell(what: str) -> None:
            waiting.begin(what)
            console.log(what)

        made = make(parts, here, options.folder, options.venv, tell, count=waiting.count)
        result = capture_made(made, tell) if made.built else forecast(recorded, here, made.caps)
    report = context.drift(recorded, result)._replace(recreated=recreated(made))
    console.emit(render(report), os.path.join(made.folder, files.REPORT))
    lines = [line for topic, text in account(made) for line in block(topic, text)]
    said = "\n".join(lines) + "\n"
    if options.format == "text":
        console.emit(f"{said}\n")
    else:
        console.show(said)
        warn_of_undecided(report, context, console)
    write(report, context, options, console)
    return 1 if report.reaching(context.policy.fail_on, context.request.strict) else 0
