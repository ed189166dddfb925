"""The shape of a fingerprint document, read from the published schema.

The collectors' declarations are the source, and a test keeps the schema equal to them. With the
schema, `diff` checks and compares documents without importing any collector, which would take
longer than the whole comparison.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

from envprint.core.errors import EnvprintError
from envprint.core.fields import (
    ANYTHING,
    FLAG,
    INTEGER,
    NUMBER,
    TEXT,
    Field,
    ListOf,
    MapOf,
    Record,
    Scalar,
    Shape,
    inner,
)
from envprint.core.fingerprint import SCHEMA_VERSION
from envprint.machine.files import read_file

MAJOR = SCHEMA_VERSION.partition(".")[0]
_SCALARS = {scalar.word: scalar for scalar in (TEXT, INTEGER, NUMBER, FLAG)}


@cache
def fingerprint_shape() -> Record:
    """The shape of a whole fingerprint document."""
    shape = _shape(json.loads(published("fingerprint")))
    assert isinstance(shape, Record)
    return shape


def shape_of(place: str) -> Record:
    """The shape of `facts` or of `live`: a record of sections."""
    shape = inner(fingerprint_shape(), place)
    assert isinstance(shape, Record)
    return shape


def published(kind: str) -> str:
    """The text of an installed schema file. Raises `EnvprintError` if it is missing."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    # A wheel has it inside the package; a checkout (editable install, sdist) beside the package.
    for folder in (os.path.join(here, "schemas"), os.path.join(os.path.dirname(here), "schemas")):
        path = os.path.join(folder, f"{kind}-{MAJOR}.json")
        if os.path.isfile(path):
            return read_file(path).decode("utf-8")
    raise EnvprintError(f"the schema {kind}-{MAJOR}.json was not installed; reinstall envprint")


def _shape(schema: dict[str, Any]) -> Shape:
    kinds = schema.get("type", ())
    kind = kinds if isinstance(kinds, str) else kinds[0] if kinds else ""
    if "properties" in schema:
        fields = schema["properties"].items()
        return Record(tuple(Field(name, _shape(s), s["description"]) for name, s in fields))
    if kind == "object":
        return MapOf(_shape(schema["additionalProperties"]))
    if kind == "array":
        return ListOf(_shape(schema["items"]))
    scalar: Scalar = _SCALARS.get(kind, ANYTHING)
    return scalar
