"""Fingerprints that lie elsewhere: in a run of a tracker, a revision of Git, or behind a URL.

    mlflow:RUN_ID    wandb:ENTITY/PROJECT/RUN    git:REV:PATH    https://…    s3://…

The client of each is imported here and nowhere before.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from envprint.core.errors import DocumentError
from envprint.core.redact import safe_text
from envprint.core.typed import Any
from envprint.machine.deadline import within
from envprint.machine.files import MAX_BYTES, Input, read_input, reason
from envprint.machine.process_state import RefusedError, answered

TIMEOUT_S = 60.0
IMPORT_S = 120.0
"""For what first imports a large client."""
FOLDER = "envprint"
DOCUMENT = "fingerprint.json"
"""The document of a run: `envprint/fingerprint.json` in MLflow, that file of an artifact in W&B."""
KIND = "envprint"
"""The type of that artifact."""


def read(source: str) -> Input:
    """The document that `source` names. Raises `DocumentError`."""
    name = safe_text(source)
    scheme, _, rest = source.partition(":")
    reader = READERS.get(scheme, _by_fsspec)
    try:
        content = reader(source if rest.startswith("//") else rest)
    except TimeoutError as error:
        raise DocumentError(f"{name}: no answer in time ({error})") from None
    except (OSError, RefusedError) as error:
        text = reason(error) if isinstance(error, OSError) and error.errno else str(error)
        raise DocumentError(safe_text(f"{name}: {text}")) from None
    if len(content) > MAX_BYTES:
        raise DocumentError(f"{name}: is larger than {MAX_BYTES >> 20} MiB")
    return Input(content, name)


def _from_git(place: str) -> bytes:
    """`REV:PATH`, the path from the top of the repository, or from here with `./`."""
    from envprint.machine import os_calls

    revision, colon, path = place.partition(":")
    if not (revision and colon and path) or revision.startswith("-"):
        raise OSError("expected git:REV:PATH, such as git:main:baseline.json")
    # A blob as it is stored: no filter, hook or monitor of the repository runs, and nothing is
    # fetched. https://git-scm.com/docs/git-cat-file
    command = ["git", "-c", "core.fsmonitor=false", "cat-file", "blob", place]
    variables = {**os.environ, "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        code, content = os_calls.run(command, variables, TIMEOUT_S, MAX_BYTES)
    except FileNotFoundError:
        raise OSError("git is not installed") from None
    if code:
        raise OSError(f"git finds no such file in that revision (exit code {code})")
    return content


def _from_mlflow(run_id: str) -> bytes:
    def found() -> bytes:
        mlflow = _client("mlflow")
        # Its progress bar would be among what a command prints.
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        with tempfile.TemporaryDirectory() as folder:
            path = mlflow.artifacts.download_artifacts(
                run_id=run_id, artifact_path=f"{FOLDER}/{DOCUMENT}", dst_path=folder
            )
            return _file(Path(path))

    if not re.fullmatch(r"[A-Za-z0-9_-]+", run_id):
        raise OSError("expected mlflow:RUN_ID")
    return _asked(found, IMPORT_S)


def _from_wandb(run: str) -> bytes:
    def found() -> bytes:
        artifacts = _client("wandb").Api().run(run).logged_artifacts()
        ours = [artifact for artifact in artifacts if artifact.type == KIND]
        if not ours:
            raise OSError("the run has no artifact of envprint")
        with tempfile.TemporaryDirectory() as folder:
            return _file(Path(ours[-1].download(root=folder), DOCUMENT))

    if len(run.split("/")) != 3 or not all(run.split("/")):
        raise OSError("expected wandb:ENTITY/PROJECT/RUN")
    return _asked(found, IMPORT_S)


def _client(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ModuleNotFoundError:
        raise OSError(f"this needs {name}, which is not installed here") from None


def _file(path: Path) -> bytes:
    return read_input(str(path))


def _from_web(url: str) -> bytes:
    from envprint.machine.web import get

    return _asked(lambda: get(url, TIMEOUT_S, MAX_BYTES), TIMEOUT_S)


def _by_fsspec(url: str) -> bytes:
    def found() -> bytes:
        try:
            import fsspec
        except ModuleNotFoundError:
            raise OSError("a URL needs fsspec: pip install 'envprint[store]'") from None
        with fsspec.open(url, "rb") as file:
            content: bytes = file.read(MAX_BYTES + 1)
            return content

    return _asked(found, TIMEOUT_S)


def _asked(find: Callable[[], bytes], timeout_s: float) -> bytes:
    """The answer of a client that may hang, and has errors of its own."""

    def found() -> bytes | OSError:
        try:
            return find()
        except OSError as error:
            return error

    answer = within(timeout_s, lambda: answered(found))
    if isinstance(answer, OSError):
        raise answer
    return answer


READERS: dict[str, Callable[[str], bytes]] = {
    "git": _from_git,
    "mlflow": _from_mlflow,
    "wandb": _from_wandb,
    "http": _from_web,
    "https": _from_web,
}
