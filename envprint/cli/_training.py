"""The probe `training`: its options, and what comes of it."""

from __future__ import annotations

import argparse
from typing import Any

from envprint.cli._console import Console
from envprint.cli._progress import Progress
from envprint.errors import UsageError
from envprint.training import EPOCHS, FILES, Job, MissingError, Series, Switches, raw, train

NAME = "training"
REPEAT = 5
SEEDS = ("python", "numpy", "framework", "hash")


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """What to train, and what to leave to chance."""
    group = parser.add_argument_group("options of the probe training")
    group.add_argument(
        "--framework", choices=tuple(FILES), help="train in it (default: the first installed)"
    )
    group.add_argument("--seed", type=_number(0), default=1, metavar="N", help="(default: 1)")
    group.add_argument(
        "--without",
        action="append",
        default=[],
        choices=SEEDS,
        help="leave this seed to chance; may be given again",
    )
    group.add_argument(
        "--op-determinism",
        choices=("on", "off"),
        help="switch deterministic operations (default: leave them as they are)",
    )
    group.add_argument(
        "--threads", type=_number(1), metavar="N", help="(default: what the framework takes)"
    )
    group.add_argument(
        "--epochs", type=_number(1), default=EPOCHS, metavar="N", help=f"(default: {EPOCHS})"
    )
    group.add_argument(
        "--explain",
        action="store_true",
        help="search for the smallest set of switches with which this machine repeats itself",
    )


def _number(least: int) -> Any:
    """A whole number that every generator takes."""

    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text[:10]) < 2**32):
            raise argparse.ArgumentTypeError(
                f"expected a whole number from {least} to {2**32 - 1}, found {text!r}"
            )
        return int(text)

    return number


def run_training(
    options: argparse.Namespace, console: Console, python: str
) -> tuple[dict[str, Any], str, bool]:
    """The raw form for `facts.probes.training`, the text, and whether the runs were equal.

    Raises `EnvprintError`.
    """
    from envprint.outputs._training import render

    repeat = options.repeat or REPEAT
    if options.explain and (options.without or options.op_determinism or options.threads):
        raise UsageError(
            "probe: --explain turns the switches itself: leave out --without, --op-determinism "
            "and --threads"
        )
    series = _series(options, console, python, repeat)
    framework, told = series.job.framework, raw(series)
    return {framework: told}, render(framework, told, console.colour()), series.repeats


def _series(options: argparse.Namespace, console: Console, python: str, repeat: int) -> Series:
    """The runs that were asked for, in the first framework that is installed."""
    progress = Progress(console, NAME, repeat)
    missing = None
    for framework in [options.framework] if options.framework else FILES:
        try:
            job = Job(python, framework, options.device, options.epochs)
            return train(job, switches_of(options), repeat, progress.tell)
        except MissingError as error:
            missing = missing or error
        finally:
            progress.end()
    raise missing or AssertionError


def switches_of(options: argparse.Namespace) -> Switches:
    """All seeds but those left to chance, and the switches."""
    seeds = {name: None if name in options.without else options.seed for name in SEEDS}
    determinism = {None: None, "on": True, "off": False}[options.op_determinism]
    return Switches(**seeds, op_determinism=determinism, threads=options.threads)
