"""`envprint show`: a fingerprint for people."""

from __future__ import annotations

import argparse

from envprint.cli._capturing import (
    SOURCE,
    add_capture_options,
    capture_now,
    load,
)
from envprint.cli._console import Console
from envprint.outputs._fingerprint import render

HELP = "show a fingerprint for people (default: of this machine, now)"
EPILOG = """\
example:
  envprint show before.json

exit codes:
  0  printed
  2  could not do the job
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    parser.add_argument("file", metavar="FILE", nargs="?", help=SOURCE)
    add_capture_options(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Load or capture, and print."""
    captures = options.file in (None, "now")
    fingerprint = capture_now(options, console) if captures else load(options.file, console)
    console.emit(render(fingerprint, console.colour()))
    return 0
