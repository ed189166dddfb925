"""`envprint run`: a pre-flight, then the command under watch, and a record of it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping

from envprint.cli._capture_options import (
    SOURCE,
    add_capture_options,
    add_describing_options,
    capture_now,
)
from envprint.cli._command_host import host_again, observe, unrecorded
from envprint.cli._console import Console
from envprint.cli._judge_options import add_judging_options, size_argument
from envprint.cli._preflight import Preflight, preflight
from envprint.core.fingerprint import Fingerprint, Unknown
from envprint.core.typed import TYPE_CHECKING, Any, NamedTuple, NoReturn
from envprint.documents.store import Store
from envprint.machine.clock import utc
from envprint.machine.live import LiveHost
from envprint.run.command_interpreter import Started
from envprint.run.finish import attempt, keep, prepare
from envprint.run.newcomers import in_words, newcomers
from envprint.run.promotion import listed, unfit_after
from envprint.run.record import During, Job, Run, look_back
from envprint.run.used_libraries import job_of, remark, unfit_of

if TYPE_CHECKING:
    from envprint.run.job import BlockedSignals

HELP = "check first, then run a command while watching the GPUs, and keep a record"
EPILOG = """\
example:
  envprint run --baseline @last-good --hash-seed 0 -- python train.py
  envprint run --no-check --record runs -- python train.py
  envprint run --min-free-gpu 20GiB --label night -- torchrun train.py

exit codes:
  0 to 255: the command's own, or 128 and the number of the signal that ended it
  125  the pre-flight refused, or envprint failed before the command started,
       including usage errors
  126  the command cannot be executed
  127  there is no such command
"""
REFUSED = COULD_NOT = 125
"""Including usage errors: 2 may be the exit code of the command itself."""
LOOKS_S = (0.1, 0.2, 0.4, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between looks at what the job has loaded; it loads most of it at the start."""
HASH_SEED = "PYTHONHASHSEED"


class _Ready(NamedTuple):
    """What exists before the command starts."""

    store: Store
    preflight: Preflight
    started: Started
    described: Mapping[str, Any]
    """What the recorded interpreter reports about itself."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument(
        "command",
        metavar="COMMAND",
        nargs=argparse.PARSER,
        help="with all of its arguments; optionally after --",
    )
    parser.add_argument("--baseline", metavar="REF", help=SOURCE)
    parser.add_argument(
        "--require-baseline",
        action="store_true",
        help="refuse if there is no @last-good yet (default: continue without a baseline)",
    )
    parser.add_argument("--no-check", action="store_true", help="no pre-flight")
    parser.add_argument(
        "--hash-seed", type=_hash_seed, metavar="N", help="start with PYTHONHASHSEED=N"
    )
    parser.add_argument("--record", metavar="DIR", help="write the record here as well")
    parser.add_argument("--min-free-gpu", type=size_argument, metavar="SIZE", help="as for check")
    parser.add_argument("--label", metavar="TEXT", help="a short name for reports")
    add_describing_options(parser)
    add_judging_options(parser)
    add_capture_options(parser)


def _hash_seed(text: str) -> str:
    if not text.isdecimal() or int(text) > 4294967295:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 4294967295, found {text!r}")
    return str(int(text))


def run(options: argparse.Namespace, console: Console) -> int:
    """Check, run, record."""
    if options.command[0] == "--":  # argparse drops it in newer versions only
        del options.command[0]
    if not hasattr(signal, "sigtimedwait"):
        console.log(f"run: signals cannot be passed on {sys.platform}; Linux is needed")
        return REFUSED
    if options.hash_seed is not None and os.environ.get(HASH_SEED) != options.hash_seed:
        _start_again(options.hash_seed)
    try:
        store = Store(warn=console.warn)
        started, host, remarks = observe(options)
        checked = preflight(options, console, host, remarks)
    except KeyboardInterrupt:
        console.log("interrupted")
        return _end_by_ctrl_c(console)
    if checked.refuses:
        return REFUSED
    return _run(options, console, _Ready(store, checked, started, host.interpreter()))


def _start_again(seed: str) -> NoReturn:
    """Restart as a new process, in which the variable is set from the start, as for the job."""
    variables = {**LiveHost().environ_for_children(), HASH_SEED: seed}
    os.execve(sys.executable, sys.orig_argv, variables)


def _run(options: argparse.Namespace, console: Console, ready: _Ready) -> int:
    """The command's exit code; what cannot be recorded is reported and does not change it."""
    from envprint.run.job import BlockedSignals, StartError

    prepare()
    # Longer than the job: a second signal, sent to a job that has ended, must cost neither the
    # record nor the exit code.
    with BlockedSignals(to_the_end=console.is_last) as held:
        try:
            during = _watched(options, console, ready, held)
        except StartError as error:
            name = options.command[0] or "''"
            console.log(f"cannot run {name}: {error}")
            return error.code
        done = attempt(lambda: _record(options, console, ready, during))
        if isinstance(done, Unknown):
            console.log(f"no record of this run: {done.reason}")
    return _end_by_ctrl_c(console) if during.ended.by_ctrl_c else during.ended.exit_code


def _end_by_ctrl_c(console: Console) -> int:
    """End by SIGINT: after a normal exit, of any code, a shell would continue its script."""
    console.flush()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    os.kill(os.getpid(), signal.SIGINT)
    return 128 + signal.SIGINT


def _watched(
    options: argparse.Namespace, console: Console, ready: _Ready, held: BlockedSignals
) -> During:
    """Run the command to its end, and observe it. Raises `StartError`."""
    from envprint import gpu
    from envprint.gpu.watching import HUNG_S
    from envprint.run.job import Job
    from envprint.run.mapped_libraries import Loaded

    started_at, loaded = utc(), Loaded()
    with gpu.watch(gpu_timeout_s=options.gpu_timeout or HUNG_S) as watch:
        job = Job(options.command, LiveHost().environ_for_children(), held)
        ended = job.wait(lambda: loaded.look(job.pid), LOOKS_S, console.warn)
    others, modules = loaded.other_prefixes(ready.described), loaded.modules(ready.described)
    return During(started_at, utc(), ended, watch.so_far(), loaded.paths(), others, modules)


def _capture_again(options: argparse.Namespace, console: Console, ready: _Ready) -> Fingerprint:
    return capture_now(options, console, host_again(options, ready.started))


def _record(options: argparse.Namespace, console: Console, ready: _Ready, during: During) -> None:
    """Capture again, report what changed and who used the GPUs meanwhile, and save it all."""
    before, report, _, unfit, again = ready.preflight
    after = attempt(lambda: look_back(before, _capture_again(options, console, ready)))
    if isinstance(after, Unknown):
        console.warn(f"what changed while the command ran is unknown: {after.reason}")
    elif after.changed:
        changed = listed([change.path for change in after.changed])
        console.warn(f"changed while the command ran: {changed}")
    strangers = newcomers(during.watched, before)
    for who in strangers:
        console.warn(in_words(who))
    for prefix in during.other_prefixes:
        recorded = ready.described["prefix"]
        console.warn(f"the command loaded libraries from {prefix}, but {recorded} was recorded")
    if other := unrecorded(options, ready.started, ready.described):
        unfit = unfit or f"the command starts {other}, which was not recorded"
    job = attempt(lambda: job_of(during.modules, before, again))
    if report and isinstance(job, Job) and (line := remark(job, report)):
        console.log(line)
    unfit = unfit or unfit_after(after, strangers, during.other_prefixes) or unfit_of(job)
    run = Run(
        options.command, ready.started, during, before, after, report, options.hash_seed, unfit, job
    )
    for line in keep(run, ready.store, options.record):
        console.log(line)
