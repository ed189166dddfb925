"""`envprint fleet diff`: many fingerprints at once, and which machine is the odd one out."""

from __future__ import annotations

import argparse

from envprint.cli._console import Console
from envprint.cli._judge_options import (
    add_verdict_options,
    context_of,
    request_of,
)
from envprint.core.errors import EnvprintError, UsageError
from envprint.core.fleet import MAJORITY, Fleet
from envprint.core.report import counted
from envprint.fleet.comparing import keys_named
from envprint.fleet.diffing import Wish, compare
from envprint.judging.context import Context
from envprint.outputs import fleet as text_form
from envprint.outputs import formats
from envprint.results import FleetReport

HELP = "compare many fingerprints: groups of machines that are alike, and the odd ones"
EPILOG = """\
example:
  envprint fleet diff runs/
  envprint fleet diff 'nodes/*.json' --baseline @monday --by role
  envprint fleet diff fleet.jsonl --format json -o fleet.json

exit codes:
  0  nothing at or above --fail-on (default: numeric)
  1  at least one finding at or above it
  2  could not do the job: wrong usage, no document, unwritable output
  3  with --on-unknown fail: nothing found, but a document could not be read, a
     rule that could reach the threshold could not be decided, something was not
     judged, or nothing was checked
"""
FORMATS = ("text", "json", "markdown", "html", "csv")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="a file, a directory, a pattern, JSON Lines, a Parquet export, one saved (@NAME), or "
        "a URL",
    )
    parser.add_argument(
        "--baseline",
        default=MAJORITY,
        metavar="REF",
        help="compare with this fingerprint (default: majority, the largest group of each role)",
    )
    parser.add_argument(
        "--by",
        type=by_argument,
        default=(),
        metavar="KEYS",
        help="keep apart by role, label, tag (all of them) or tag:NAME, with commas "
        "(default: by the tag role, and rank 0)",
    )
    parser.add_argument(
        "--verify", action="store_true", help="compute the digests of every document again"
    )
    parser.add_argument(
        "--engine",
        choices=("dask", "ray"),
        help="read the documents on a cluster that runs already, whose workers see the same files",
    )
    parser.add_argument("--format", choices=FORMATS, default="text")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the report to FILE")
    _add_details(parser)
    add_verdict_options(parser)


def _add_details(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--details", choices=formats.DETAILS, help="how much a text shows (default: likely)"
    )
    for short, long, details, text in (
        ("-q", "--quiet", formats.QUIET, "print the verdict only, in one line"),
        ("-v", "--verbose", formats.ALL, "the same as --details all"),
    ):
        parser.add_argument(
            short, long, dest="details", action="store_const", const=details, help=text
        )


def by_argument(text: str) -> tuple[str, ...]:
    """An `argparse` type for what keeps members apart."""
    try:
        if keys := keys_named(text):
            return keys
        raise EnvprintError("expected role, label, tag or tag:NAME, with commas, found no key")
    except EnvprintError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _compared(options: argparse.Namespace, context: Context, wish: Wish) -> Fleet:
    if options.engine is None:
        return compare(options.sources, context, wish)
    from envprint.fleet.spreading import compare_on  # not needed on one machine

    return compare_on(options.engine, options.sources, context, wish)


def run(options: argparse.Namespace, console: Console) -> int:
    """Read, group, judge, print."""
    context = context_of(request_of(options), console)
    wish = Wish(options.baseline, options.by, options.verify)
    if options.sources.count("-") > 1:
        raise UsageError("fleet: - can be given once")
    fleet = FleetReport._make(_compared(options, context, wish))
    to_terminal = options.output in (None, "-")
    if options.format != "text":
        console.emit(fleet.to_format(options.format), options.output)
    else:
        details = options.details or (formats.LIKELY if to_terminal else formats.ALL)
        view = formats.View(
            to_terminal and console.colour(), options.strict, console.width(), details
        )
        console.emit(text_form.render(fleet, view), options.output)
    if fleet.unreadable and context.policy.on_unknown != "ignore" and options.format != "text":
        console.warn(f"{counted(fleet.unreadable, 'document')} could not be read")
    return fleet.exit_code(
        context.policy.fail_on, context.policy.on_unknown == "fail", options.strict
    )
