"""`envprint capture`: write one fingerprint."""

from __future__ import annotations

from envprint.cli._capture_options import (
    add_capture_options,
    add_describing_options,
    add_keeping_options,
    capture_now,
    described_by,
    host_of,
    keep,
    tell_choice,
)
from envprint.cli._console import Console
from envprint.core.typed import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

HELP = "capture this environment into a fingerprint (JSON)"
EPILOG = """\
example:
  envprint capture -o before.json --label "before the upgrade"
  envprint capture --save monday && envprint check @monday
  envprint capture --python ~/venvs/train --tag queue=night -o train.json
  envprint capture --deep --probe -o whole.json   # minutes, not a second
  srun -N3 --ntasks-per-node=1 envprint capture -o fleet/   # one per node

exit codes:
  0  captured; what could not be determined is listed in the document
  2  could not do the job
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    add_keeping_options(
        parser,
        "write here (default: stdout); DIR/ gets a file named by this host, and {node} in a name "
        "stands for it",
    )
    add_capture_options(parser)
    add_describing_options(parser)
    parser.add_argument(
        "--deep", action="store_true", help="re-hash every installed file against its RECORD"
    )
    parser.add_argument(
        "--probe",
        action="store_true",
        help="measure what the installed frameworks compute on the CPU; takes a few seconds each",
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Probe, capture, write, save."""
    host = host_of(options)
    tell_choice(options, host, console)
    if options.probe:
        from envprint.cli._numeric_probes import probe_now  # few captures probe

        host.set_probe_results({"numeric": probe_now(host, console, (), "cpu", 1)})
    fingerprint = capture_now(options, console, host, **described_by(options))
    keep(fingerprint, options, console)
    return 0
