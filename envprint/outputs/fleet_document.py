"""A fleet as JSON types, and its shape, from which the published schema is made."""

from __future__ import annotations

from envprint.core.fields import ANYTHING, FLAG, INTEGER, TEXT, Field, ListOf, MapOf, record
from envprint.core.fleet import Fleet, Group
from envprint.core.typed import Any
from envprint.core.version import __version__
from envprint.outputs.fleet_words import verdict
from envprint.outputs.formats.json import to_document

VERSION = "1.0"

_UNREAD = record(
    Field("source", TEXT, "The document."), Field("reason", TEXT, "What is wrong with it.")
)._replace(required=("source", "reason"))

SHAPE = record(
    Field("schema_version", TEXT, "Version of this document's form, MAJOR.MINOR."),
    Field("envprint_version", TEXT, "The program that wrote it."),
    Field(
        "verdict",
        record(
            Field("impact", TEXT, "The highest impact of any finding."),
            Field("summary", TEXT, "The verdict in one sentence."),
            Field("machines", INTEGER, "How many members were compared."),
            Field("groups", INTEGER, "How many distinct groups they form."),
            Field("odd", INTEGER, "How many members are not in a group that is a baseline."),
            Field("not_checked", TEXT, "Why no framework's rules apply; null if they do."),
        ),
        "The verdict.",
    ),
    Field(
        "baseline",
        INTEGER,
        "Index of the group that the others are compared with; null if the baseline is no member.",
    ),
    Field(
        "reference",
        record(
            Field("reference", TEXT, "The baseline, as the user named it."),
            Field("label", TEXT, "Its label."),
            Field("digest", TEXT, "Its digest."),
        ),
        "The baseline that the user named; null for the majority.",
    ),
    Field(
        "groups",
        ListOf(
            record(
                Field("members", ListOf(TEXT), "Names, by hosts or else by files."),
                Field("sources", ListOf(TEXT), "The document of each member."),
                Field("role", TEXT, "What keeps them apart from others; null without a role."),
                Field("digest", TEXT, "The digest of the fingerprint that stands for the group."),
                Field(
                    "sections",
                    MapOf(TEXT, "section"),
                    "Digests of its sections, without what is meant to differ.",
                ),
                Field("against", INTEGER, "Index of the group it was compared with; or null."),
                Field("differs", ListOf(TEXT), "The sections that differ from those."),
                Field(
                    "unknown", MapOf(ListOf(TEXT), "member"), "What is unknown of a member alone."
                ),
                Field(
                    "undecided",
                    ListOf(
                        record(
                            Field("rule", TEXT, "Id."),
                            Field("path", TEXT, "The fact that is unknown on all of them."),
                            Field("reason", TEXT, "Why."),
                            Field("impact", TEXT, "The worst that the rule could have found."),
                        )
                    ),
                    "Of a baseline, the rules that could not be decided; those of another group "
                    "stand in its report.",
                ),
                Field(
                    "report", ANYTHING, "The report document (report-1.json); null for a baseline."
                ),
            )._replace(required=("members", "digest", "sections", "differs"))
        ),
        "Members that are alike in all that is not meant to differ; the largest group first.",
    ),
    Field(
        "states",
        ListOf(
            record(
                Field("rule", TEXT, "Id."),
                Field("impact", TEXT, "none, perf, numeric, diverges or breaks."),
                Field("title", TEXT, "What was found, in general."),
                Field("message", TEXT, "What was found, here."),
                Field("remedy", TEXT, "What to do."),
                Field("members", ListOf(TEXT), "Of whom it was true at their capture."),
            )._replace(required=("rule", "impact", "message", "members"))
        ),
        "What was true of some machines at their capture; in no digest.",
    ),
    Field("unreadable", ListOf(_UNREAD), "Documents that could not be read."),
    Field(
        "older",
        ListOf(
            record(
                Field("source", TEXT, "The document."),
                Field("captured_at", TEXT, "When it was captured."),
                Field("newer", TEXT, "The document of the same machine that counts."),
            )
        ),
        "Documents of a machine of which there is a newer one.",
    ),
    Field("forged", ListOf(_UNREAD), "Documents whose digests were not those of their facts."),
    Field("by", ListOf(TEXT), "What keeps members apart, as the user named it."),
    Field("verified", FLAG, "Whether the digests of every document were computed again."),
    Field("policy", TEXT, "The policy file in force; null if the defaults apply."),
)
NOT_ALWAYS = ("baseline", "reference", "policy")
"""Fields that may be null."""


def document(fleet: Fleet) -> dict[str, Any]:
    """The fleet as JSON types."""
    reference = fleet.reference
    return {
        "schema_version": VERSION,
        "envprint_version": __version__,
        "verdict": {
            "impact": fleet.impact.word,
            "summary": verdict(fleet),
            "machines": fleet.size,
            "groups": len(fleet.groups),
            "not_checked": fleet.not_checked,
            "odd": sum(len(group.members) for group in fleet.odd()),
        },
        "baseline": fleet.baseline,
        "reference": reference
        and {
            "reference": reference.reference,
            "label": reference.label,
            "digest": reference.digest,
        },
        "groups": [_group(group) for group in fleet.groups],
        "states": [
            {
                "rule": state.finding.rule,
                "impact": state.finding.impact.word,
                "title": state.finding.title,
                "message": state.finding.message,
                "remedy": state.finding.remedy,
                "members": list(state.members),
            }
            for state in fleet.states
        ],
        "unreadable": [one._asdict() for one in fleet.unreadable],
        "older": [one._asdict() for one in fleet.older],
        "forged": [one._asdict() for one in fleet.forged],
        "by": list(fleet.by),
        "verified": fleet.verified,
        "policy": fleet.policy,
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "members": [member.name for member in group.members],
        "sources": [member.source for member in group.members],
        "role": group.role or None,
        "digest": group.digest,
        "sections": dict(group.sections),
        "against": group.against,
        "differs": list(group.differs),
        "unknown": {one.name: list(one.unknown) for one in group.members if one.unknown},
        "undecided": [{**one._asdict(), "impact": one.impact.word} for one in group.undecided],
        "report": group.report and to_document(group.report),
    }
