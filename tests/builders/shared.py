"""What is made once though several processes of a test run, the workers of xdist, need it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


def folder(factory: pytest.TempPathFactory) -> Path:
    """The temporary directory of the whole run, which all its workers see."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Nobody else is in such a block for the same place; the lock ends with its process."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def once(file: Path, make: Callable[[], Any]) -> Any:
    """What `make` returns, as JSON in a file: the first who comes writes it, the others read it."""
    with alone(file):
        if not file.exists():
            file.write_text(json.dumps(make()), encoding="utf-8")
        return json.loads(file.read_text(encoding="utf-8"))
