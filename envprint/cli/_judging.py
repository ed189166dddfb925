"""Options of the verbs that judge, and what they mean."""

from __future__ import annotations

import argparse
from importlib import import_module

from envprint import outputs
from envprint.cli._console import Console
from envprint.model import FRAMEWORKS, IMPACT_WORDS, Fingerprint, Impact, Workload
from envprint.modules import module_names
from envprint.policy import UNKNOWN_ACTIONS, Policy
from envprint.report import Report
from envprint.units import parse_seconds, parse_size
from envprint.wording import doubts
from envprint.workload import detect

EXIT_CODES = """\
exit codes:
  0  nothing at or above --fail-on (default: numeric)
  1  at least one finding at or above it
  2  could not do the job: wrong usage, unreadable input, unwritable output
  3  with --on-unknown fail: nothing found, but a rule that could reach the
     threshold could not be decided
"""


def add_judging_options(parser: argparse.ArgumentParser) -> None:
    """How to judge, and how to say it."""
    parser.add_argument(
        "--format", choices=module_names(outputs), default="text", help="default: %(default)s"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write the report to FILE")
    parser.add_argument(
        "--fail-on",
        choices=IMPACT_WORDS,
        metavar="IMPACT",
        help=f"one of {', '.join(IMPACT_WORDS)}",
    )
    parser.add_argument(
        "--policy", metavar="FILE", help="the team's policy (default: see `policy show`)"
    )
    parser.add_argument(
        "--framework",
        action="append",
        default=[],
        choices=FRAMEWORKS,
        help="judge for this framework only; may be given again (default: those installed)",
    )
    parser.add_argument("--device", choices=("cpu", "gpu"), help="default: gpu when one is visible")
    parser.add_argument(
        "--on-unknown", choices=UNKNOWN_ACTIONS, help="what an undecided rule does (default: warn)"
    )
    parser.add_argument("--strict", action="store_true", help="advice counts as a finding")


def policy_of(options: argparse.Namespace, console: Console) -> Policy:
    """The policy in force: the file, with the options on top. Warns of what is to be known of it,
    which reports say as well: not every verb prints one.
    """
    from envprint.policy_place import agreed_policy

    policy, _, _ = agreed_policy(options.policy)
    for note in policy.notes:
        console.warn(note)
    if options.fail_on:
        policy = policy._replace(fail_on=Impact[options.fail_on.upper()])
    return policy._replace(on_unknown=options.on_unknown or policy.on_unknown)


def workload_of(
    options: argparse.Namespace, policy: Policy, now: Fingerprint, baseline: Fingerprint | None
) -> Workload:
    """The workload that the options and the policy name, completed by what is installed."""
    asked = getattr(options, "min_free_gpu", None)
    workload = detect(
        now,
        baseline,
        frameworks=options.framework or policy.frameworks,
        device=options.device or policy.device,
        needs_gpu=bool(asked),
    )
    return workload._replace(
        min_free_gpu_bytes=policy.required.min_free_gpu_bytes if asked is None else asked,
        batch_size=getattr(options, "batch_size", None),
        replicas=getattr(options, "replicas", None),
        required=policy.required,
    )


def present(report: Report, policy: Policy, options: argparse.Namespace, console: Console) -> int:
    """Print the report in the format asked for and return the exit code."""
    output = import_module(f"envprint.outputs.{options.format}")
    colour = console.colour() and options.output is None
    console.emit(output.render(report, colour, options.strict), options.output)
    if policy.on_unknown == "warn" and doubts(report.undecided) and options.format != "text":
        console.warn(doubts(report.undecided))
    return report.exit_code(policy.fail_on, policy.on_unknown == "fail", options.strict)


def size_argument(text: str) -> int:
    """An `argparse` type for sizes."""
    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def time_argument(text: str) -> float:
    """An `argparse` type for times, in seconds."""
    try:
        return parse_seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def count_argument(text: str) -> int:
    """An `argparse` type for counts of one or more."""
    if not text.isdecimal() or len(text) > 18 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, found {text!r}")
    return int(text)
