"""What a user may name as a fingerprint: a file, `-`, or something saved.

The name alone decides, so comparing two files does not load the store.
"""

import os
import re

from envprint.machine.files import Found, input_name, read_input

NOW = "now"
"""Names this machine, captured first; a file of that name is `./now`."""
_DIGEST = r"(sha256:)?[0-9a-f]{6,64}"


def take(source: str) -> Found:
    """The document that `source` names. Raises `DocumentError` and `StoreError`.

    `@…` is always a reference (a file of that name is `./@x`). A possible digest prefix is a digest
    only if no file has that name.
    """
    if source.startswith("@") or (not os.path.lexists(source) and re.fullmatch(_DIGEST, source)):
        from envprint.documents.references import resolve

        return resolve(source)
    return Found(read_input(source), input_name(source))
