"""Fingerprints that are safe to post: what names a person, a machine or a project is replaced.

It is closed by default: a text stays only if `fields.py` declares what kind of text its field has,
and if the text is of that kind. Whatever else is replaced by a placeholder with a number, the same
text by the same one on all sides, so that what differs still differs. Labels, notes, tags, the
identity and the machine's id are left out, and so are keys that this version does not declare.
"""

from __future__ import annotations

from collections.abc import Mapping

from envprint.core.fields import ListOf, MapOf, Record, Shape, inner
from envprint.core.fingerprint import OTHERS, Fingerprint, digest_facts, split_path
from envprint.core.typed import Any
from envprint.documents.codec import fingerprint_shape
from envprint.outputs.fingerprint import without_secrets
from envprint.outputs.public.fields import KEY, kind_of
from envprint.outputs.public.kinds import KINDS
from envprint.outputs.public.words import Words, private_words

_PLACES = ("facts", "live")


def public(*sides: Fingerprint) -> tuple[Fingerprint, ...]:
    """The fingerprints without what a person would not post, with the placeholders in common."""
    cleaned = [without_secrets(side) for side in sides]
    words = Words(private_words(cleaned))
    return tuple(_public(side, words) for side in cleaned)


def public_one(side: Fingerprint) -> Fingerprint:
    """One fingerprint, alone."""
    (one,) = public(side)
    return one


def _public(side: Fingerprint, words: Words) -> Fingerprint:
    shape = fingerprint_shape()
    parts: dict[str, Any] = {
        place: _value(inner(shape, place), getattr(side, place), place, words) for place in _PLACES
    }
    section_digests, digest = digest_facts(parts["facts"], side.digest_form)
    return side._replace(
        **parts,
        unknown=_unknown(side.unknown, shape, words),
        digest=digest,
        section_digests=section_digests,
        captured_at=words.of_form(side.captured_at, r"[0-9T:Z.+-]{10,32}", "time"),
        captured_via=words.of_form(
            side.captured_via, r"cli|python|import:[a-z-]+( \(\w+\))?", "way"
        ),
        envprint_version=words.of_form(side.envprint_version, r"\d[0-9a-z.]*", "version"),
        label=None,
        note=None,
        tags={},
        identity=None,
        machine_id=None,
        undeclared=(),
        reference=side.reference if side.reference == "now" else None,
        program=None,
        chosen=None,
        hint=None,
    )


def _value(shape: Shape | None, value: Any, path: str, words: Words) -> Any:
    """The value at a path of the shape, where lists and maps add no step but `.*`."""
    if isinstance(value, str):
        return KINDS[kind_of(path)](value, words)
    if isinstance(shape, Record) and isinstance(value, Mapping):
        declared = {field.name: field.shape for field in shape.fields}
        return {
            name: _value(declared[name], item, f"{path}.{name}", words)
            for name, item in value.items()
            if name in declared
        }
    if isinstance(shape, MapOf) and isinstance(value, Mapping):
        inside = f"{path}.*"
        return {
            _key(path, key, words): _value(shape.item, item, inside, words)
            for key, item in value.items()
        }
    if isinstance(shape, ListOf) and isinstance(value, list):
        return [_value(shape.item, item, path, words) for item in value]
    return value if isinstance(value, (bool, int, float)) else None


def _key(path: str, key: str, words: Words) -> str:
    return KINDS[kind_of(path + KEY)](key, words)


def _unknown(unknown: Mapping[str, str], shape: Shape, words: Words) -> dict[str, str]:
    """What is unknown, with the keys that the fingerprint has."""
    reason = KINDS["reason"]
    found = ((_path(path, shape, words), why) for path, why in unknown.items())
    return {path: reason(why, words) for path, why in found if path}


def _path(path: str, shape: Shape | None, words: Words) -> str:
    """The path with public keys; empty if it is not declared."""
    made, place = "", ""
    steps = split_path(path.removesuffix(OTHERS))
    for step in steps:
        if isinstance(shape, MapOf):
            made += f"[{_key(place, step, words)}]"
            place, shape = f"{place}.*", shape.item
        else:
            shape = inner(shape, step) if isinstance(shape, Record) else None
            if shape is None:
                return ""
            made, place = (f"{part}.{step}" if part else step for part in (made, place))
    return made + (OTHERS if path.endswith(OTHERS) else "")
