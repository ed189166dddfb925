"""`envprint diff`: judge what the differences between two fingerprints do."""

from __future__ import annotations

import argparse

from envprint.cli._capture_options import SOURCE, add_capture_options, load, located
from envprint.cli._console import Console
from envprint.cli._judge_options import (
    EXIT_CODES,
    add_judging_options,
    add_remedy_option,
    context_of,
    present,
    request_of,
    with_way_back,
)
from envprint.documents.inputs import NOW

HELP = "compare two fingerprints and judge the effect on a training result"
EPILOG = f"""\
example:
  envprint diff before.json now --framework tensorflow --fail-on diverges
  envprint diff before.json now --remedy > back.sh

{EXIT_CODES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument("baseline", metavar="BASELINE", help=SOURCE)
    parser.add_argument(
        "current", metavar="CURRENT", help="a second fingerprint; now captures first"
    )
    add_judging_options(parser)
    add_remedy_option(parser)
    add_capture_options(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Load, judge, print."""
    context = context_of(request_of(options), console)
    baseline = load(options.baseline, options, console)
    current = load(options.current, options, console)
    if options.current == NOW:
        baseline = located(baseline)
    report = with_way_back(context.drift(baseline, current), baseline, current, options)
    return present(report, context, options, console)
