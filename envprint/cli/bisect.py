"""`envprint bisect`: finds between which two saved records each difference appeared."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from envprint.cli._capture_options import SOURCE, add_capture_options, load
from envprint.cli._console import Console
from envprint.cli._judge_options import add_framework_option, context_of
from envprint.core.errors import EnvprintError, UsageError
from envprint.core.fingerprint import Fingerprint
from envprint.core.report import NOT_CHECKED_WORD, NOT_JUDGED, Finding, Unjudged
from envprint.core.summary import code_in_words, code_of
from envprint.core.text import block
from envprint.core.typed import Any
from envprint.documents.codec import loads, to_json
from envprint.judging.bisect import CODE, Step, narrow
from envprint.judging.context import Request

HELP = "show between which two saved records each difference appeared"
EPILOG = """\
example:
  envprint bisect @last-good now
  envprint bisect monday.json @last --framework torch --format json

exit codes:
  0  done, even if nothing differs
  2  could not do the job
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument("good", metavar="GOOD", help=SOURCE)
    parser.add_argument("bad", metavar="BAD", help="the same")
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="default: %(default)s"
    )
    parser.add_argument("--policy", metavar="FILE", help="the team's policy, as for diff")
    add_framework_option(parser)
    parser.add_argument("--device", choices=("cpu", "gpu"), help="default: gpu if one is visible")
    add_capture_options(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Load, compare each record with the good one, print."""
    request = Request(options.policy, tuple(options.framework), options.device)
    context = context_of(request, console)
    good, bad = (load(side, options, console) for side in (options.good, options.bad))
    if good.captured_at > bad.captured_at:
        raise UsageError(
            f"bisect: {options.good} is later than {options.bad}: put the good one first"
        )
    between = _between(good, bad, console)
    steps = narrow(good, between, bad, context.drift)
    not_checked = context.drift(good, bad).not_checked
    if options.format == "json":
        console.emit(to_json([_document(step) for step in steps]))
        if not_checked:
            console.warn(f"not checked: {not_checked}")
    else:
        console.emit("\n".join(_lines(steps, len(between), not_checked)) + "\n")
    return 0


def _between(good: Fingerprint, bad: Fingerprint, console: Console) -> list[Fingerprint]:
    """What was captured after the good one and before the bad one, in order of time."""
    from envprint.documents.store import PROMOTION, Damaged, Store

    store = Store(warn=console.warn)
    sides = [side._replace(reference=None, program=None) for side in (good, bad)]
    found: dict[str, Fingerprint] = {}
    for saved in store.saved():
        if isinstance(saved, Damaged):
            console.warn(f"skipped: {saved.reason}")
            continue
        if saved.kind == PROMOTION:
            continue
        try:
            one = loads(store.read(saved.object), saved.object)
        except EnvprintError as error:
            console.warn(f"skipped: {error}")
            continue
        if good.captured_at <= one.captured_at <= bad.captured_at and one not in sides:
            found[saved.object] = one
    oldest_first = list(found.values())[::-1]
    return sorted(oldest_first, key=lambda one: one.captured_at)


def _lines(steps: list[Step], between: int, not_checked: str | None) -> Iterator[str]:
    records = "1 record" if between == 1 else f"{between} records"
    yield from block("records", f"{records} between the good and the bad one")
    if not_checked:
        yield from block(NOT_CHECKED_WORD, not_checked)
    elif not steps:
        yield from block("found", "nothing that is known to change a training result")
    for step in steps:
        yield ""
        yield from _finding(step)
        came = "appeared" if step.is_steady else "appeared for good, after coming and going,"
        yield from block("  when", f"{came} between {_name(step.before)} and {_name(step.after)}")


def _finding(step: Step) -> Iterator[str]:
    finding = step.finding
    if isinstance(finding, Unjudged):
        yield from block("not", f"{finding.message} ({finding.part})")
        yield from block("judged", f"{finding.reason} ({NOT_JUDGED})")
        return
    topic = "code" if finding.rule == CODE else finding.impact.word
    yield from block(topic, f"{finding.title} ({finding.rule})")
    yield from block("", _what(step, finding))


def _what(step: Step, finding: Finding) -> str:
    """What was found; of code also the branch, and what is not committed."""
    before, after = code_of(step.before), code_of(step.after)
    if finding.rule == CODE and before and after:
        return code_in_words(before, after)
    return finding.message


def _name(one: Fingerprint) -> str:
    named = one.reference or one.label
    label = f"{named}, " if named else ""
    when = one.captured_at.replace("T", " ").rstrip("Z")
    return f"{label}{when} ({one.digest.removeprefix('sha256:')[:12]})"


def _document(step: Step) -> dict[str, Any]:
    finding = step.finding
    judged = finding if isinstance(finding, Finding) else None
    return {
        "rule": judged.rule if judged else NOT_JUDGED,
        "impact": judged.impact.word if judged else None,
        "message": finding.message,
        "is_steady": step.is_steady,
        "before": _side(step.before),
        "after": _side(step.after),
    }


def _side(one: Fingerprint) -> dict[str, Any]:
    return {"label": one.label, "digest": one.digest, "captured_at": one.captured_at}
