"""Tests lie where what they test lies, and each file of them can be renamed or deleted alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import envprint

PACKAGES = {path.parent.name for path in Path(envprint.__file__).parent.glob("*/__init__.py")}
TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("*.py"))
BESIDE_THE_PACKAGES = {
    "benchmarks": "speed and accuracy, measured",
    "builders": "what tests make their cases of",
    "faults": "faults at every call, limits, promises, and the campaign",
    "golden": "whole reports",
    "hosts": "recorded machines",
    "nvml": "a simulated driver and its situations",
    "recipes": "what the recipes of the guide are tried in",
    "system": "whole installs, real frameworks, and the project itself",
}


def test_a_folder_of_tests_has_the_name_of_a_package_or_a_purpose() -> None:
    files = (path.relative_to(TESTS) for path in TESTS.glob("*/**/*") if path.is_file())
    folders = {path.parts[0] for path in files if "__pycache__" not in path.parts}
    assert folders - PACKAGES == set(BESIDE_THE_PACKAGES)
    top = {path.name for path in TESTS.glob("*.py")}
    assert top == {"__init__.py", "conftest.py", "test_api.py", "test_results.py"}


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, by their whole names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module(path: Path) -> str:
    return ".".join(path.relative_to(TESTS.parent).with_suffix("").parts)


def test_no_file_imports_a_test_file() -> None:
    """What several tests need lies in tests/builders/."""
    tests = {module(path) for path in FILES if path.name.startswith("test_")}
    importing = {module(path): tests & set(imported(path)) for path in FILES}
    assert {name: found for name, found in importing.items() if found} == {}
