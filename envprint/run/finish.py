"""What `envprint run` does after the command has ended; nothing here may change its exit code.

The command may have removed or replaced files that this needs, envprint itself included. So
everything it needs is imported before the command starts.
"""

from __future__ import annotations

import hmac  # noqa: F401  what a token is sealed with
import os
import re
from collections.abc import Callable, Iterator

from envprint.core import secret_forms, secret_places  # noqa: F401  what every text goes through
from envprint.core.errors import EnvprintError, OutputError
from envprint.core.fingerprint import Unknown
from envprint.core.redact import safe_text
from envprint.core.typed import Any, TypeVar
from envprint.documents.codec import fingerprint_shape, to_json
from envprint.documents.store import LAST_GOOD, Saved, Store
from envprint.machine.files import reason as reason_of
from envprint.machine.files import write_output
from envprint.run.promotion import news
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
    """Keep the record in both places; yields what a user should know of that."""
    document = to_document(run)
    name, text = _name(document), to_json(document)
    saved = attempt(lambda: _save(run, store, document["command"]["name"]))
    kept = saved if isinstance(saved, Unknown) else attempt(lambda: store.keep_run(name, text))
    written = None if folder is None else attempt(lambda: _write(folder, name, text))
    for done in (kept, written):
        if isinstance(done, Unknown):
            yield f"no record of this run: {done.reason}"
    if isinstance(saved, Saved) and saved.exit_code == 0:
        line = attempt(lambda: news(run, saved, store))
        if line:
            yield f"@{LAST_GOOD} is unknown: {line.reason}" if isinstance(line, Unknown) else line


def _save(run: Run, store: Store, program: str) -> Saved:
    code = run.during.ended.exit_code
    reason = run.unfit if code == 0 else f"it ended with exit code {code}"
    return store.save(
        run.before,
        kind="run",
        exit_code=code,
        program=program,
        good=reason is None,
        reason=None if reason is None else safe_text(reason),
    )


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
        raise OutputError(f"cannot make {folder}: {reason_of(error)}") from None
    write_output(os.path.join(folder, name), text)
