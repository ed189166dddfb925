"""The tables of knowledge."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
from referencing import Registry, Resource

from envprint import knowledge

FOLDER = Path(knowledge.FOLDER)
SCHEMAS = FOLDER / "schemas"
TABLES = sorted(path.stem for path in FOLDER.glob("*.json"))


def validator(table: str) -> jsonschema.Draft202012Validator:
    """Of the table's schema, which refers to `entry.json` beside it."""
    entry = Resource.from_contents(json.loads((SCHEMAS / "entry.json").read_text("utf-8")))
    return jsonschema.Draft202012Validator(
        json.loads((SCHEMAS / f"{table}.json").read_text("utf-8")),
        registry=Registry().with_resource("entry.json", entry),
        format_checker=jsonschema.FormatChecker(["date"]),
    )
