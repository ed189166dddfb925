"""What `envprint run` does once the command has ended, when nothing may cost its exit code.

The command may have removed or replaced what this calls, envprint itself included. So everything
that is needed then is imported before it starts.
"""

from __future__ import annotations

import hmac  # noqa: F401  what a token is sealed with
import os
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from envprint.core import secret_forms, secret_places  # noqa: F401  what every text goes through
from envprint.core.errors import EnvprintError, OutputError
from envprint.core.fingerprint import Unknown
from envprint.documents.codec import to_json
from envprint.documents.published_shape import fingerprint_shape
from envprint.documents.store import Store
from envprint.machine.files import reason, write_output
from envprint.run.record import Run, to_document

T = TypeVar("T")


def prepare() -> None:
    """Read what the comparison with the capture afterwards needs, while it is sure to be there."""
    fingerprint_shape()


def attempt(action: Callable[[], T]) -> T | Unknown:
    """What `action` returns, or why it did not."""
    try:
        return action()
    except EnvprintError as error:
        return Unknown(str(error))
    # What a job has done to the files under this process shows up as any error whatever; its exit
    # code is still to be handed on.
    except Exception as error:  # noqa: BLE001  see the reason above
        return Unknown(f"{type(error).__name__}: {error}")


def keep(run: Run, store: Store, folder: str | None) -> Iterator[str]:
    """Keep the record in each of the two places, and say why where it cannot be."""
    document = to_document(run)
    name, text = _name(document), to_json(document)

    def save() -> None:
        store.save(run.before, kind="run", exit_code=run.during.ended.exit_code)
        store.keep_run(name, text)

    places = [save] if folder is None else [save, lambda: _write(folder, name, text)]
    for place in places:
        done = attempt(place)
        if isinstance(done, Unknown):
            yield done.reason


def _name(document: dict[str, Any]) -> str:
    """For each run another: by when it began, what it was, and chance.

    Not by process id: in containers that share a store every run may have the same.
    """
    stamp = re.sub("[:-]", "", document["started_at"])
    return f"run-{stamp}-{document['command']['digest'][7:15]}-{os.urandom(6).hex()}.json"


def _write(folder: str, name: str, text: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {reason(error)}") from None
    write_output(os.path.join(folder, name), text)
