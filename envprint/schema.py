"""The published JSON Schemas: generated from the declared fields, shipped as files.

The files under schemas/ are the contract; a test holds them to the declarations and
`python -m envprint.schema DIRECTORY` rewrites them. `jsonschema` is imported only to validate.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

from envprint.document import REQUIRED, parse_json, to_json
from envprint.errors import DocumentError
from envprint.fields import (
    MOST_LEVELS,
    TEXT,
    Field,
    ListOf,
    MapOf,
    Record,
    Scalar,
    Shape,
    may_be_null,
    nesting,
    record,
)
from envprint.model import SCHEMA_VERSION
from envprint.shapes import MAJOR, published

DIALECT = "https://json-schema.org/draft/2020-12/schema"
KINDS = ("fingerprint", "report", "policy", "run")


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
    if kind == "report":
        from envprint.outputs.json import SHAPE as REPORT

        # A pre-flight may have no baseline.
        return REPORT, tuple(field.name for field in REPORT.fields if field.name != "baseline")
    if kind == "run":
        from envprint.run_record import NOT_ALWAYS
        from envprint.run_record import SHAPE as RUN

        return RUN, tuple(field.name for field in RUN.fields if field.name not in NOT_ALWAYS)
    from envprint.policy_shape import SHAPE as POLICY

    return POLICY, ()


def fingerprint() -> Record:
    """The declared shape of a whole fingerprint document."""
    from envprint.collectors import declared

    return record(
        Field("schema_version", TEXT, "Version of this document's form, MAJOR.MINOR."),
        Field("envprint_version", TEXT, "Version of envprint that captured it."),
        Field("captured_at", TEXT, "When, in UTC, to the second."),
        Field("captured_via", TEXT, "`cli` or `python`."),
        Field("label", TEXT, "A short name given by the user."),
        Field("note", TEXT, "Free text given by the user."),
        Field("tags", MapOf(TEXT), "Keys and values given by the user."),
        Field("identity", MapOf(TEXT), "User, host name and home directory; with --identify."),
        Field("digest", TEXT, "SHA-256 over all facts but those of `code`."),
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


def faults(content: bytes, name: str) -> list[str]:
    """Every fault of the document in `content`, each with `name` and its place.

    Raises `DocumentError` when it is no JSON object of a kind and version that is known.
    """
    import json

    import jsonschema

    document = parse_json(content, name)
    if nesting(document) > MOST_LEVELS:
        raise DocumentError(f"{name}: nested too deeply, {MOST_LEVELS} levels at most")
    kind = _kind_of(document, name)
    validator = jsonschema.Draft202012Validator(json.loads(published(kind)))
    found = [
        f"{name}: {_place(error.absolute_path)}: {error.message[:200]}"
        for error in sorted(
            validator.iter_errors(document), key=lambda error: list(map(str, error.absolute_path))
        )
    ]
    if kind == "fingerprint" and not found:
        found = [f"{name}: {fault}" for fault in _inconsistencies(document, name)]
    return found


def _kind_of(document: Any, name: str) -> str:
    from envprint.document import check_version

    if not isinstance(document, dict):
        raise DocumentError(f"{name}: expected a JSON object, found {type(document).__name__}")
    check_version(document, name)
    if "command" in document:
        return "run"
    return "report" if "verdict" in document else "fingerprint"


def _place(path: Any) -> str:
    return ".".join(str(step) for step in path) or "the document"


def _inconsistencies(document: dict[str, Any], name: str) -> Iterator[str]:
    """What no schema can say: digests, and fields neither present nor listed as unknown."""
    from envprint.document import digest_facts, missing_fields

    sections, digest = digest_facts(document["facts"])
    if document["digest"] != digest:
        yield f"digest: does not match the facts (they give {digest})"
    for section, expected in (document.get("section_digests") or {}).items():
        if sections.get(section) != expected:
            yield f"section_digests.{section}: does not match the facts"
    if document["schema_version"] == SCHEMA_VERSION:
        for path in missing_fields(document):
            yield f"{path}: neither present nor listed under unknown"


def main(arguments: list[str]) -> int:
    """Rewrite the schema files in the given directory."""
    from envprint.files import write_output

    for kind in KINDS:
        write_output(os.path.join(arguments[0], f"{kind}-{MAJOR}.json"), to_json(generate(kind)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
