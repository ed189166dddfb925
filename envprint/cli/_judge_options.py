"""Options of the verbs that judge, and their meaning."""

from __future__ import annotations

import re
from collections.abc import Callable

from envprint.cli._console import Console
from envprint.cli._plain_words import unfit
from envprint.core.discovery import module_names
from envprint.core.errors import UsageError
from envprint.core.fingerprint import FRAMEWORKS, Fingerprint
from envprint.core.impact import IMPACT_WORDS, Impact
from envprint.core.report import Report, count_undecided
from envprint.core.typed import TYPE_CHECKING
from envprint.core.units import parse_seconds, parse_size
from envprint.core.workload import ALIASES
from envprint.documents.codec import fingerprint_shape
from envprint.judging.context import Context, Request, agreed
from envprint.judging.policy.model import UNKNOWN_ACTIONS, OneOff
from envprint.outputs import formats

if TYPE_CHECKING:
    import argparse

EXIT_CODES = """\
exit codes:
  0  nothing at or above --fail-on (default: numeric)
  1  at least one finding at or above it
  2  could not do the job: wrong usage, unreadable input, unwritable output
  3  with --on-unknown fail: nothing found, but a rule that could reach the
     threshold could not be decided, something was not judged, or nothing was
     checked
"""


def add_judging_options(parser: argparse.ArgumentParser, *, to_file: bool = True) -> None:
    """Options for how to judge and how to report; with `to_file`, `-o` is the report's file."""
    _add_report_options(parser.add_argument_group("how to report"), to_file=to_file)
    if not to_file:
        parser.set_defaults(output=None)
    add_verdict_options(parser)


def add_verdict_options(parser: argparse.ArgumentParser) -> None:
    """Options for how to judge, whatever the report."""
    group = parser.add_argument_group("how to judge")
    group.add_argument(
        "--fail-on",
        choices=IMPACT_WORDS,
        metavar="IMPACT",
        help=f"one of {', '.join(IMPACT_WORDS)}",
    )
    group.add_argument(
        "--policy", metavar="FILE", help="the team's policy (default: see `policy show`)"
    )
    add_framework_option(group)
    group.add_argument("--device", choices=("cpu", "gpu"), help="default: gpu if one is visible")
    group.add_argument(
        "--on-unknown",
        choices=UNKNOWN_ACTIONS,
        help="what to do if something is undecided, unread or not checked (default: warn)",
    )
    group.add_argument("--strict", action="store_true", help="count advice as findings")
    add_narrowing_options(parser.add_argument_group("what to leave out of this report"))


def _add_report_options(group: argparse._ArgumentGroup, *, to_file: bool) -> None:
    names = module_names(formats)
    group.add_argument(
        "--format",
        choices=names,
        default="text",
        metavar="FORMAT",
        help=f"one of {', '.join(names)} (default: %(default)s)",
    )
    if to_file:
        group.add_argument("-o", "--output", metavar="FILE", help="write the report to FILE")
    group.add_argument(
        "--details",
        choices=formats.DETAILS,
        help="how much follows the first screen of a text (default: likely; all with -o)",
    )
    for short, long, details, text in (
        ("-q", "--quiet", formats.QUIET, "print the verdict only, in one line"),
        ("-v", "--verbose", formats.ALL, "the same as --details all"),
    ):
        group.add_argument(
            short, long, dest="details", action="store_const", const=details, help=text
        )


def add_narrowing_options(group: argparse._ActionsContainer) -> None:
    """Options for what this call leaves out, beside the policy; each may be given again."""
    group.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="SECTION",
        help="judge this section only, such as gpu, live.gpu or packages; repeatable",
    )
    group.add_argument(
        "--ignore",
        action="append",
        default=[],
        type=_one_off,
        metavar="RULE[=REASON]",
        help="ignore the findings of this rule (* matches anything)",
    )
    group.add_argument(
        "--expect",
        action="append",
        default=[],
        type=_one_off,
        metavar="PATH[=REASON]",
        help="treat a difference here as the experiment itself, and do not count it",
    )


def _one_off(text: str) -> OneOff:
    # A key in brackets may hold an equals sign.
    found = re.fullmatch(r"((?:\[[^\]]*\]|[^=])+)(?:=(.*))?", text, re.DOTALL)
    if not found or not found[1].strip():
        raise unfit(f"expected NAME or NAME=REASON, found {text!r}")
    reason = (found[2] or "").strip()
    return OneOff(found[1].strip(), reason or "given on the command line")


def add_remedy_option(parser: argparse.ArgumentParser) -> None:
    """The option for the way back instead of the report."""
    parser.add_argument(
        "--remedy",
        action="store_true",
        help="print the way back to BASELINE as commands for a shell",
    )


def add_public_option(parser: argparse.ArgumentParser) -> None:
    """The option for a report that is safe to post."""
    parser.add_argument(
        "--public",
        action="store_true",
        help="make the report safe to post: leave out or replace what is private",
    )


def public_form(
    report: Report, options: argparse.Namespace, judge: Callable[[tuple[Fingerprint, ...]], Report]
) -> Report:
    """The report, or with `--public` what of it is safe to post. Raises `UsageError`."""
    if not options.public:
        return report
    if options.remedy:
        raise UsageError("--remedy has private names and paths: leave out --public")
    from envprint.outputs.public.reports import public_report  # few reports are posted

    return public_report(report, judge)


def with_way_back(
    report: Report,
    baseline: Fingerprint | None,
    current: Fingerprint,
    options: argparse.Namespace,
) -> Report:
    """The report with the way back, if `--remedy` is given. Raises `UsageError`."""
    if not options.remedy:
        return report
    if baseline is None:
        raise UsageError("--remedy is the way back to a baseline: name one")
    if "way_back" in getattr(formats.format_named(options.format), "OMITS", ()):
        raise UsageError(f"--remedy: {options.format} has no place for it; text or markdown has")
    from envprint.judging.way_back import way_back  # few calls want it

    return report._replace(way_back=way_back(report, baseline, current))


def add_framework_option(group: argparse._ActionsContainer) -> None:
    """The option that names the frameworks of the workload."""
    group.add_argument(
        "--framework",
        action="append",
        default=[],
        type=framework_argument,
        metavar="NAME",
        help=f"judge for this framework only: {', '.join(FRAMEWORKS)} (or {', '.join(ALIASES)}); "
        "or for a library that takes part in training, such as transformers or xgboost; "
        "repeatable (default: the frameworks installed)",
    )


def framework_argument(name: str) -> str:
    """An `argparse` type for names of frameworks, their aliases, and names of libraries."""
    from envprint.knowledge.jobs import job_named  # few command lines name one

    try:
        return job_named(name)
    except ValueError as error:
        raise unfit(str(error)) from None


def request_of(options: argparse.Namespace) -> Request:
    """The request, from the options of `add_judging_options`."""
    return Request(
        policy=options.policy,
        frameworks=tuple(options.framework),
        device=options.device,
        fail_on=Impact[options.fail_on.upper()] if options.fail_on else None,
        on_unknown=options.on_unknown,
        strict=options.strict,
        ignores=tuple(options.ignore),
        expects=tuple(options.expect),
        only=tuple(options.only),
    )


def context_of(request: Request, console: Console) -> Context:
    """The request under the policy in force. Warns of the policy's notes; reports contain them too,
    but not every verb prints a report.
    """
    context = agreed(request, fingerprint_shape)
    for note in context.policy.notes:
        console.warn(note)
    return context


def present(report: Report, context: Context, options: argparse.Namespace, console: Console) -> int:
    """Print the report in the requested format and return the exit code."""
    write(report, context, options, console)
    if options.format != "text":
        if report.not_checked is not None:
            console.warn(f"not checked: {report.not_checked}")
        warn_of_undecided(report, context, console)
    return context.exit_code(report)


def write(report: Report, context: Context, options: argparse.Namespace, console: Console) -> None:
    """Print the report in the requested format, or write it to the requested file."""
    output = formats.format_named(options.format)
    view = _view(options, console)._replace(fail_on=context.policy.fail_on)
    console.emit(output.render(report, view), options.output)
    if appendix := getattr(output, "APPENDIX", None):
        from envprint.cli._appendix import append  # one service wants one

        append(report, view, appendix, console)


def _view(options: argparse.Namespace, console: Console) -> formats.View:
    """How to show the report: a file is for later, so it has all of it, and no colour."""
    if options.output in (None, "-"):
        details = options.details or formats.LIKELY
        return formats.View(console.colour(), options.strict, console.width(), details)
    return formats.View(strict=options.strict, details=options.details or formats.ALL)


def warn_of_undecided(report: Report, context: Context, console: Console) -> None:
    """Warn how many rules are undecided, if the policy has `on_unknown` set to `warn`."""
    if context.policy.on_unknown == "warn" and count_undecided(report.undecided):
        console.warn(count_undecided(report.undecided))


def size_argument(text: str) -> int:
    """An `argparse` type for sizes."""
    try:
        return parse_size(text)
    except ValueError as error:
        raise unfit(str(error)) from None


def time_argument(text: str) -> float:
    """An `argparse` type for times, in seconds."""
    try:
        return parse_seconds(text)
    except ValueError as error:
        raise unfit(str(error)) from None


def count_argument(text: str) -> int:
    """An `argparse` type for counts of one or more."""
    if not text.isdecimal() or len(text) > 18 or int(text) < 1:
        raise unfit(f"expected a whole number above 0, found {text!r}")
    return int(text)
