"""The record of a run, where `show` is given one instead of a fingerprint."""

from __future__ import annotations

import os

from envprint.core.errors import DocumentError
from envprint.core.redact import clean
from envprint.documents.codec import from_document, parse_json
from envprint.documents.inputs import NOW
from envprint.documents.validate import faults
from envprint.machine.files import input_name, read_input
from envprint.outputs.fingerprint import without_secrets


def page_of_run(source: str) -> str | None:
    """The page of the record in the file `source`; None if that is no record of a run.

    Raises `DocumentError` for a record that does not hold to the published schema.
    """
    if source == NOW or not os.path.isfile(source):
        return None
    content, name = read_input(source), input_name(source)
    document = parse_json(content, name)
    if not isinstance(document, dict) or "command" not in document:
        return None
    if found := faults(content, name):
        raise DocumentError(found[0])
    from envprint.outputs.run_page import render

    before = without_secrets(from_document(document.pop("before"), f"{name}: before"))
    return render(clean(document), before)
