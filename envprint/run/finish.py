"""What `envprint run` does after the command has ended; nothing here may change its exit code.

The command may have removed or replaced files that this needs, envprint itself included. So
everything it needs is imported before the command starts.
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
from envprint.documents.codec import fingerprint_shape, to_json
from envprint.documents.store import Store
from envprint.machine.files import reason, write_output
from envprint.run.record import Run, to_document

T = TypeVar("T")


def prepare() -> None:
    """Load what the comparison with the later capture needs, while it certainly exists."""
    fingerprint_shape()


def attempt(action: Callable[[], T]) -> T | Unknown:
    """What `action` returns, or why it failed."""
    try:
        return action()
    except EnvprintError as error:
        return Unknown(str(error))
    # Changes that a job makes to the files under this process can cause any error at all, and
    # the job's exit code must still be returned.
    except Exception as error:  # noqa: BLE001  see the reason above
        return Unknown(f"{type(error).__name__}: {error}")


def keep(run: Run, store: Store, folder: str | None) -> Iterator[str]:
    """Keep the record in both places; yields a message for each place where it cannot be kept."""
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
    """A name unique to the run: the time of its start, the command, and random digits.

    Not the process id: in containers that share a store every run may have the same one.
    """
    stamp = re.sub("[:-]", "", document["started_at"])
    return f"run-{stamp}-{document['command']['digest'][7:15]}-{os.urandom(6).hex()}.json"


def _write(folder: str, name: str, text: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {reason(error)}") from None
    write_output(os.path.join(folder, name), text)
