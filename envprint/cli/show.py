"""`envprint show`: a fingerprint for people."""

from __future__ import annotations

import argparse

from envprint.cli._capture_options import SOURCE, add_capture_options, load
from envprint.cli._console import Console
from envprint.documents.inputs import NOW
from envprint.outputs.fingerprint import render

HELP = "show a fingerprint for people (default: of this machine, now)"
EPILOG = """\
example:
  envprint show before.json

exit codes:
  0  printed
  2  could not do the job
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument("file", metavar="FILE", nargs="?", default=NOW, help=SOURCE)
    add_capture_options(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Load or capture, and print."""
    fingerprint = load(options.file, options, console)
    console.emit(render(fingerprint, console.colour()))
    return 0
