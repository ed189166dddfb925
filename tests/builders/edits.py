"""Fingerprints of recorded machines with some values replaced."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from envprint.core.fingerprint import Fingerprint, digest_facts, split_path
from envprint.documents.codec import from_document

HOSTS = Path(__file__).parent.parent / "hosts"


def edited(side: dict[str, Any]) -> Fingerprint:
    """The machine that `side` names, with its edits.

    A null edit of a map entry removes it, and what is unknown has no value.
    """
    document = copy.deepcopy(json.loads((HOSTS / side["host"] / "fingerprint.json").read_text()))
    document.update({key: side[key] for key in ("label", "captured_at") if key in side})
    for path, value in side.get("set", {}).items():
        *outer, last = split_path(path)
        place = document
        for key in outer:
            place = place.setdefault(key, {})
        if value is None and path.endswith("]"):
            place.pop(last, None)
        else:
            place[last] = value
    for path, reason in side.get("unknown", {}).items():
        *outer, last = split_path(path)
        place = document
        for key in outer:
            place = place.get(key, {})
        place.pop(last, None)
        document["unknown"][path] = reason
    document["section_digests"], document["digest"] = digest_facts(document["facts"])
    given = {key: side[key] for key in ("reference", "chosen", "is_here") if key in side}
    return from_document(document, side["host"])._replace(**given)
