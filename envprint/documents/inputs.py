"""What a user may name where a fingerprint is taken: a file, `-`, or something saved.

A name alone tells which, so that whoever compares two files loads nothing of the store.
"""

import os
import re

from envprint.machine.files import Input, input_name, read_input

NOW = "now"
"""Stands for this machine, captured first; a file of this name is `./now`."""
_DIGEST = r"(sha256:)?[0-9a-f]{6,64}"


def take(source: str) -> Input:
    """What `source` names. Raises `DocumentError` and `StoreError`.

    `@…` is always a reference (`./@x` a file of such a name); what could be the beginning of a
    digest is one only where no file is called so.
    """
    if source.startswith("@") or (not os.path.lexists(source) and re.fullmatch(_DIGEST, source)):
        from envprint.documents.references import resolve

        return resolve(source)
    return Input(read_input(source), input_name(source))
