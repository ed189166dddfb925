"""`envprint schema`: print a published JSON Schema."""

from __future__ import annotations

import argparse

from envprint.cli._console import Console
from envprint.documents.codec import published
from envprint.documents.validate import KINDS

HELP = "print a published JSON Schema"
EPILOG = """\
example:
  envprint schema fingerprint > fingerprint-1.json
  envprint schema report      # what --format json of diff and check prints
  envprint schema policy      # of envprint.toml, for an editor
  envprint schema run         # of the record of a run
  envprint schema isolation   # of isolate --format json

exit codes:
  0  printed
  2  could not do the job
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument("kind", choices=KINDS, help="the kind of document")


def run(options: argparse.Namespace, console: Console) -> int:
    """Print the installed schema file."""
    console.emit(published(options.kind))
    return 0
