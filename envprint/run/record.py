"""The record of a run as a document (schemas/run-1.json): before, during and after."""

from __future__ import annotations

import os
from collections.abc import Sequence

from envprint.core.comparison import Change
from envprint.core.fields import ANYTHING, FLAG, INTEGER, NUMBER, TEXT, Field, ListOf, MapOf, record
from envprint.core.fingerprint import SCHEMA_VERSION, Fingerprint, Unknown, is_inside
from envprint.core.redact import clean, safe_arguments
from envprint.core.typed import TYPE_CHECKING, Any, NamedTuple
from envprint.core.version import __version__
from envprint.documents.codec import fingerprint_shape
from envprint.documents.codec import to_document as to_document_of
from envprint.judging.compare import compare

if TYPE_CHECKING:
    from envprint.core.report import Report
    from envprint.gpu.account import WatchResult
    from envprint.run.command_interpreter import Started
    from envprint.run.job import Ended

_HOLDER = record(
    Field("gpu", TEXT, "UUID of the GPU or MIG device, or its index."),
    Field("pid", INTEGER, "As the driver reports it."),
    Field("name", TEXT, "Name of the process; null if unknown."),
    Field("own", FLAG, "Whether it belongs to the run; null if unknown."),
    Field(
        "at_start",
        FLAG,
        "Whether it was there at the start; null if the driver reported it only later.",
    ),
    Field("seen_from", TEXT, "UTC, to the second."),
    Field("seen_until", TEXT, "UTC; null if it was still there."),
    Field(
        "peak_bytes", INTEGER, "The most it held at once; null if the driver does not report it."
    ),
)
_GAP = record(
    Field("gpu", TEXT, "The GPU; null for all."),
    Field("reason", TEXT, "Why the driver did not answer."),
    Field("seen_from", TEXT, "UTC, to the second."),
    Field("seen_until", TEXT, "UTC; null if it lasted."),
)
_MOMENT = record(
    Field("gpu", TEXT, "The GPU."),
    Field("seen_at", TEXT, "UTC, to the second; the first of several samples."),
    Field("used_bytes", INTEGER, "In use, the most of these samples; null if unknown."),
    Field("own_bytes", INTEGER, "Held by the run, the most of these samples; null if unknown."),
)

SHAPE = record(
    Field("schema_version", TEXT, "Version of this document's form, MAJOR.MINOR."),
    Field("envprint_version", TEXT, "The program that wrote it."),
    Field(
        "command",
        record(
            Field("name", TEXT, "Name of the program, without its path."),
            Field("arguments", INTEGER, "The number of arguments; they are not recorded."),
            Field("digest", TEXT, "SHA-256 over the program and its arguments, secrets hidden."),
        ),
        "The command.",
    ),
    Field("started_at", TEXT, "UTC, to the second."),
    Field("ended_at", TEXT, "UTC, to the second."),
    Field("duration_s", NUMBER, "Of the command alone."),
    Field("exit_code", INTEGER, "Of the command, as a shell reports it."),
    Field("signal", INTEGER, "What ended it; null if it ended by itself."),
    Field(
        "left_behind", INTEGER, "Processes of its session that it left behind, and that were ended."
    ),
    Field("label", TEXT, "A short name."),
    Field("note", TEXT, "Free text."),
    Field("hash_seed", TEXT, "PYTHONHASHSEED that was set for it; null if none was."),
    Field(
        "preflight",
        record(
            Field("impact", TEXT, "The verdict before it started."),
            Field("rules", ListOf(TEXT), "The findings of that verdict."),
            Field("baseline", TEXT, "Digest of the baseline; null if there was none."),
        ),
        "The check before it started; null with --no-check.",
    ),
    Field("before", ANYTHING, "The fingerprint before it started."),
    Field("digest_after", TEXT, "Digest of the fingerprint after it ended."),
    Field(
        "changed_meanwhile",
        ListOf(
            record(
                Field("path", TEXT, "Where."),
                Field("kind", TEXT, "added, removed or changed."),
                Field("before", ANYTHING, "The value before."),
                Field("after", ANYTHING, "The value after."),
            )
        ),
        "Facts that differed after it ended.",
    ),
    Field(
        "gpus",
        record(
            Field("status", TEXT, "ok, or why there was nothing to watch."),
            Field("samples", INTEGER, "Number of times the GPUs were read."),
            Field("holders", ListOf(_HOLDER), "Other processes that held GPU memory."),
            Field("gaps", ListOf(_GAP), "When the driver did not answer."),
            Field("used_peak_bytes", MapOf(INTEGER, "GPU"), "The most in use at once."),
            Field("own_peak_bytes", MapOf(INTEGER, "GPU"), "The most the run held at once."),
            Field("memory", ListOf(_MOMENT), "The course of both, by GPU and time."),
        ),
        "The GPUs while it ran.",
    ),
    Field("memory_peak_bytes", INTEGER, "The largest resident set of one of its processes."),
    Field("libraries", ListOf(TEXT), "Numerical libraries seen loaded in it, by path."),
    Field(
        "job",
        record(
            Field("frameworks", ListOf(TEXT), "Frameworks that it loaded."),
            Field("libraries", ListOf(TEXT), "Further libraries with files that it loaded."),
            Field("impact", TEXT, "The verdict for a job with these; null with --no-check."),
            Field("rules", ListOf(TEXT), "The findings of that verdict."),
            Field("unjudged", ListOf(TEXT), "What that verdict leaves not judged."),
        ),
        "What the command computed with, and the verdict on that; null if no library of the "
        "knowledge base was seen loaded.",
    ),
    Field(
        "interpreter",
        record(
            Field(
                "path",
                TEXT,
                "The interpreter that the command starts, according to files; null if unknown.",
            ),
            Field("reason", TEXT, "Why it is unknown; null if it is known."),
            Field("steps", ListOf(TEXT), "How it was found, a line each."),
            Field(
                "other_prefixes",
                ListOf(TEXT),
                "Environments that libraries were loaded from, other than the recorded one.",
            ),
        ),
        "The Python interpreter of the command; `before` may describe a different one.",
    ),
    Field("unknown", MapOf(TEXT, "path"), "What could not be determined, by path, and why."),
)
NOT_ALWAYS = {
    "signal", "label", "note", "hash_seed", "preflight", "digest_after", "changed_meanwhile",
    "memory_peak_bytes", "unknown", "interpreter", "job",
}  # fmt: skip
"""Fields that may be null or missing, with the reason under `unknown`."""

SMALL = "no larger than envprint's own, which the kernel adds to what it starts"
"""Why the memory of a small command is unknown."""


class During(NamedTuple):
    """What was observed while the command ran."""

    started_at: str
    ended_at: str
    ended: Ended
    watched: WatchResult
    libraries: Sequence[str]
    other_prefixes: Sequence[str] = ()
    """Environments that libraries were loaded from, other than the recorded one."""
    modules: frozenset[str] = frozenset()
    """Modules of which files were seen loaded."""


class After(NamedTuple):
    """What the capture after the command found."""

    digest: str
    changed: Sequence[Change]
    """Facts that differ from those before the command."""


class Job(NamedTuple):
    """What the command computed with, as far as the files tell that it loaded."""

    frameworks: Sequence[str]
    libraries: Sequence[str]
    report: Report | None
    """The check, for a job with these; None with --no-check."""
    unfit: str | None = None
    """Why the run cannot become `@last-good` by that check."""


class Run(NamedTuple):
    """Everything known of a run once it has ended."""

    argv: Sequence[str]
    started: Started
    during: During
    before: Fingerprint
    after: After | Unknown
    preflight: Report | None
    hash_seed: str | None
    unfit: str | None = None
    """Why it cannot become `@last-good` even if it ended with 0."""
    job: Job | Unknown | None = None
    """None if no library was seen."""


def look_back(before: Fingerprint, after: Fingerprint) -> After:
    """What to keep of the fingerprint taken after a run."""
    changes = compare(before, after, fingerprint_shape()).changes
    return After(after.digest, [change for change in changes if is_inside(change.path, "facts")])


def to_document(run: Run) -> dict[str, Any]:
    """The record in JSON types."""
    known, unknown = _known(run)
    during, ended = run.during, run.during.ended
    record = {
        "schema_version": SCHEMA_VERSION,
        "envprint_version": __version__,
        "command": _command(run.argv),
        "started_at": during.started_at,
        "ended_at": during.ended_at,
        "duration_s": round(ended.duration_s, 3),
        "exit_code": ended.exit_code,
        "signal": ended.signal,
        "left_behind": ended.left_behind,
        "label": run.before.label,
        "note": run.before.note,
        "hash_seed": run.hash_seed,
        "preflight": _preflight(run.preflight) if run.preflight else None,
        **known,
        "gpus": _gpus(during.watched),
        "libraries": list(during.libraries),
        "interpreter": {
            "path": run.started.python,
            "reason": run.started.reason,
            "steps": list(run.started.steps),
            "other_prefixes": list(during.other_prefixes),
        },
        "unknown": unknown,
    }
    home = os.environ.get("HOME", "")
    return {**clean(record, home), "before": to_document_of(run.before)}


def _command(argv: Sequence[str]) -> dict[str, Any]:
    from hashlib import sha256

    # The digest of a short password could be reversed by trying.
    safe = safe_arguments(argv)
    digest = sha256("\0".join(safe).encode("utf-8", "surrogateescape")).hexdigest()
    name = safe[0].rpartition("/")[2]
    return {"name": name, "arguments": len(argv) - 1, "digest": f"sha256:{digest}"}


def _known(run: Run) -> tuple[dict[str, Any], dict[str, str]]:
    """Values that may be unknown, and the reasons for those that are."""
    known: dict[str, Any] = {}
    unknown: dict[str, str] = {}
    if isinstance(run.after, Unknown):
        reason = run.after.reason
        unknown |= {"changed_meanwhile": reason, "digest_after": reason}
    else:
        known["digest_after"] = run.after.digest
        known["changed_meanwhile"] = [change._asdict() for change in run.after.changed]
    if isinstance(run.job, Unknown):
        unknown["job"] = run.job.reason
    else:
        known["job"] = _job(run.job) if run.job else None
    if run.during.ended.memory_peak_bytes is None:
        unknown["memory_peak_bytes"] = SMALL
    else:
        known["memory_peak_bytes"] = run.during.ended.memory_peak_bytes
    return known, unknown


def _gpus(watched: WatchResult) -> dict[str, Any]:
    return {
        **watched._asdict(),
        "holders": [holder._asdict() for holder in watched.holders],
        "gaps": [gap._asdict() for gap in watched.gaps],
        "memory": [moment._asdict() for moment in watched.memory],
    }


def _job(job: Job) -> dict[str, Any]:
    report = job.report
    return {
        "frameworks": list(job.frameworks),
        "libraries": list(job.libraries),
        "impact": report.impact.word if report else None,
        "rules": [finding.rule for finding in report.findings] if report else [],
        "unjudged": [entry.name for entry in report.unjudged] if report else [],
    }


def _preflight(report: Report) -> dict[str, Any]:
    return {
        "impact": report.impact.word,
        "rules": [finding.rule for finding in report.findings],
        "baseline": report.baseline.digest if report.baseline else None,
    }
