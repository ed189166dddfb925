"""The pre-flight of `envprint run`: a check whose report leaves stdout to the command."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple

from envprint.cli._capture_options import capture_now, described_by, load, located
from envprint.cli._console import Console
from envprint.cli._judge_options import context_of, request_of, warn_of_undecided, write
from envprint.core.errors import NothingYetError, UsageError
from envprint.core.fingerprint import Fingerprint
from envprint.core.report import Report
from envprint.judging.context import Context
from envprint.machine.live import LiveHost
from envprint.run.promotion import unfit_before


class Preflight(NamedTuple):
    """What is known before the command starts."""

    before: Fingerprint
    report: Report | None
    """None if it was not requested."""
    refuses: bool
    unfit: str | None
    """Why the run cannot become `@last-good`, whatever comes of it."""


def preflight(
    options: argparse.Namespace, console: Console, host: LiveHost, remarks: Sequence[str]
) -> Preflight:
    """Capture `host`, and check unless that was not requested.

    Prints `remarks` before it. Raises `EnvprintError` if the check itself fails.
    """
    request = request_of(options)._replace(min_free_gpu_bytes=options.min_free_gpu)
    context = context_of(request, console)
    baseline, lacking = _baseline(options, console)
    before = capture_now(options, console, host, **described_by(options))
    # A report for programs, which goes to stderr as well, must be the only text there.
    if options.format == "text" or options.output not in (None, "-"):
        for remark in remarks:
            console.log(remark)
    if options.no_check:
        return Preflight(before, None, False, unfit_before(None, context))
    report = context.state(before, baseline)
    # A first run has nothing to be compared with. That it is good is judged by its state alone:
    # otherwise no run would ever be good.
    unfit = unfit_before(report, context)
    if lacking and report.not_checked is None:
        report = report._replace(not_checked=lacking, summary=f"{lacking}; {report.summary}")
    code = context.exit_code(report)
    _tell(report, context, options, console, in_full=code != 0)
    if code:
        console.log("the command was not run; --no-check runs it anyway")
    return Preflight(before, report, code != 0, unfit)


def _baseline(
    options: argparse.Namespace, console: Console
) -> tuple[Fingerprint | None, str | None]:
    """The baseline, or the reason why there is none yet."""
    if options.baseline is None:
        if options.require_baseline:
            raise UsageError("run: --require-baseline needs --baseline REF")
        return None, None
    try:
        return located(load(options.baseline, options, console)), None
    except NothingYetError:
        if options.require_baseline:
            raise
        lacking = f"no baseline: {options.baseline} has no good run yet"
        console.log(f"{lacking}; continuing without one (--require-baseline refuses)")
        return None, lacking


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
    if report.only:
        console.log(report.summary)
    if report.not_checked is not None:
        console.log(f"not checked: {report.not_checked}")
    for finding in report.findings:
        what = finding.message or finding.title
        console.log(f"{finding.impact.word}: {what} ({finding.rule})")
    # The policy's own notes were printed when it was read.
    for note in [note for note in report.policy_notes if note not in context.policy.notes]:
        console.log(f"policy: {note}")
    warn_of_undecided(report, context, console)
