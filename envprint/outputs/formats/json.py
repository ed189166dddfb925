"""The report as a document (schemas/report-1.json)."""

from __future__ import annotations

from envprint.core.fields import ANYTHING, FLAG, INTEGER, TEXT, Field, ListOf, MapOf, Record, record
from envprint.core.fingerprint import SCHEMA_VERSION
from envprint.core.report import Finding, Knowledge, Report, Summary, undecided_rules
from envprint.core.shell import kind
from envprint.core.typed import TYPE_CHECKING, Any
from envprint.documents.codec import to_json
from envprint.outputs.formats import View
from envprint.outputs.formats._recreated import RECREATED, recreated_document

if TYPE_CHECKING:
    from envprint.core.way_back import WayBack

_SIDE = record(
    Field("label", TEXT, "The label given at capture."),
    Field(
        "reference",
        TEXT,
        "How the user named it: a file, @NAME or now; null for a value of the API.",
    ),
    Field("prefix", TEXT, "The prefix of its Python environment; null if unknown."),
    Field("program", TEXT, "The program whose run saved it; null if unknown."),
    Field(
        "chosen",
        TEXT,
        "Why this environment was observed, in words; null for a document and for the API.",
    ),
    Field(
        "hint",
        TEXT,
        "A different environment that may be meant, and the command that checks it; or null.",
    ),
    Field("digest", TEXT, "The fingerprint's digest."),
    Field("captured_at", TEXT, "When it was captured, in UTC."),
    Field(
        "machine",
        ListOf(record(Field("topic", TEXT, "Such as cpu."), Field("text", TEXT, "In words."))),
        "The machine in a few lines.",
    ),
)

_ADVICE = (
    Field("rule", TEXT, "Id; `envprint explain ID` prints its page."),
    Field("title", TEXT, "What was found, in general."),
    Field("message", TEXT, "What was found, here."),
    Field("paths", ListOf(TEXT), "The paths in the fingerprint that show it."),
    Field("why", TEXT, "Why it matters."),
    Field("not_when", TEXT, "When it does not matter."),
    Field("remedy", TEXT, "What to do: text, or a command or code to paste unchanged."),
    Field(
        "remedy_kind",
        TEXT,
        "text; command, for a shell; or python, for the program.",
    ),
    Field("note", TEXT, "Where, when and on which side; null if that is clear."),
    Field("evidence", ListOf(TEXT), "Sources: addresses, or measurements of the project."),
)

SHAPE: Record = record(
    Field("schema_version", TEXT, "Version of this document's form, MAJOR.MINOR."),
    Field(
        "verdict",
        record(
            Field("impact", TEXT, "The highest impact among the findings."),
            Field("summary", TEXT, "The verdict in one sentence."),
            Field(
                "checked",
                FLAG,
                "false if no framework's rules could apply; the reason is in the summary.",
            ),
            Field("unjudged", INTEGER, "Number of entries in `unjudged`."),
            Field("undecided", INTEGER, "Number of rules in `undecided`, not counting advice."),
            Field(
                "likely_causes",
                ListOf(TEXT),
                "At most three rules that best explain different results, most likely first.",
            ),
            Field(
                "look_next",
                ListOf(TEXT),
                "Where to look if results differ and no finding explains it.",
            ),
        ),
        "The verdict.",
    ),
    Field("baseline", _SIDE, "The fingerprint compared against; null if there was none."),
    Field("current", _SIDE, "The fingerprint that was judged."),
    Field(
        "context",
        record(
            Field("frameworks", ListOf(TEXT), "Frameworks of the workload."),
            Field(
                "libraries",
                ListOf(TEXT),
                "Further libraries of the workload: those named or imported, and what they compute "
                "with; empty if that is unknown.",
            ),
            Field(
                "only_baseline",
                ListOf(TEXT),
                "Frameworks that only the baseline has installed; not judged.",
            ),
            Field(
                "only_current",
                ListOf(TEXT),
                "Frameworks that only the current side has installed; not judged.",
            ),
            Field("device", TEXT, "cpu or gpu: what the job is for."),
            Field(
                "computes_on",
                MapOf(
                    record(
                        Field("device", TEXT, "cpu or gpu; null if it is unknown."),
                        Field("reason", TEXT, "Why, or why it is unknown."),
                    ),
                    "framework",
                ),
                "Where each framework of the workload will compute, by files and the driver.",
            ),
            Field(
                "knowledge",
                record(
                    Field("as_of", TEXT, "The day on which the newest releases were looked up."),
                    Field("newer", INTEGER, "How many changed packages are newer."),
                    Field("packages", ListOf(TEXT), "Their names and versions."),
                ),
                "How old envprint's knowledge is, and which changed packages were not released.",
            ),
            Field("prefix", TEXT, "The prefix of the environment that was judged."),
            Field("policy", TEXT, "The policy file in force; null if the defaults apply."),
            Field(
                "only",
                ListOf(TEXT),
                "The sections that were judged, if the user chose some; empty for all.",
            ),
        ),
        "The workload and the policy of the judgement.",
    ),
    Field(
        "findings",
        ListOf(
            record(
                *_ADVICE,
                Field("impact", TEXT, "none, perf, numeric, diverges or breaks."),
                Field("confidence", TEXT, "documented, measured or inferred."),
                Field("before", ANYTHING, "The value in the baseline."),
                Field("after", ANYTHING, "The value now."),
                Field(
                    "not_seen",
                    TEXT,
                    "The expected impact, and what probes measured instead, which lowered it; "
                    "null if nothing was measured.",
                ),
            )
        ),
        "What applies now and what it does; by impact, then rule, then path.",
    ),
    Field(
        "changes",
        ListOf(
            record(
                Field("path", TEXT, "Where."),
                Field("kind", TEXT, "added, removed or changed."),
                Field("before", ANYTHING, "The value in the baseline."),
                Field("after", ANYTHING, "The value now."),
            )
        ),
        "Every difference that no finding explains.",
    ),
    Field(
        "unjudged",
        ListOf(
            record(
                Field("name", TEXT, "The distribution or the variable."),
                Field("path", TEXT, "Where."),
                Field("before", ANYTHING, "The value in the baseline."),
                Field("after", ANYTHING, "The value now."),
                Field("kind", TEXT, "What changed: package or variable."),
                Field(
                    "role",
                    TEXT,
                    "The part that it, or the library that reads the variable, takes; or unknown.",
                ),
                Field(
                    "read",
                    TEXT,
                    "Address of its release notes, or of what is known of the variable; or null.",
                ),
                Field(
                    "derived",
                    FLAG,
                    "Whether this comes from its own metadata and not from a table.",
                ),
            )
        ),
        "Changes of what takes part in training that nobody has judged; in no other list.",
    ),
    Field(
        "undecided",
        ListOf(
            record(
                Field("rule", TEXT, "Id; hidden-value for a hidden value that no rule uses."),
                Field("path", TEXT, "What was unknown."),
                Field("reason", TEXT, "Why."),
            )
        ),
        "Rules that could not be decided.",
    ),
    Field("advice", ListOf(record(*_ADVICE)), "What would make results more repeatable."),
    Field(
        "ignored",
        ListOf(
            record(
                Field("rule", TEXT, "Id."),
                Field("message", TEXT, "The finding that was left out."),
                Field("reason", TEXT, "The policy's reason."),
                Field("expires", TEXT, "Last day on which the entry applies."),
            )
        ),
        "Findings that the policy leaves out.",
    ),
    Field(
        "expected",
        ListOf(
            record(
                Field("rule", TEXT, "Id; null for a change that no rule covers."),
                Field("path", TEXT, "Where."),
                Field("message", TEXT, "What differs."),
                Field("reason", TEXT, "The policy's reason."),
            )
        ),
        "Differences that are the experiment itself.",
    ),
    Field(
        "lockstep", ListOf(TEXT), "Rules whose findings came together with an expected difference."
    ),
    Field("policy_notes", ListOf(TEXT), "Policy entries that expired or match nothing."),
    Field(
        "way_back",
        record(
            Field(
                "steps",
                ListOf(
                    record(
                        Field("command", TEXT, "One line for a shell."),
                        Field(
                            "removes",
                            ListOf(TEXT),
                            "Rules whose findings it removes, not-judged for what is not judged; "
                            "empty for what only goes along.",
                        ),
                        Field("note", TEXT, "Where or when it applies; null if that is clear."),
                    )
                ),
                "Commands from the current side back to the baseline, in this order.",
            ),
            Field(
                "in_program",
                ListOf(
                    record(
                        Field("code", TEXT, "Lines of Python."),
                        Field("removes", TEXT, "Rule whose finding they remove."),
                    )
                ),
                "What the program itself has to do.",
            ),
            Field(
                "without",
                ListOf(
                    record(
                        Field("rule", TEXT, "Id; not-judged for what is not judged."),
                        Field("message", TEXT, "What was found."),
                        Field("remedy", TEXT, "What to do, in words."),
                    )
                ),
                "Findings that no command removes.",
            ),
        ),
        "The way back to the baseline; only with --remedy.",
    ),
    RECREATED,
)
NOT_ALWAYS = ("baseline", "way_back", "recreated")
"""Keys that a report may lack or that may be null: a pre-flight may have no baseline."""


def render(report: Report, view: View = View()) -> str:  # noqa: B008  an immutable value
    """The report document as text, the same in any view."""
    return to_json(to_document(report))


def to_document(report: Report) -> dict[str, Any]:
    """The report in JSON types."""
    way = report.way_back
    return {
        **({} if way is None else {"way_back": _way_back(way)}),
        **({} if report.recreated is None else {"recreated": recreated_document(report.recreated)}),
        "schema_version": SCHEMA_VERSION,
        "verdict": {
            "impact": report.impact.word,
            "summary": report.summary,
            "checked": report.not_checked is None,
            "unjudged": len(report.unjudged),
            "undecided": len(undecided_rules(report.undecided)),
            "likely_causes": list(report.likely_causes),
            "look_next": list(report.look_next),
        },
        "baseline": _side(report.baseline) if report.baseline else None,
        "current": _side(report.current),
        "context": {
            "frameworks": list(report.workload.frameworks),
            "libraries": list(report.workload.libraries),
            "only_baseline": list(report.workload.only_baseline),
            "only_current": list(report.workload.only_current),
            "device": report.workload.device,
            "computes_on": {
                one.framework: {"device": one.device, "reason": one.reason}
                for one in report.computes_on
            },
            "knowledge": _knowledge(report.knowledge),
            "prefix": report.current.prefix,
            "policy": report.policy,
            "only": list(report.only),
        },
        "findings": [
            {
                **_advice(finding),
                "impact": finding.impact.word,
                "confidence": finding.confidence.value,
                "before": finding.before,
                "after": finding.after,
                "not_seen": finding.probed_equal,
            }
            for finding in report.findings
        ],
        "changes": [change._asdict() for change in report.changes],
        "unjudged": [entry._asdict() for entry in report.unjudged],
        "undecided": [
            {"rule": entry.rule, "path": entry.path, "reason": entry.reason}
            for entry in report.undecided
        ],
        "advice": [_advice(finding) for finding in report.advice],
        "ignored": [ignored._asdict() for ignored in report.ignored],
        "expected": [expected._asdict() for expected in report.expected],
        "lockstep": list(report.also_changed),
        "policy_notes": list(report.policy_notes),
    }


def _way_back(way: WayBack) -> dict[str, Any]:
    return {
        "steps": [
            {"command": step.command, "removes": list(step.removes), "note": step.note or None}
            for step in way.steps
        ],
        "in_program": [one._asdict() for one in way.in_program],
        "without": [one._asdict() for one in way.without],
    }


def _side(summary: Summary) -> dict[str, Any]:
    return {
        "label": summary.label,
        "reference": summary.reference,
        "prefix": summary.prefix,
        "program": summary.program,
        "chosen": summary.chosen,
        "hint": summary.hint,
        "digest": summary.digest,
        "captured_at": summary.captured_at,
        "machine": [{"topic": topic, "text": text} for topic, text in summary.lines],
    }


def _knowledge(known: Knowledge | None) -> dict[str, Any] | None:
    if known is None:
        return None
    return {"as_of": known.as_of, "newer": len(known.newer), "packages": list(known.newer)}


def _advice(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "title": finding.title,
        "message": finding.message,
        "paths": list(finding.paths),
        "why": finding.why,
        "not_when": finding.not_when,
        "remedy": finding.remedy,
        "remedy_kind": kind(finding.remedy),
        "note": finding.note or None,
        "evidence": list(finding.evidence),
    }
