"""`envprint diff`: judge what the differences between two fingerprints do."""

from __future__ import annotations

import os

from envprint.cli._capture_options import SOURCE, add_capture_options, load, located
from envprint.cli._console import Console
from envprint.cli._judge_options import (
    EXIT_CODES,
    add_judging_options,
    add_public_option,
    add_remedy_option,
    context_of,
    present,
    public_form,
    request_of,
    with_way_back,
)
from envprint.core.text import block
from envprint.core.typed import TYPE_CHECKING
from envprint.documents.inputs import NOW
from envprint.outputs.formats import QUIET

if TYPE_CHECKING:
    import argparse

HELP = "compare two fingerprints and judge the effect on a training result"
EPILOG = f"""\
example:
  envprint diff before.json now --framework tensorflow --fail-on diverges
  envprint diff before.json now --remedy > back.sh
  envprint diff before.json after.json --format html -o report.html
  envprint diff before.json after.json --format markdown --public   # to post
  envprint diff @monday @last --only packages --ignore 'os-*=same image'

{EXIT_CODES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument("baseline", metavar="BASELINE", help=SOURCE)
    parser.add_argument(
        "current", metavar="CURRENT", help="a second fingerprint; now captures first"
    )
    add_judging_options(parser)
    add_public_option(parser)
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
    shown = public_form(report, options, lambda sides: context.drift(*sides))
    present(shown, context, options, console)
    if not options.public and _may_be_isolated():
        from envprint.documents.isolations import citation

        found = citation(baseline.digest, current.digest, console.warn)
        if found:
            _cite(found, options, console)
    return context.exit_code(report)


def _cite(found: str, options: argparse.Namespace, console: Console) -> None:
    """Show below a text for people what was found by running; beside anything else, on stderr."""
    is_report = options.format == "text" and options.output in (None, "-") and not options.remedy
    if is_report and options.details != QUIET:
        console.emit("".join(f"{line}\n" for line in ("", *block("isolated", found))))
    else:
        console.log(found)


def _may_be_isolated() -> bool:
    """Whether a store with finished searches is near, found without loading the store.

    Most comparisons are of two files, and loading it would cost more than comparing them.
    """
    if os.environ.get("ENVPRINT_HOME"):
        return True
    try:
        folder, inside = os.getcwd(), os.path.join(".envprint", "isolations")
    except OSError:  # it was removed
        return False
    while not os.path.isdir(os.path.join(folder, inside)):
        if folder == os.path.dirname(folder):
            return False
        folder = os.path.dirname(folder)
    return True
