"""What a document says about itself, read from its two ends and without its facts.

Keys are sorted, so all but the facts and a few words stand at the end: on a machine of ten
thousand others with the same digests, nothing else has to be read. It holds for documents as
envprint writes them; any other is parsed as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from envprint.core.fingerprint import DIGEST_FORM, SCHEMA_VERSION
from envprint.core.typed import Any, NamedTuple
from envprint.machine.ends import Ends

_FACTS = b'\n  "facts": {'
_BEHIND = b'\n  "identity": '
"""The first key behind the facts. Two blanks before a key: it is one of the document itself, as no
text holds a line break."""


class Outline(NamedTuple):
    """The parts of a document that stand outside of its facts."""

    captured_at: str
    label: str | None
    tags: Mapping[str, str]
    identity: Mapping[str, str]
    machine_id: str | None
    live: Mapping[str, Any]
    unknown: Mapping[str, str]
    digest: str
    section_digests: Mapping[str, str]
    version: str
    """Of the document's form."""


def outline_of(ends: Ends) -> Outline | None:
    """The outline of a document in the form that envprint writes; None for any other."""
    head, tail = ends.head(), ends.tail_from(_BEHIND)
    before = head.find(_FACTS)
    if before < 0 or tail is None:
        return None
    try:
        return outline_from(json.loads(head[:before] + tail))
    except (ValueError, RecursionError):
        return None


def outline_from(document: Any) -> Outline | None:
    """The outline in parsed JSON; None unless its digests are there and in the present form."""
    if not isinstance(document, dict) or document.get("digest_form") != DIGEST_FORM:
        return None
    version = document.get("schema_version")
    if not isinstance(version, str) or _major(version) != _major(SCHEMA_VERSION):
        return None
    digests = document.get("section_digests")
    found = Outline(
        document.get("captured_at", ""),
        document.get("label"),
        document.get("tags") or {},
        document.get("identity") or {},
        document.get("machine_id"),
        document.get("live") or {},
        document.get("unknown") or {},
        document.get("digest", ""),
        digests or {},
        version,
    )
    return found if digests and _has_types(found) else None


def _major(version: str) -> str:
    return version.partition(".")[0]


def _has_types(found: Outline) -> bool:
    """Whether each part has the type that a strict reader requires."""
    texts = (found.captured_at, found.digest, found.label or "", found.machine_id or "")
    maps = (found.tags, found.identity, found.unknown, found.section_digests)
    return (
        all(type(one) is str for one in texts)
        and type(found.live) is dict
        and all(type(one) is dict and set(map(type, one.values())) <= {str} for one in maps)
    )


def section_in(content: bytes, name: str) -> Any:
    """One section of the facts, parsed alone. Raises `KeyError` if it does not stand there so."""
    mark = b'\n    "%s": {' % name.encode("ascii", "replace")
    start = content.find(mark, 0, content.find(_BEHIND))
    if start < 0:
        raise KeyError(name)
    start += len(mark) - 1
    if content.startswith(b"{}", start):
        return {}
    end = content.find(b"\n    }", start)
    try:
        return json.loads(content[start : end + 6])
    except (ValueError, RecursionError):
        raise KeyError(name) from None
