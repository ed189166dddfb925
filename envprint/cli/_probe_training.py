"""The options of the probe `training`, and its results."""

from __future__ import annotations

import argparse
from contextlib import suppress

from envprint.cli._console import Console
from envprint.cli._judge_options import framework_argument
from envprint.cli._progress_bar import Progress
from envprint.core.errors import UsageError
from envprint.core.typed import Any
from envprint.probes.training import (
    EPOCHS,
    FILES,
    MissingError,
    Series,
    Switches,
    TrainingJob,
    raw,
    train,
)

Outcome = tuple[dict[str, Any], str, bool]
"""The results as JSON types and as text, and whether the runs were equal."""

NAME = "training"
REPEAT = 5
SEED = 1
SEEDS = ("python", "numpy", "framework", "hash")


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """Options for what to train, and what to leave random."""
    group = parser.add_argument_group("options of the probe training")
    group.add_argument(
        "--framework",
        type=framework_argument,
        choices=tuple(FILES),
        help="train with it (default: the first installed)",
    )
    group.add_argument("--seed", type=_number(0), metavar="N", help=f"(default: {SEED})")
    group.add_argument(
        "--without",
        action="append",
        default=[],
        choices=SEEDS,
        help="leave this seed to chance; repeatable",
    )
    group.add_argument(
        "--op-determinism",
        choices=("on", "off"),
        help="turn deterministic operations on or off (default: unchanged)",
    )
    group.add_argument(
        "--threads", type=_number(1), metavar="N", help="(default: the framework's own)"
    )
    group.add_argument("--epochs", type=_number(1), metavar="N", help=f"(default: {EPOCHS})")
    group.add_argument(
        "--explain",
        action="store_true",
        help="search for the smallest set of switches that makes this machine repeat itself",
    )


def refuse_training_options(options: argparse.Namespace) -> None:
    """Raise `UsageError` for an option of the probe `training` without that probe."""
    for name in ("framework", "seed", "without", "op_determinism", "threads", "epochs", "explain"):
        value = getattr(options, name)
        if value not in (None, []) and value is not False:  # a seed of 0 counts as given
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"probe: {option} is for the probe training: add `training`")


def _number(least: int) -> Any:
    """An `argparse` type: an integer that every generator accepts as seed."""

    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text[:10]) < 2**32):
            raise argparse.ArgumentTypeError(
                f"expected a whole number from {least} to {2**32 - 1}, found {text!r}"
            )
        return int(text)

    return number


def run_training(options: argparse.Namespace, console: Console, python: str) -> Outcome:
    """The results, their text, and whether the runs were equal.

    `training` is the raw form for `facts.probes.training`; `search` is how `--explain` found it.
    Raises `EnvprintError`.
    """
    if options.explain and (options.without or options.op_determinism or options.threads):
        raise UsageError(
            "probe: --explain sets the switches itself: leave out --without, --op-determinism and "
            "--threads"
        )
    for framework in [options.framework] if options.framework else FILES:
        job = TrainingJob(python, framework, options.device, options.epochs or EPOCHS)
        with suppress(*([] if options.framework else [MissingError])):
            return (_explain if options.explain else _train)(job, options, console)
    raise MissingError(f"training: neither {' nor '.join(FILES)} is installed for {python}")


def _train(job: TrainingJob, options: argparse.Namespace, console: Console) -> Outcome:
    """The requested runs, and their table."""
    from envprint.outputs.training import render

    repeat = options.repeat or REPEAT
    with Progress(console, NAME, repeat) as progress:
        series = train(job, switches_of(options), repeat, progress.tell)
    reported = raw(series)
    text = render(job.framework, reported, console.colour())
    return {"training": {job.framework: reported}}, text, series.repeats


def _explain(job: TrainingJob, options: argparse.Namespace, console: Console) -> Outcome:
    """The search, its last runs, and its text."""
    from envprint.outputs.switch_search import explained, raw_search
    from envprint.probes.smallest_switches import most_runs, search

    repeat = options.repeat or REPEAT
    with Progress(console, NAME, most_runs(repeat)) as progress:
        done = 0

        def attempt(switches: Switches, runs: int) -> Series:
            nonlocal done
            before, done = done, done + runs
            return train(
                job, switches, runs, lambda number, *step: progress.tell(before + number, *step)
            )

        found = search(attempt, _seed(options), repeat)
    reported = {
        "training": {job.framework: raw(found.last)},
        "search": {job.framework: raw_search(found)},
    }
    return reported, explained(found, console.colour()), found.last.repeats


def switches_of(options: argparse.Namespace) -> Switches:
    """The switches, and all seeds that are not left random."""
    seeds = {name: None if name in options.without else _seed(options) for name in SEEDS}
    determinism = {None: None, "on": True, "off": False}[options.op_determinism]
    return Switches(**seeds, op_determinism=determinism, threads=options.threads)


def _seed(options: argparse.Namespace) -> int:
    return SEED if options.seed is None else options.seed
