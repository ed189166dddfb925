"""What `envprint isolate --format json` has found, in the words that tests compare."""

from __future__ import annotations

import json
import subprocess
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """The names in the document."""

    needed: list[str]
    fix: list[str]
    commands: list[str]
    alone: dict[str, str]
    rest: str | None


def document_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The document on stdout."""
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def answer_of(done: subprocess.CompletedProcess[str]) -> Answer:
    """The answer of a search that has found one."""
    assert done.returncode == 0, done.stderr
    found = document_of(done)
    return Answer(
        [one["name"] for one in found["needed"]],
        [one["name"] for one in found["fix"]],
        [command for one in found["fix"] for command in one["commands"]],
        {one["name"]: one["outcome"] for one in found["alone"]},
        found["rest"],
    )
