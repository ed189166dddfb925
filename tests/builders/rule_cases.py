"""The tests of tests/rules/, run for the questions that they put to the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from inspect import signature
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.builders.support import Case, recorded_cases

RULE_TESTS = Path(__file__).parent.parent / "rules"
Test = Callable[..., None]
WITH_ID = type(pytest.param())


def cases_of_rule_tests() -> list[Case]:
    """Every question in tests/rules/ to a single rule, with its answer.

    The tests are plain functions with parameters at most, so they are called as such.
    """
    with recorded_cases() as cases:
        for path in sorted(RULE_TESTS.glob("test_*.py")):
            for test in tests_in(f"tests.rules.{path.stem}"):
                for arguments in calls(test):
                    # One that fails is reported where pytest runs it.
                    with suppress(Exception, pytest.fail.Exception, pytest.skip.Exception):
                        test(**arguments)
    return cases


def tests_in(module: str) -> list[Test]:
    """The test functions of a module."""
    members = vars(import_module(module))
    return [member for name, member in members.items() if name.startswith("test_")]


def calls(test: Test) -> Iterator[dict[str, Any]]:
    """The arguments of each call that the marks of a test ask for."""
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    for chosen in product(*(list(rows(mark)) for mark in marks)):
        arguments = {name: value for row in chosen for name, value in row.items()}
        assert arguments.keys() == signature(test).parameters.keys(), f"{test} wants a fixture"
        yield arguments


def rows(mark: pytest.Mark) -> Iterator[dict[str, Any]]:
    """The arguments that one `parametrize` lists."""
    names, values = mark.args
    names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
    for value in values:
        if isinstance(value, WITH_ID):
            yield dict(zip(names, value.values, strict=True))
        else:
            yield dict(zip(names, value if len(names) > 1 else (value,), strict=True))
