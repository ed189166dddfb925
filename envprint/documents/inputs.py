"""What a user may name as a fingerprint: a file, `-`, something saved, or something elsewhere.

The name alone decides, so comparing two files does not load the store.
"""

import os
import re

from envprint.machine.files import Input, input_name, read_input

NOW = "now"
"""Names this machine, captured first; a file of that name is `./now`."""
_DIGEST = r"(sha256:)?[0-9a-f]{6,64}"
_ELSEWHERE = r"(mlflow|wandb|git):|[A-Za-z][A-Za-z0-9+.-]*:(:[^/]*:)?//"


def take(source: str) -> Input:
    """The document that `source` names. Raises `DocumentError` and `StoreError`.

    `@…` is always a reference (a file of that name is `./@x`). A possible digest prefix, a URL and
    `git:REV:PATH` are that only if no file has that name.
    """
    if source.startswith("@") or (not os.path.lexists(source) and re.fullmatch(_DIGEST, source)):
        from envprint.documents.references import resolve

        return resolve(source)
    if ":" in source and re.match(_ELSEWHERE, source) and not os.path.lexists(source):
        from envprint.documents.elsewhere import read

        return read(source)
    return Input(read_input(source), input_name(source))
