"""Fingerprints as JSON documents: serialising, strict reading, errors with their position.

Reading trusts nothing: it checks size, encoding, nesting, duplicate keys, NaN, lone surrogates and
every declared type; an error names the file and the path.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from envprint.core.errors import DocumentError, EnvprintError
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
    Shape,
    ShapeFault,
    inner,
    require,
    step,
)
from envprint.core.fingerprint import (
    DIGEST_FORM,
    NOT_OF_THE_DOCUMENT,
    NOT_RECORDED,
    SCHEMA_VERSION,
    Fingerprint,
    digest_facts,
)
from envprint.core.json_text import loads as read_json
from envprint.core.json_text import number, quoted
from envprint.core.text import MAX_BITS, is_unicode, unicode_text, without_commands
from envprint.core.typed import Any
from envprint.machine.files import MAX_BYTES, read_file

MAJOR = SCHEMA_VERSION.partition(".")[0]
_SCALARS = {scalar.word: scalar for scalar in (TEXT, INTEGER, NUMBER, FLAG, ANYTHING)}


@cache
def fingerprint_shape() -> Record:
    """The shape of a whole fingerprint document."""
    from envprint.documents._shapes import FINGERPRINT  # made of the published schema

    shape = _shape(read_json(FINGERPRINT))
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


def _shape(written: Any) -> Shape:
    """The shape for an object of fields, `[item]` for a list, `[item, "map"]`, or a scalar's word.

    The description of a field is left to the schema.
    """
    if type(written) is dict:
        fields = (Field._make((name, _shape(one), "", None)) for name, one in written.items())
        return Record(tuple(fields))
    if type(written) is list:
        return (ListOf if len(written) == 1 else MapOf)(_shape(written[0]))
    return _SCALARS[written]


REQUIRED = (
    "schema_version",
    "envprint_version",
    "captured_at",
    "digest",
    "facts",
    "live",
    "unknown",
)


def to_document(fingerprint: Fingerprint) -> dict[str, Any]:
    """The JSON form of a fingerprint."""
    beside = NOT_OF_THE_DOCUMENT
    return {name: part for name, part in fingerprint._asdict().items() if name not in beside}


def dumps(fingerprint: Fingerprint) -> str:
    """The text of a document: sorted keys, two-space indent, a final newline."""
    return to_json(to_document(fingerprint))


def to_json(value: Any) -> str:
    """Like `json.dumps(value, indent=2, sort_keys=True)` plus a newline, but much faster.

    With an indent, the standard library falls back to its pure Python encoder of nested generators;
    this appends to one list.
    """
    parts: list[str] = []
    _append(value, "\n", parts)
    parts.append("\n")
    return without_commands("".join(parts))


_WORDS = {None: "null", True: "true", False: "false"}


def _append(value: Any, newline: str, parts: list[str]) -> None:
    kind = type(value)
    if kind is str:
        parts.append(quoted(value if value.isascii() else unicode_text(value)))
    elif value is None or kind is bool:
        parts.append(_WORDS[value])
    elif not isinstance(value, (dict, list, tuple)):
        parts.append(quoted(value) if isinstance(value, str) else number(value))
    elif not value:
        parts.append("{}" if isinstance(value, dict) else "[]")
    elif isinstance(value, dict):
        inside, separator = newline + "  ", "{"
        for key in sorted(value):
            name = quoted(key if key.isascii() else unicode_text(key))
            parts.append(f"{separator}{inside}{name}: ")
            _append(value[key], inside, parts)
            separator = ","
        parts.append(newline + "}")
    else:
        inside, separator = newline + "  ", "["
        for item in value:
            parts.append(separator + inside)
            _append(item, inside, parts)
            separator = ","
        parts.append(newline + "]")


def loads(content: bytes, name: str) -> Fingerprint:
    """The fingerprint in `content`. Raises `DocumentError`, whose message begins with `name`."""
    return from_document(parse_json(content, name), name)


MAX_ITEMS = 1_000_000
"""Items of all lists and objects together: a hundred times those of a large fingerprint."""
_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'


_STARTS = (b",", b"[", b"{")


def _require_size(content: bytes, name: str) -> None:
    """Raise `DocumentError` for what is too large, or has too many items, or is empty.

    Each item takes memory, however short it is.
    """
    if len(content) > MAX_BYTES:
        raise DocumentError(f"{name}: larger than {MAX_BYTES >> 20} MiB, not a fingerprint")
    if not content.strip():
        raise DocumentError(f"{name}: empty, expected a JSON document")
    if len(content) <= MAX_ITEMS:
        return  # an item has a character at least
    count = sum(map(content.count, _STARTS))
    # Texts may hold as many commas as they like; but each text is an item, or the name of one.
    if count > MAX_ITEMS and content.count(b'"') <= 4 * MAX_ITEMS:
        for text in re.finditer(_STRING, content, re.DOTALL):
            count -= sum(map(text[0].count, _STARTS))
    if count > MAX_ITEMS:
        raise DocumentError(f"{name}: more than {MAX_ITEMS:,} items, not a fingerprint")


def parse_json(content: bytes, name: str) -> Any:
    """Strict JSON: UTF-8, no NaN, no duplicate keys, bounded nesting, size and number of items.

    Time and memory depend on the size alone, whatever the content.
    """
    _require_size(content, name)
    try:
        value = read_json(
            content.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_constant=_no_constant,
            parse_int=_small_integer,
            parse_float=_finite,
        )
    except UnicodeDecodeError as error:
        raise DocumentError(f"{name}: not UTF-8 text (byte {error.start})") from None
    except (RecursionError, MemoryError):
        raise DocumentError(f"{name}: nested too deeply for a fingerprint") from None
    except ValueError as error:
        raise DocumentError(f"{name}: not valid JSON: {_fault(error)}") from None
    # Only an escape can produce one, as decoding refuses it; few documents contain such an escape.
    if b"\\u" in content and (b"\\ud" in content or b"\\uD" in content):
        _refuse_surrogates(value, name)
    return value


def _fault(error: ValueError) -> str:
    """What is wrong; where, too, if the syntax is."""
    place = getattr(error, "lineno", None), getattr(error, "colno", None)
    if None in place:
        return str(error)
    what = getattr(error, "msg", "").removesuffix(" at")  # "Unterminated string starting at"
    return "{} at line {} column {}".format(what, *place)


def _refuse_surrogates(value: Any, name: str) -> None:
    """Raise `DocumentError` for half of a surrogate pair, which is not valid Unicode text."""
    waiting: list[tuple[_Trail, Any]] = [(None, value)]
    while waiting:
        trail, found = waiting.pop()
        if type(found) is str and not is_unicode(found):
            what = quoted(found)[:60]
            raise DocumentError(f"{name}: {_place(trail)}: not Unicode text: {what}")
        if type(found) is dict:
            for key, item in found.items():
                step = (trail, f".{key[:60]}")
                waiting += ((step, key), (step, item))
        elif type(found) is list:
            waiting += (((trail, f"[{number}]"), item) for number, item in enumerate(found))


_Trail = tuple[Any, str] | None
"""The path to a value: the path to its container, and the last step."""


def _place(trail: _Trail) -> str:
    steps = []
    while trail:
        trail, step = trail
        steps.append(step)
    return unicode_text("".join(reversed(steps)).lstrip(".")[:200]) or "the document"


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names: set[str] = set()
        for name, _ in pairs:
            if name in names:
                raise ValueError(f"the key {quoted(name)[:60]} occurs twice in one object")
            names.add(name)
    return result


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not a JSON number")


def _small_integer(digits: str) -> int:
    # Before Python 3.10.7, `int` takes time quadratic in the number of digits.
    if len(digits) > 21 or (number := int(digits)).bit_length() > MAX_BITS:
        raise ValueError(f"a whole number of {len(digits)} digits")
    return number


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:20]} is too large")
    return number


def from_document(document: Any, name: str) -> Fingerprint:
    """A checked fingerprint from parsed JSON. Raises `DocumentError`; it begins with `name`."""
    if not isinstance(document, dict):
        raise DocumentError(f"{name}: expected a JSON object, found {type(document).__name__}")
    check_version(document, name)
    for key in REQUIRED:
        if document.get(key) is None:
            raise DocumentError(f"{name}: not a fingerprint: the key {key!r} is missing")
    try:
        require(fingerprint_shape(), document)
    except ShapeFault as fault:
        raise DocumentError(f"{name}: {fault}") from None
    known = {
        field: document[field]
        for field in Fingerprint._fields
        if document.get(field) is not None and field not in NOT_OF_THE_DOCUMENT
    }
    for place in ("facts", "live"):
        sections = document[place].items()
        # A null section records nothing; its fields are among the missing ones.
        known[place] = {name: {} if fields is None else fields for name, fields in sections}
    reason = f"{NOT_RECORDED} {document['envprint_version']}"
    known["unknown"] = dict.fromkeys(missing_fields(document), reason) | document["unknown"]
    if (document.get("digest_form") or 1) < DIGEST_FORM:
        known["section_digests"], known["digest"] = digest_facts(document["facts"])
        known["digest_form"] = DIGEST_FORM
    known["undeclared"] = tuple(_undeclared(document))
    return Fingerprint(**{"captured_via": "", "section_digests": {}, **known})


def check_version(document: Mapping[str, Any], name: str) -> None:
    """Raise `DocumentError` unless this envprint can read the document's format version."""
    version = document.get("schema_version")
    ours = SCHEMA_VERSION.partition(".")[0]
    if not isinstance(version, str):
        raise DocumentError(f"{name}: not a fingerprint: no 'schema_version' text in it")
    if version.partition(".")[0] != ours:
        raise DocumentError(
            f"{name}: schema_version {version[:20]!r} cannot be read; this envprint reads {ours}.x"
        )


def missing_fields(document: Mapping[str, Any]) -> Iterator[str]:
    """The paths of declared fields that are neither present nor listed as unknown."""
    for place in ("facts", "live"):
        for section in shape_of(place).fields:
            # A section that is null or missing lacks all of its fields.
            present = document[place].get(section.name) or {}
            for missing in _missing_inside(section.shape, [(f"{place}.{section.name}", present)]):
                if missing not in document["unknown"]:
                    yield missing


def _missing_inside(shape: Shape, values: list[tuple[str, Any]]) -> Iterator[str]:
    """The paths of declared fields that the values lack, also in maps; a list counts as a whole.

    All values of one shape at once: a document has hundreds of some.
    """
    if not values:
        return
    if isinstance(shape, MapOf):
        inside = [item for _, value in values for item in value.values()]
        if not _are_complete(shape.item, inside):
            items = ((f"{path}[{key}]", item) for path, v in values for key, item in v.items())
            yield from _missing_inside(shape.item, [one for one in items if one[1] is not None])
        return
    assert isinstance(shape, Record)
    for path, value in values:
        yield from (f"{path}.{f.name}" for f in shape.fields if f.name not in value)
    for name, inner_shape in ((f.name, f.shape) for f in shape.fields if _has_fields(f.shape)):
        found = [(f"{path}.{name}", value.get(name)) for path, value in values]
        yield from _missing_inside(inner_shape, [placed for placed in found if placed[1]])


def _are_complete(shape: Shape, values: Iterable[Any]) -> bool:
    """Whether no value lacks a declared field, as `_missing_inside` counts. None lacks nothing."""
    present = [value for value in values if value is not None]
    if not present:
        return True
    if isinstance(shape, MapOf):
        return _are_complete(shape.item, [item for value in present for item in value.values()])
    if not isinstance(shape, Record):
        return True
    names = {field.name for field in shape.fields}
    return all(names <= value.keys() for value in present) and all(
        _are_complete(field.shape, [value[field.name] or None for value in present])
        for field in shape.fields
        if _has_fields(field.shape)
    )


def _has_fields(shape: Shape) -> bool:
    """Whether a value of `shape` is a record, or a map of those."""
    while type(shape) is MapOf:
        shape = shape.item
    return type(shape) is Record


def _undeclared(document: Mapping[str, Any]) -> Iterator[str]:
    """Undeclared keys: at the top, as sections, or as fields of a section."""
    declared = fingerprint_shape()
    for key in document.keys() - {field.name for field in declared.fields}:
        yield key
    for place in ("facts", "live"):
        shape = inner(declared, place)
        for section, fields in document[place].items():
            section_shape = inner(shape, section)
            path = place + step(shape, section)
            if section_shape is None:
                yield path
                continue
            for key in fields or {}:
                if inner(section_shape, key) is None:
                    yield path + step(section_shape, key)
