"""Writes the published JSON Schemas, which follow from the declared fields.

    python schemas/generate.py

A test holds the files to what this makes of the code, so they cannot go stale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from envprint.collectors import declared
from envprint.core.fields import (
    INTEGER,
    TEXT,
    Field,
    ListOf,
    MapOf,
    Record,
    Scalar,
    Shape,
    may_be_null,
    record,
)
from envprint.documents.codec import MAJOR, REQUIRED, to_json
from envprint.documents.validate import KINDS
from envprint.judging.policy.fields import SHAPE as POLICY
from envprint.outputs.fleet_document import NOT_ALWAYS as OF_SOME_FLEETS
from envprint.outputs.fleet_document import SHAPE as FLEET
from envprint.outputs.formats.json import NOT_ALWAYS as OF_SOME_REPORTS
from envprint.outputs.formats.json import SHAPE as REPORT
from envprint.outputs.isolation_document import NOT_ALWAYS as OF_SOME_SEARCHES
from envprint.outputs.isolation_document import SHAPE as ISOLATION
from envprint.run.record import NOT_ALWAYS as OF_SOME_RUNS
from envprint.run.record import SHAPE as RUN

HERE = Path(__file__).parent
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def write() -> None:
    """Replace the files."""
    for kind in KINDS:
        (HERE / f"{kind}-{MAJOR}.json").write_text(text(kind), encoding="utf-8")


def text(kind: str) -> str:
    """The file of `kind`."""
    return to_json(generate(kind))


def generate(kind: str) -> dict[str, Any]:
    """The schema of `kind`, from the declared fields."""
    shape, required = _declared(kind)
    return {
        "$schema": DIALECT,
        "$id": f"urn:envprint:schema:{kind}-{MAJOR}",
        "title": f"envprint {kind}, version {MAJOR}",
        **_schema(shape, nullable=False, required=required, closed=kind == "policy"),
    }


def _declared(kind: str) -> tuple[Record, tuple[str, ...]]:
    if kind == "fingerprint":
        return fingerprint(), REQUIRED
    if kind == "policy":
        return POLICY, ()
    shape, may_lack = {
        "report": (REPORT, OF_SOME_REPORTS),
        "run": (RUN, OF_SOME_RUNS),
        "isolation": (ISOLATION, OF_SOME_SEARCHES),
        "fleet": (FLEET, OF_SOME_FLEETS),
    }[kind]
    return shape, tuple(field.name for field in shape.fields if field.name not in may_lack)


def fingerprint() -> Record:
    """The declared shape of a whole fingerprint document."""
    return record(
        Field("schema_version", TEXT, "Version of this document's form, MAJOR.MINOR."),
        Field("envprint_version", TEXT, "Version of envprint that captured it."),
        Field("captured_at", TEXT, "When, in UTC, to the second."),
        Field(
            "captured_via",
            TEXT,
            "`cli` or `python`, and behind a colon the engine in which it was made, if any: "
            "`python:Dask`. Of another tool's record, `import:` and its form.",
        ),
        Field(
            "machine_id",
            TEXT,
            "Random id of the machine, derived from nothing; null where there is none.",
        ),
        Field("label", TEXT, "A short name given by the user."),
        Field("note", TEXT, "Free text given by the user."),
        Field("tags", MapOf(TEXT), "Keys and values given by the user."),
        Field("identity", MapOf(TEXT), "User, host name and home directory; with --identify."),
        Field("digest", TEXT, "SHA-256 over all facts but those of `code` and `probes`."),
        Field(
            "digest_form",
            INTEGER,
            "How the digests are made. In form 2, marks replace the environment's prefix and the "
            "scratch directories of engines; in form 1 (or without this key) they do not.",
        ),
        Field("section_digests", MapOf(TEXT), "SHA-256 over each section of facts."),
        Field("facts", declared("facts"), "What stays as it is on an unchanged machine."),
        Field("live", declared("live"), "What belongs to the moment."),
        Field("unknown", MapOf(TEXT), "What could not be determined, by path, and why."),
    )


def _schema(
    shape: Shape, *, nullable: bool = True, required: tuple[str, ...] = (), closed: bool = False
) -> dict[str, Any]:
    """The schema of `shape`; a closed one has neither null nor keys that are not declared."""
    nullable = nullable and not closed
    if isinstance(shape, Scalar):
        return _scalar(shape, nullable)
    if isinstance(shape, ListOf):
        inner = _schema(shape.item, nullable=may_be_null(shape), closed=closed)
        return {"type": _type("array", nullable), "items": inner}
    if isinstance(shape, MapOf):
        inner = _schema(shape.item, nullable=may_be_null(shape), closed=closed)
        names = {"propertyNames": {"pattern": shape.names}} if shape.names else {}
        return {"type": _type("object", nullable), "additionalProperties": inner, **names}
    return _record(shape, nullable, required or shape.required, closed)


def _record(
    shape: Record, nullable: bool, required: tuple[str, ...], closed: bool
) -> dict[str, Any]:
    properties = {
        field.name: {
            **_schema(field.shape, nullable=field.name not in required, closed=closed),
            "description": field.doc,
        }
        for field in shape.fields
    }
    schema = {"type": _type("object", nullable), "properties": properties}
    if required:
        schema["required"] = list(required)
    if shape.any_of:
        schema["anyOf"] = [{"required": [name]} for name in shape.any_of]
    # Open, so that a newer minor version's documents stay valid; a policy is closed, because a
    # misspelt key there would silently do nothing.
    return {**schema, "additionalProperties": not closed}


def _scalar(shape: Scalar, nullable: bool) -> dict[str, Any]:
    if shape.word == "any value":
        return {}
    word = "string" if shape.word == "date" else shape.word
    return {"type": _type(word, nullable), **(shape.limits() if shape.limits else {})}


def _type(word: str, nullable: bool) -> Any:
    return [word, "null"] if nullable else word


if __name__ == "__main__":
    write()
