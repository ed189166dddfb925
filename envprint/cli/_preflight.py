"""The pre-flight of `envprint run`: a check whose report leaves stdout to the command."""

from __future__ import annotations

import argparse

from envprint.cli._capture_options import capture_now, load
from envprint.cli._console import Console
from envprint.cli._judge_options import context_of, request_of, warn_of_undecided, write
from envprint.core.fingerprint import Fingerprint
from envprint.core.report import Report
from envprint.judging.context import Context


def preflight(options: argparse.Namespace, console: Console) -> tuple[Fingerprint, Report | None]:
    """The capture, and the report of the check; None if it refuses or was not requested.

    Raises `EnvprintError` if the check itself fails.
    """
    request = request_of(options)._replace(min_free_gpu_bytes=options.min_free_gpu)
    context = context_of(request, console)
    baseline = load(options.baseline, options, console) if options.baseline is not None else None
    before = capture_now(options, console, label=options.label, note=options.note)
    if options.no_check:
        return before, None
    report = context.state(before, baseline)
    code = context.exit_code(report)
    _tell(report, context, options, console, in_full=code != 0)
    if code:
        console.log("the command was not run; --no-check runs it all the same")
        return before, None
    return before, report


def _tell(
    report: Report,
    context: Context,
    options: argparse.Namespace,
    console: Console,
    *,
    in_full: bool,
) -> None:
    """Write the report to its file; to stderr `in_full`, or else as short lines."""
    to_file = options.output not in (None, "-")
    if in_full or options.details or options.output is not None or options.format != "text":
        write(report, options, Console(console.stderr, console.stderr))
        if not to_file:
            return
    for finding in report.findings:
        what = finding.message or finding.title
        console.log(f"{finding.impact.word}: {what} ({finding.rule})")
    # The policy's own notes were printed when it was read.
    for note in [note for note in report.policy_notes if note not in context.policy.notes]:
        console.log(f"policy: {note}")
    warn_of_undecided(report, context, console)
