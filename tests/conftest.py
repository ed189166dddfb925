"""Fixtures that several test modules share."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Build = Callable[..., str]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A function that builds a virtual environment and returns the path of its interpreter.

    `environment("numpy", "six==1.17.0")` installs those with pip, `by="uv"` with uv. Environments
    are kept between runs under the directory that `ENVPRINT_TEST_VENVS` names, if it is set.
    """
    kept = os.environ.get("ENVPRINT_TEST_VENVS")
    root = Path(kept) if kept else tmp_path_factory.mktemp("environments")

    def build(*requirements: str, by: str = "pip") -> str:
        wanted = " ".join((sys.version, by, *requirements))
        place = root / hashlib.sha256(wanted.encode()).hexdigest()[:16]
        python = place / "bin" / "python"
        if not (place / "complete").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
            if requirements:
                install(str(python), *requirements, by=by)
            (place / "complete").write_text(wanted)
        return str(python)

    return build


def install(python: str, *requirements: str, by: str = "pip") -> None:
    """Install `requirements` into the environment of `python`, with pip or with uv."""
    command = {
        "pip": [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"],
        "uv": [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python],
    }[by]
    subprocess.run([*command, *requirements], check=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option by which golden files are rewritten instead of compared."""
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether to rewrite golden files."""
    return bool(request.config.getoption("--update-golden"))
