"""`pylock.toml`, `uv.lock`, `poetry.lock` and `pixi.lock`: declared, whatever is installed."""

from __future__ import annotations

import pytest

from envprint.core.errors import DocumentError, UnknownValueError
from tests.builders.records import (
    PIXI_LOCK,
    POETRY_LOCK,
    PYLOCK,
    SAMPLES,
    UV_LOCK,
    take_in,
    version_of,
)

GIT = {"kind": "vcs", "url": "https://example.org/o/r", "vcs": "git", "commit": "7e1c"}


@pytest.mark.parametrize("text", [PYLOCK, UV_LOCK, POETRY_LOCK])
def test_versions_are_read(text: str) -> None:
    found = take_in(text)
    assert version_of(found, "numpy") == "2.4.6"
    assert found.value("facts.packages.distributions[numpy].origin.kind") == "index"


@pytest.mark.parametrize("form", ["pylock", "uv-lock", "poetry-lock", "pixi-lock"])
def test_what_a_lock_does_not_have_may_be_installed_all_the_same(form: str) -> None:
    with pytest.raises(UnknownValueError, match="says what is to be installed"):
        version_of(take_in(SAMPLES[form]), "torch")


def test_a_repository_has_its_commit() -> None:
    assert take_in(PYLOCK).value("facts.packages.distributions[r].origin") == GIT
    poetry = take_in(POETRY_LOCK).value("facts.packages.distributions[r].origin")
    assert poetry == GIT | {"url": "https://example.org/o/r.git"}


def test_the_project_itself_is_no_package_and_two_versions_are_no_version() -> None:
    found = take_in(UV_LOCK)
    assert "mine" not in found.facts["packages"]["distributions"]
    with pytest.raises(UnknownValueError, match="several versions are listed"):
        version_of(found, "six")


def test_pixi_has_packages_of_conda_and_of_pypi() -> None:
    found = take_in(PIXI_LOCK)
    assert found.value("facts.packages.conda[numpy].build") == "py311h64a7726_0"
    assert found.value("facts.python.version") == "3.11.8"
    assert version_of(found, "timm") == "0.9.16"


def test_the_older_form_of_pixi_names_its_packages_by_kind() -> None:
    old = PIXI_LOCK.replace("version: 6", "version: 5").replace(
        "- pypi: https://files.example.org/timm-0.9.16-py3-none-any.whl\n  name",
        "- kind: pypi\n  url: https://files.example.org/timm-0.9.16-py3-none-any.whl\n  name",
    )
    assert take_in(old).facts == take_in(PIXI_LOCK).facts


@pytest.mark.parametrize(
    ("text", "form", "words"),
    [
        ("a = [", "uv-lock", "not valid TOML"),
        ("a = " + "[" * 5000, "pylock", "not valid TOML"),
        ("a = " + "9" * 5000, "pylock", "not valid TOML"),
        (UV_LOCK.replace("version = 1", "version = 7"), "uv-lock", "version 7 of uv.lock"),
        (PYLOCK.replace('"1.0"', '"2.0"'), "pylock", "1.x can be read"),
        ("version: 6\nenvironments:\n  default:\npackages:\n", "pixi-lock", "no environment"),
    ],
)
def test_a_broken_lock_is_refused_in_one_line(text: str, form: str, words: str) -> None:
    with pytest.raises(DocumentError, match=words) as error:
        take_in(text, form)
    assert "\n" not in str(error.value)
