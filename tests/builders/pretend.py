"""Frameworks that a test puts in place of real ones, in this process."""

from __future__ import annotations

import random
import sys
import types
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def only_python(monkeypatch: pytest.MonkeyPatch, modules: Iterable[str]) -> Iterator[None]:
    """None of `modules` is loaded but what a test puts there; its draws are its own."""
    for name in modules:
        monkeypatch.delitem(sys.modules, name, raising=False)
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


def load(monkeypatch: pytest.MonkeyPatch, name: str, **members: object) -> None:
    """Let `name` be loaded with these members, until the test is over."""
    module = types.ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)


def space(**members: object) -> types.SimpleNamespace:
    """An object with these members."""
    return types.SimpleNamespace(**members)
