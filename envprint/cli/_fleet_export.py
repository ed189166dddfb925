"""`envprint fleet export`: many fingerprints as one table."""

from __future__ import annotations

import argparse

from envprint.cli._console import Console
from envprint.core.report import counted
from envprint.fleet.exporting import export

HELP = "many fingerprints as one Parquet file, a row each, for queries"
EPILOG = """\
example:
  envprint fleet export --parquet fleet.parquet runs/
  envprint fleet diff fleet.parquet

exit codes:
  0  written; a document that cannot be read is named and left out
  2  could not do the job, or no document could be read
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this action."""
    parser.add_argument("--parquet", metavar="FILE", required=True, help="write here")
    parser.add_argument(
        "sources", nargs="+", metavar="SOURCE", help="as for fleet diff: files, directories, …"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Write, and name what was left out."""
    exported = export(options.parquet, options.sources)
    for one in exported.unread:
        console.warn(f"left out: {one.source}: {one.reason}")
    console.log(f"{counted(range(exported.rows), 'fingerprint')} in {options.parquet}")
    return 0
