"""`envprint fleet gather`: one capture on each host, by an engine that is there already."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator

from envprint.cli._capture_options import add_describing_options, described_by
from envprint.cli._console import Console
from envprint.core.errors import UsageError
from envprint.fleet.hosts import Gathered
from envprint.fleet.launching import Plan, gather_by

HELP = "one capture on each host, by an engine that is already there"
TIMEOUT_S = 300.0
EPILOG = """\
example:
  envprint fleet gather -o fleet -- srun -N3 --ntasks-per-node=1
  envprint fleet gather -o fleet -- mpiexec -n 8 -ppn 1
  envprint fleet gather -o fleet -- torchrun --nproc-per-node 2
  envprint fleet gather -o fleet -- ray auto
  envprint fleet gather -o fleet -- dask tcp://scheduler:8786

exit codes:
  0  gathered; a host that is lost is named
  2  could not do the job, or no host answered
  3  with --on-unknown fail: a host is lost
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this action."""
    parser.add_argument(
        "-o", "--output", metavar="DIR", required=True,
        help="write a document for each host here; a launcher's hosts all see it",
    )  # fmt: skip
    parser.add_argument("--label", metavar="TEXT", help="a short name for reports")
    parser.add_argument("--python", metavar="PATH", help="observe this environment on each host")
    parser.add_argument(
        "--timeout", type=float, default=TIMEOUT_S, metavar="S",
        help=f"time limit of the whole, in seconds (default: {TIMEOUT_S:g})",
    )  # fmt: skip
    parser.add_argument(
        "--on-unknown", choices=("ignore", "warn", "fail"), default="warn",
        help="what a lost host means (default: warn)",
    )  # fmt: skip
    add_describing_options(parser)
    parser.add_argument(
        "engine", nargs="+", metavar="ENGINE",
        help="behind --: a launcher with its options, `ray [ADDRESS]` or `dask SCHEDULER`",
    )  # fmt: skip


def run(options: argparse.Namespace, console: Console) -> int:
    """Gather, and say who is lost."""
    if not 0 < options.timeout < 1e6:
        raise UsageError("fleet gather: expected a --timeout above 0")
    gathered = _gathered(options)
    if options.on_unknown != "ignore":
        for one in gathered.lost:
            console.warn(f"lost: {one.name}: {one.reason}")
    console.log(gathered.in_words())
    if not gathered.paths:
        return 2
    return 3 if gathered.lost and options.on_unknown == "fail" else 0


def _gathered(options: argparse.Namespace) -> Gathered:
    name, *rest = options.engine
    if name not in ("ray", "dask"):
        plan = Plan([*_words(options)], options.timeout)
        return gather_by(options.engine, options.output, plan, os.environ)
    from envprint.fleet import remote  # not needed for a launcher

    wanted = remote.Wanted(python=options.python, **described_by(options))
    if name == "ray" and len(rest) <= 1:
        address = rest[0] if rest else None
        return remote.gather_ray(address, options.output, wanted, options.timeout)
    if name == "dask" and len(rest) == 1:
        return remote.gather_dask(rest[0], options.output, wanted, options.timeout)
    raise UsageError("fleet gather: expected `ray [ADDRESS]` or `dask SCHEDULER` behind --")


def _words(options: argparse.Namespace) -> Iterator[str]:
    """The options of `capture` that those of the gather amount to."""
    for name in ("python", "label", "note"):
        if (value := getattr(options, name)) is not None:
            yield f"--{name}={value}"
    yield from (f"--tag={key}={value}" for key, value in options.tag)
    if options.identify:
        yield "--identify"
