"""Fixtures that several test modules share."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

from tests.builders.environments import KEPT, ROOT, activate, build, name_of
from tests.builders.golden_files import Golden, must_equal
from tests.builders.rule_cases import cases_of_rule_tests
from tests.builders.shared import folder, once
from tests.builders.support import Case

Build = Callable[..., str]


class Distributions(NamedTuple):
    """The files of a release, by their paths."""

    sdist: str
    wheel: str


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A function that builds a virtual environment and returns the path of its interpreter.

    `environment("numpy", "six==1.17.0")` installs those with uv, in a second or two, `by="pip"`
    with pip. All tests of a run that name the same requirements get the same environment, whichever
    worker they run in: who changes one asks for an environment of its own. Environments are kept
    between runs under the directory that the variable `KEPT` names, if it is set.
    """
    kept = os.environ.get(KEPT)
    root = Path(kept) if kept else folder(tmp_path_factory) / "environments"

    def environment_of(*requirements: str, by: str = "uv") -> str:
        place = root / name_of(sys.version, by, *requirements)
        return build(place, sys.executable, requirements, by=by)

    return environment_of


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """An sdist of this checkout and the wheel that is made of it."""
    place = folder(tmp_path_factory) / "distributions"

    def made() -> list[str]:
        command = [sys.executable, "-m", "uv", "build", "-q", "-o", place, ROOT]
        subprocess.run(command, check=True)
        return [str(next(place.glob(pattern))) for pattern in ("*.tar.gz", "*.whl")]

    return Distributions(*once(place.with_suffix(".json"), made))


@pytest.fixture(scope="session")
def cases() -> list[Case]:
    """Every question that the tests in tests/rules/ put to a single rule."""
    return cases_of_rule_tests()


def pytest_configure() -> None:
    """Activate the environment of the tests, so that they look at that one.

    On a busy machine any example of Hypothesis may be late: what must be quick is measured apart.
    """
    activate(sys.prefix)
    settings.register_profile("busy", deadline=None)
    settings.load_profile("busy")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option by which golden files are rewritten instead of compared."""
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked `long` wherever `-m` does not speak of it."""
    if "long" not in config.getoption("-m"):
        long = {item for item in items if item.get_closest_marker("long")}
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)


def pytest_collection_finish() -> None:
    """Spare the garbage collector the tests themselves: twenty thousand, in each of its rounds."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether to rewrite golden files."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture
def golden(request: pytest.FixtureRequest, update_golden: bool) -> Golden:
    """A function that holds a generated file to its text, or rewrites it."""
    test_file = request.path.relative_to(request.config.rootpath).as_posix()
    command = f"python -m pytest --update-golden {test_file}"

    def hold(path: Path, text: str) -> None:
        if update_golden:
            path.write_text(text, encoding="utf-8")
        must_equal(path, text, command)

    return hold
