"""What `envprint isolate --format json` has found, in the words that tests compare."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

_REACH_INDEXES = ("SSL_", "UV_", "PIP_", "HTTP", "http", "REQUESTS_")


def active(python: str) -> dict[str, str]:
    """The variables of a shell in which the environment of an interpreter is active."""
    prefix = Path(python).parents[1]
    path = f"{prefix / 'bin'}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if name.startswith(_REACH_INDEXES)}
    return {**kept, "VIRTUAL_ENV": str(prefix), "PATH": path}


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
