"""`envprint import`: somebody else's record as a fingerprint."""

from __future__ import annotations

import argparse

from envprint.cli._capture_options import add_keeping_options, keep
from envprint.cli._console import Console
from envprint.machine.files import input_name, read_input

HELP = "turn another tool's record, such as a pip freeze, into a fingerprint"
EPILOG = """\
example:
  envprint import freeze.txt -o colleague.json
  nvidia-smi -q -x | envprint import - -o gpu.json

exit codes:
  0  imported; what the record does not hold is unknown, with that reason
  2  could not do the job: no such form, or not a record of it
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    from envprint.importers import forms

    parser.add_argument("file", metavar="FILE", help="the record, or -")
    parser.add_argument(
        "--from",
        dest="form",
        metavar="FORMAT",
        choices=forms(),
        help=f"its form, instead of what its content looks like: {', '.join(forms())}",
    )
    add_keeping_options(parser, "write here (default: stdout)")


def run(options: argparse.Namespace, console: Console) -> int:
    """Read, write, save."""
    from envprint.importers import imported

    content = read_input(options.file, "record")
    found = imported(content, input_name(options.file), options.form)
    keep(found._replace(label=options.label), options, console)
    return 0
