"""`envprint export`: a fingerprint's packages in the forms of other tools."""

from __future__ import annotations

import argparse

from envprint.cli._capture_options import SOURCE, add_capture_options, load
from envprint.cli._console import Console

HELP = "write a fingerprint's packages in the form of another tool"
EPILOG = """\
example:
  envprint export @last-good --format requirements -o requirements.txt
  envprint export before.json --format cyclonedx --public

exit codes:
  0  written; what the form cannot hold is named on stderr
  2  could not do the job: unreadable input, nothing to export, or for a lock no
     uv or no index
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    from envprint.isolate.exporting import FORMS

    parser.add_argument("source", metavar="REF", help=SOURCE)
    parser.add_argument(
        "--format",
        choices=tuple(FORMS),
        required=True,
        help="pylock asks the index for the files, with uv",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write here (default: stdout)")
    parser.add_argument(
        "--public",
        action="store_true",
        help="leave out what a person would not post: own projects, private channels, the time",
    )
    add_capture_options(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Load, write, say what is not in it."""
    from envprint.isolate.exporting import export

    source = load(options.source, options, console)
    exported = export(source, options.format, public=options.public)
    console.emit(exported.text, options.output)
    for what in exported.left_out:
        console.log(f"not exported: {what}")
    return 0
