"""`envprint isolate`: find by running which differences change a job's result."""

from __future__ import annotations

import argparse
import os

from envprint.cli._capture_options import SOURCE, add_capture_options, host_of, load
from envprint.cli._console import Console
from envprint.cli._judge_options import (
    add_framework_option,
    context_of,
    count_argument,
    time_argument,
)
from envprint.cli._progress_bar import Waiting
from envprint.core.errors import EnvprintError, StoreError, UsageError
from envprint.core.isolation import EQUAL, FOUND, NOT_REPEATABLE, UNRESOLVED, Isolation, Trial
from envprint.core.text import recordable
from envprint.core.typed import Any
from envprint.documents import isolations
from envprint.documents.codec import to_json
from envprint.documents.inputs import NOW
from envprint.documents.store import Store
from envprint.isolate.isolating import Limits
from envprint.isolate.pairs import why_none, write_pair
from envprint.isolate.results import PROBE
from envprint.isolate.searching import Wish, prepared
from envprint.isolate.trials import Place
from envprint.judging.context import Request
from envprint.outputs import isolation, isolation_document

HELP = "find by running which differences change a job's result"
EPILOG = """\
example:
  envprint isolate good.json --result metrics.json:loss -- python train.py
  envprint isolate good.json now --result 'stdout:loss (.*)' -- python train.py
  envprint isolate good.json --result probe       # no command: a small network
  envprint isolate a.json b.json --result out.npy --max-time 30m -- ./job.sh

exit codes:
  0  the smallest set of differences was found
  1  both sides give the same result
  2  could not do the job
  3  a side does not repeat itself, or a trial that decides could not be run
"""
COMMAND_AFTER_DASHES = True
EXIT_CODES = {FOUND: 0, EQUAL: 1, NOT_REPEATABLE: 3, UNRESOLVED: 3}
REPEAT = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.usage = "envprint isolate BASELINE [CURRENT] --result WHAT [options] -- COMMAND …"
    parser.add_argument("baseline", metavar="BASELINE", help=SOURCE)
    parser.add_argument(
        "current", metavar="CURRENT", nargs="?", default=NOW, help="the same (default: now)"
    )
    parser.add_argument(
        "--result",
        metavar="WHAT",
        required=True,
        help="what to compare: stdout:REGEX (the last match), FILE.json:KEY, a file, or probe: "
        "the training probe, without a command",
    )
    _add_limits(parser.add_argument_group("how often, and how long"))
    _add_means(parser.add_argument_group("what a trial may do"))
    group = parser.add_argument_group("how to report and to judge")
    group.add_argument(
        "--format", choices=("text", "json"), default="text", help="default: %(default)s"
    )
    group.add_argument(
        "--pair", metavar="DIR", help="write what was measured there, as a row of measured pairs"
    )
    group.add_argument("--policy", metavar="FILE", help="the team's policy, as for diff")
    add_framework_option(group)
    group.add_argument("--device", choices=("cpu", "gpu"), help="default: gpu if one is visible")
    add_capture_options(parser)


def _add_limits(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--repeat",
        type=count_argument,
        default=REPEAT,
        metavar="N",
        help=f"runs of each side before the search (default: {REPEAT})",
    )
    group.add_argument(
        "--tolerance",
        type=_tolerance,
        default=0.0,
        metavar="T",
        help="the largest difference between numbers that counts as equal (default: 0)",
    )
    group.add_argument(
        "--max-runs", type=count_argument, metavar="N", help="stop after so many runs of the job"
    )
    group.add_argument(
        "--max-time", type=time_argument, metavar="T", help="stop after this time, such as 30m"
    )


def _add_means(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--in-place",
        action="store_true",
        help="run in the working directory itself, not in a fresh copy for each run",
    )
    group.add_argument(
        "--with-code",
        action="store_true",
        help="switch the commit of the working directory's repository as well",
    )
    group.add_argument(
        "--trust",
        action="store_true",
        help="set variables of documents that name code to load, and install from the repositories "
        "and URLs that they name",
    )


def _tolerance(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of 0 or more, found {text!r}")
    return number


def run(options: argparse.Namespace, console: Console) -> int:
    """Plan, run, print."""
    _check_usage(options)
    context = context_of(Request(options.policy, tuple(options.framework), options.device), console)
    sides = tuple(load(side, options, console) for side in (options.baseline, options.current))
    wish = Wish(
        command=tuple(options.command),
        result=options.result,
        directory=os.getcwd(),
        is_in_place=options.in_place,
        limits=Limits(options.repeat, options.max_runs, options.max_time, options.tolerance),
        trust=options.trust,
        with_code=options.with_code,
    )
    report = context.drift(*sides)
    with prepared(wish, (sides[0], sides[1]), report, _here(options), console.log) as search:
        console.show(isolation.plan_text(search.plan, wish.limits.repeat))
        with Waiting(console, "running the job", limit_s=wish.limits.max_time_s) as waiting:

            def say(trial: Trial) -> None:
                waiting.erase()
                console.show(isolation.trial_line(trial, search.plan))

            found = search.run(console.log, say)
    if options.pair is not None:
        if reason := why_none(found):
            console.warn(f"no measured pair: {reason}")
        else:
            path = write_pair(found, (sides[0], sides[1]), report.workload, options.pair)
            console.log(f"the measured pair is in {path}")
    return _present(found, options, console)


def _check_usage(options: argparse.Namespace) -> None:
    """Raise `UsageError` for options that do not go together."""
    if options.result == PROBE:
        if options.command or options.with_code or options.in_place:
            raise UsageError(
                "isolate: --result probe runs envprint's own training: leave out the command, "
                "--with-code and --in-place; ./probe is a file of that name"
            )
    elif not options.command:
        raise UsageError("isolate: no command: write it behind --, as in `-- python train.py`")
    if options.repeat < 2:
        raise UsageError("isolate: --repeat 1 cannot show whether a side repeats itself")
    if options.with_code and options.in_place:
        raise UsageError("isolate: --with-code needs a copy to switch: leave out --in-place")


def _here(options: argparse.Namespace) -> Place:
    """The environment that is observed: the active one, or that of --python."""
    from envprint.machine.environments import interpreter_in

    prefix = str(host_of(options).interpreter()["prefix"])
    python = interpreter_in(prefix)
    if python is None:
        raise EnvprintError(f"isolate: {prefix} has no interpreter to run")
    return Place(python, prefix)


def _keep(document: dict[str, Any], console: Console) -> None:
    """Keep it in the store, for `log` and for `diff` of the same two."""
    try:
        store = Store(warn=console.warn)
        name = isolations.keep(document, store)
        console.log(f"kept in {store.place} as {isolations.FOLDER}/{name}")
    except StoreError as error:
        console.warn(f"not kept: {error}")


def _present(found: Isolation, options: argparse.Namespace, console: Console) -> int:
    document = recordable(isolation_document.document(found))
    _keep(document, console)
    if options.format == "json":
        console.emit(to_json(document))
    else:
        console.emit(isolation.render(found, console.colour()))
    return EXIT_CODES[found.outcome]
