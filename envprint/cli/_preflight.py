"""The pre-flight of `envprint run`: the check, whose report leaves stdout to the command."""

from __future__ import annotations

import argparse
from importlib import import_module

from envprint.cli._capturing import capture_now, load
from envprint.cli._console import Console
from envprint.cli._judging import policy_of, workload_of
from envprint.judge import judge_state
from envprint.model import Fingerprint
from envprint.policy import Policy
from envprint.report import Report
from envprint.wording import doubts


def preflight(options: argparse.Namespace, console: Console) -> tuple[Fingerprint, Report | None]:
    """The capture, and the report of the check; None when it refuses, or was not asked for.

    Raises `EnvprintError` when it could not do its work.
    """
    policy = policy_of(options, console)
    baseline = load(options.baseline, options, console) if options.baseline is not None else None
    before = capture_now(options, console, label=options.label, note=options.note)
    if options.no_check:
        return before, None
    report = judge_state(before, baseline, workload_of(options, policy, before, baseline), policy)
    code = report.exit_code(policy.fail_on, policy.on_unknown == "fail", options.strict)
    _tell(report, policy, options, console, in_full=code != 0)
    if code:
        console.complain("the command was not run; --no-check runs it all the same")
        return before, None
    return before, report


def _tell(
    report: Report, policy: Policy, options: argparse.Namespace, console: Console, *, in_full: bool
) -> None:
    """Write the report where it was asked for, to stderr `in_full`, or there in short lines."""
    to_file = options.output not in (None, "-")
    if in_full or options.output is not None or options.format != "text":
        aside = Console(console.stderr, console.stderr)
        output = import_module(f"envprint.outputs.{options.format}")
        colour = aside.colour() and not to_file
        aside.emit(output.render(report, colour, options.strict), options.output)
        if not to_file:
            return
    for finding in report.findings:
        what = finding.message or finding.title
        console.complain(f"{finding.impact.word}: {what} ({finding.rule})")
    # Those of the policy's own have been told when it was read.
    for note in [note for note in report.policy_notes if note not in policy.notes]:
        console.complain(f"policy: {note}")
    if policy.on_unknown == "warn" and doubts(report.undecided):
        console.warn(doubts(report.undecided))
