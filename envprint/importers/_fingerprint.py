"""From what a record holds to a fingerprint: checked, without secrets, with every gap named."""

from __future__ import annotations

import re

from envprint.core.errors import DocumentError
from envprint.core.fields import ShapeFault, require
from envprint.core.fingerprint import DECLARED, IMPORTED, SCHEMA_VERSION, Fingerprint, digest_facts
from envprint.core.redact import clean, gather, replaced
from envprint.core.text import recordable
from envprint.core.typed import Any
from envprint.core.version import __version__
from envprint.documents.codec import fingerprint_shape, missing_fields, shape_of
from envprint.importers._found import Found
from envprint.machine.clock import utc


def fingerprint_of(found: Found, title: str, form: str, name: str) -> Fingerprint:
    """The fingerprint of a record. Raises `DocumentError` if it holds what no document can hold.

    `captured_at` is when it was imported: hardly any record says when it was made.
    """
    try:
        parts: dict[str, Any] = _without_people(clean(recordable(_whole(found))))
        require(fingerprint_shape(), parts)
    except (ShapeFault, ValueError) as fault:
        raise DocumentError(f"{name}: not {title} that can be read: {fault}") from None
    parts["unknown"] = dict.fromkeys(missing_fields(parts), f"not in {title}") | parts["unknown"]
    section_digests, digest = digest_facts(parts["facts"])
    return Fingerprint(
        **parts,
        captured_at=utc(),
        captured_via=f"{IMPORTED}{form}{DECLARED if found.is_declared else ''}",
        envprint_version=__version__,
        schema_version=SCHEMA_VERSION,
        digest=digest,
        section_digests=section_digests,
    )


# /home/ann/cuda   /Users/ann   C:\\Users\\ann
_HOME = re.compile(r"(?:/home|/Users|[A-Za-z]:\\Users)[/\\][^/\\:;,'\"\s]+")


def _without_people(value: Any) -> Any:
    """A copy in which the home directories of whoever made the record are `~`."""
    texts: set[str] = set()
    gather([value], texts)
    other = {text: _HOME.sub("~", text) for text in texts if _HOME.search(text)}
    return replaced(value, other) if other else value


def _whole(found: Found) -> dict[str, Any]:
    """All sections, with those that the record says nothing of."""
    return {
        "facts": {field.name: dict(found.facts.get(field.name, {})) for field in _fields("facts")},
        "live": {field.name: dict(found.live.get(field.name, {})) for field in _fields("live")},
        "unknown": dict(found.unknown),
    }


def _fields(place: str) -> Any:
    return shape_of(place).fields
