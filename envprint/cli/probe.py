"""`envprint probe`: measures what this machine computes, and whether it repeats."""

from __future__ import annotations

import argparse

from envprint.cli._capture_options import (
    add_capture_options,
    add_keeping_options,
    capture_now,
    host_of,
    keep,
    tell_choice,
)
from envprint.cli._console import Console
from envprint.cli._judge_options import count_argument
from envprint.cli._numeric_probes import probe_now
from envprint.cli._probe_training import add_training_options, refuse_training_options, run_training
from envprint.core.errors import UsageError
from envprint.core.redact import clean
from envprint.core.typed import Any
from envprint.core.workload import Workload
from envprint.documents.codec import to_json
from envprint.machine.live import LiveHost
from envprint.outputs import probes
from envprint.probes import runner

HELP = "measure what this machine computes, and whether it repeats itself"
EPILOG = """\
example:
  envprint probe numpy tensorflow --repeat 5
  envprint probe training --framework torch --repeat 5
  envprint probe imports          # does every library that takes part start?
  envprint probe -o here.json     # then, with another machine's: envprint diff

exit codes:
  0  measured; with --repeat, everything repeated itself; every import works
  1  something did not repeat itself, or cannot be imported
  2  could not do the job
"""
TRAINING = "training"
IMPORTS = "imports"
TRAINING_FLOOR = "3.8"
"""The oldest Python for the probe `training`; numeric probes also run in 3.7."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help=f"{', '.join(runner.names())}, {TRAINING} or {IMPORTS} (default: those of "
        f"frameworks); names behind {IMPORTS} are libraries to import, whatever they take part in",
    )
    parser.add_argument(
        "--repeat", type=count_argument, metavar="N", help="run each N times in fresh processes"
    )
    parser.add_argument(
        "--device",
        choices=("cpu", "gpu"),
        default="cpu",
        help="gpu also probes each visible GPU and creates a CUDA context there (default: cpu)",
    )
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="default: %(default)s"
    )
    add_keeping_options(parser, "write a fingerprint with the results to this file")
    add_training_options(parser)
    add_capture_options(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Measure, print and save."""
    options.names, options.libraries = _apart(options.names)
    known_names = (*runner.names(), TRAINING, IMPORTS)
    unknown = [name for name in options.names if name not in known_names]
    if unknown:
        known = ", ".join(known_names)
        raise UsageError(f"probe: no probe {unknown[0]!r}; known: {known}")
    if TRAINING not in options.names:
        refuse_training_options(options)
    host = host_of(options)
    tell_choice(options, host, console)
    found, text, repeats = _measured(options, console, host)
    if options.output != "-":
        console.emit(text if options.format == "text" else to_json(clean(found)))
    if options.output is not None or options.save is not None:
        host.set_probe_results(found)
        keep(capture_now(options, console, host, label=options.label), options, console)
    return 0 if repeats else 1


def _measured(
    options: argparse.Namespace, console: Console, host: LiveHost
) -> tuple[dict[str, Any], str, bool]:
    """The raw results, the same as text, and whether everything repeated."""
    found: dict[str, Any] = {}
    texts, repeats = [], True
    numeric = [name for name in options.names if name not in (TRAINING, IMPORTS)]
    if options.device == "gpu" and options.names != [IMPORTS]:
        console.log("--device gpu creates a CUDA context on each visible GPU")
    if numeric or not options.names:
        reported = probe_now(host, console, numeric, options.device, options.repeat or 1)
        found["numeric"] = reported
        texts.append(probes.render(reported, console.colour()))
        repeats = all(map(probes.is_repeating, reported.values()))
    if TRAINING in options.names:
        python = runner.able(host.interpreter(), TRAINING_FLOOR)
        reported, text, same = run_training(options, console, python)
        found |= reported
        texts.append(text)
        repeats = repeats and same
    if IMPORTS in options.names:
        reported, text, same = _imported(options, console, host)
        found[IMPORTS] = reported
        texts.append(text)
        repeats = repeats and same
    return found, "\n".join(texts), repeats


def _apart(names: list[str]) -> tuple[list[str], list[str]]:
    """The names of probes, and those of libraries, which stand behind `imports`."""
    end = names.index(IMPORTS) + 1 if IMPORTS in names else len(names)
    return names[:end], names[end:]


def _imported(
    options: argparse.Namespace, console: Console, host: LiveHost
) -> tuple[dict[str, Any], str, bool]:
    """What can be imported, the same as text, and whether everything can."""
    from envprint.cli._imports import imports_now
    from envprint.outputs import imports

    found = imports_now(host, console, Workload(device=options.device), options.libraries)
    return found, imports.render(found, options.device, console.colour()), imports.all_work(found)
