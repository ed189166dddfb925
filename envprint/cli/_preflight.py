"""The pre-flight of `envprint run`: a check whose report leaves stdout to the command."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from envprint.cli._capture_options import capture_now, described_by, load, located
from envprint.cli._console import Console
from envprint.cli._judge_options import context_of, request_of, warn_of_undecided, write
from envprint.core.errors import NothingYetError, UsageError
from envprint.core.fingerprint import Fingerprint
from envprint.core.report import Report
from envprint.core.typed import NamedTuple
from envprint.judging.context import Context
from envprint.machine.live import LiveHost
from envprint.outputs.drift_error import remarks_on
from envprint.run.promotion import unfit_before
from envprint.run.used_libraries import Again


class Preflight(NamedTuple):
    """What is known before the command starts."""

    before: Fingerprint
    report: Report | None
    """None if it was not requested."""
    refuses: bool
    unfit: str | None
    """Why the run cannot become `@last-good`, whatever comes of it."""
    again: Again | None = None
    """The check of a job that has loaded these modules, and why the run cannot become `@last-good`
    by that; None if no check was requested."""


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
    # No line may stand before a report for programs, which goes to stderr as well.
    if options.format == "text" or _has_file(options):
        for remark in remarks:
            console.log(remark)
    if options.no_check:
        return Preflight(before, None, False, unfit_before(None, context))
    judged = context.state(before, baseline)
    report = _counted_as(judged, lacking)
    code = context.exit_code(report)
    in_full = code or options.details or options.output is not None or options.format != "text"
    if in_full:
        write(report, context, options, Console(console.stderr, console.stderr))
    if _has_file(options) or not in_full:
        if lacking and not code:
            console.log(f"{lacking}; continuing without one (--require-baseline refuses)")
        _in_short(report if code else judged, context, console)
    if code:
        console.log("the command was not run; --no-check runs it anyway")
    # A first run has nothing to be compared with. That it is good is judged by its state alone:
    # otherwise no run would ever be good.
    unfit = unfit_before(judged, context)
    return Preflight(before, judged, code != 0, unfit, _again(context, before, baseline))


def _again(context: Context, before: Fingerprint, baseline: Fingerprint | None) -> Again:
    """The same check, once it is known what the command has loaded."""

    def check(modules: frozenset[str]) -> tuple[Report, str | None]:
        request = context.request._replace(loaded=modules)
        report = context._replace(request=request).state(before, baseline)
        return report, unfit_before(report, context, "the check of what it loaded")

    return check


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
        return None, f"no baseline: {options.baseline} has no good run yet"


def _counted_as(judged: Report, lacking: str | None) -> Report:
    """Without the baseline that was named, nothing counts as checked."""
    if lacking is None or judged.not_checked is not None:
        return judged
    return judged._replace(not_checked=lacking, summary=f"{lacking}; {judged.summary}")


def _has_file(options: argparse.Namespace) -> bool:
    """Whether the report goes to a file, and not to stderr."""
    return options.output not in (None, "-")


def _in_short(report: Report, context: Context, console: Console) -> None:
    """Say in short lines what a person should know who does not read the report."""
    lines = remarks_on(report, context.policy.on_unknown)
    if report.only:
        first = report.summary if report.not_checked is None else lines.pop(0)
        part = report.only_in_words()
        lines.insert(0, first if first.startswith(part) else f"{part}: {first}")
    for line in lines:
        console.log(line)
    # The policy's own notes were printed when it was read.
    for note in [note for note in report.policy_notes if note not in context.policy.notes]:
        console.log(f"policy: {note}")
    warn_of_undecided(report, context, console)
