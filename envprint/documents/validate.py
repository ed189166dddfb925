"""Checks documents against the published JSON Schemas, and for what no schema can express.

The files under schemas/ are the contract; `schemas/generate.py` makes them from the declared
fields. `jsonschema` is imported only to validate.
"""

from __future__ import annotations

from collections.abc import Iterator

from envprint.core.errors import DocumentError
from envprint.core.fields import MAX_LEVELS, nesting
from envprint.core.fingerprint import SCHEMA_VERSION
from envprint.core.typed import Any
from envprint.documents.codec import parse_json, published

KINDS = ("fingerprint", "report", "policy", "run", "isolation", "fleet")


def faults(content: bytes, name: str) -> list[str]:
    """Every fault of the document in `content`, each with `name` and its path.

    Raises `DocumentError` unless it is a JSON object of a known kind and version.
    """
    import json

    import jsonschema

    document = parse_json(content, name)
    if nesting(document) > MAX_LEVELS:
        raise DocumentError(f"{name}: nested too deeply, {MAX_LEVELS} levels at most")
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
    from envprint.documents.codec import check_version

    if not isinstance(document, dict):
        raise DocumentError(f"{name}: expected a JSON object, found {type(document).__name__}")
    check_version(document, name)
    if "outcome" in document:
        return "isolation"
    if "groups" in document:
        return "fleet"
    if "command" in document:
        return "run"
    return "report" if "verdict" in document else "fingerprint"


def _place(path: Any) -> str:
    return ".".join(str(step) for step in path) or "the document"


def _inconsistencies(document: dict[str, Any], name: str) -> Iterator[str]:
    """What no schema can express: digests, and fields neither present nor listed as unknown."""
    from envprint.core.fingerprint import digest_facts
    from envprint.documents.codec import missing_fields

    sections, digest = digest_facts(document["facts"], document.get("digest_form") or 1)
    if document["digest"] != digest:
        yield f"digest: does not match the facts (they give {digest})"
    for section, expected in (document.get("section_digests") or {}).items():
        if sections.get(section) != expected:
            yield f"section_digests.{section}: does not match the facts"
    if document["schema_version"] == SCHEMA_VERSION:
        for path in missing_fields(document):
            yield f"{path}: neither present nor listed under unknown"
