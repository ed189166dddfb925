"""What a shim of pyenv starts, by the files that pyenv reads, and against pyenv itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from envprint.core.errors import InterpreterError
from envprint.machine.environments import FIRST, choose, resolve_python

SHIM = """#!/usr/bin/env bash
set -e
[ -n "$PYENV_DEBUG" ] && set -x

program="${{0##*/}}"

export PYENV_ROOT="{root}"
exec "{root}/libexec/pyenv" exec "$program" "$@"
"""
BARE = '#!/bin/sh\nexec pyenv exec "${0##*/}" "$@"\n'
REAL = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))


class Pyenv:
    """A made root of pyenv, whose shims stand first on PATH."""

    def __init__(self, patch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.root, self.patch = tmp_path / "py env", patch
        self.system = self.program(tmp_path / "system/python")
        self.shim = self.program(self.root / "shims/python", SHIM.format(root=self.root))
        for name in ("PYENV_VERSION", "PYENV_DIR", "PYENV_ROOT", "VIRTUAL_ENV", "CONDA_PREFIX"):
            patch.delenv(name, raising=False)
        patch.setenv("PATH", f"{self.root}/shims:{self.system.parent}")
        (tmp_path / "work/below").mkdir(parents=True)
        patch.chdir(tmp_path / "work/below")

    def program(self, path: Path, text: str = "\x7fELF") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def version(self, name: str) -> str:
        return str(self.program(self.root / "versions" / name / "bin/python"))


@pytest.fixture
def pyenv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Pyenv:
    return Pyenv(monkeypatch, tmp_path)


def test_the_variable_comes_before_the_files_and_a_near_file_before_a_far_one(
    pyenv: Pyenv, tmp_path: Path
) -> None:
    places = {name: pyenv.version(name) for name in ("3.9.1", "3.10.2", "3.11.7", "3.12.0")}
    named = {
        "3.9.1": pyenv.root / "version",
        "3.10.2": tmp_path / "work/.python-version",
        "3.11.7": tmp_path / "work/below/.python-version",
    }
    for version, file in named.items():
        file.write_text(f"{version}\n")
        assert resolve_python(str(pyenv.shim)) == places[version]
    pyenv.patch.setenv("PYENV_VERSION", "3.12.0")
    assert resolve_python("python") == places["3.12.0"]


@pytest.mark.parametrize("text", ["3.11", "python-3.11", "python-3.11.10", "  3.11.10 \r\n"])
def test_a_beginning_stands_for_the_newest_of_its_versions(pyenv: Pyenv, text: str) -> None:
    pyenv.version("3.11.9")
    newest = pyenv.version("3.11.10")
    pyenv.version("3.11.10-debug")
    (pyenv.root / "version").write_text(text)
    assert resolve_python("python") == newest


def test_of_several_versions_the_first_with_the_program_counts(pyenv: Pyenv) -> None:
    (pyenv.root / "versions/3.9.1/bin").mkdir(parents=True)
    second = pyenv.version("3.10.2")
    (pyenv.root / "version").write_text("# a comment\n\n3.9.1\n3.10.2 and more words\n")
    assert resolve_python("python") == second
    pyenv.patch.setenv("PYENV_VERSION", "3.9.1:3.10.2")
    assert resolve_python("python") == second


def test_an_environment_of_pyenv_virtualenv_is_the_active_one(pyenv: Pyenv) -> None:
    python = pyenv.version("3.11.7/envs/train")
    place = pyenv.root / "versions/3.11.7/envs/train"
    (place / "pyvenv.cfg").write_text("home = /nowhere\n")
    (pyenv.root / "versions/train").symlink_to(place)
    pyenv.patch.setenv("PYENV_VERSION", "train")
    pyenv.patch.setenv("VIRTUAL_ENV", str(place))
    found = choose()
    assert found.python is not None
    assert os.path.realpath(found.python) == python
    assert found.reason == "the active environment (VIRTUAL_ENV)"


@pytest.mark.parametrize("how", ["the word system", "no file"])
def test_system_is_what_path_has_besides_the_shims(pyenv: Pyenv, how: str) -> None:
    if how == "the word system":
        (pyenv.root / "version").write_text("system\n")
    assert resolve_python("python") == str(pyenv.system)


def test_the_python_of_a_shim_is_observed_if_it_has_a_framework(pyenv: Pyenv) -> None:
    python = pyenv.version("3.11.7")
    (pyenv.root / "version").write_text("3.11.7\n")
    assert choose().python is None
    (pyenv.root / "versions/3.11.7/lib/python3.11/site-packages/numpy").mkdir(parents=True)
    assert choose()[:2] == (python, FIRST)


def test_a_version_that_is_not_installed_is_one_line_for_the_option_and_no_choice(
    pyenv: Pyenv,
) -> None:
    pyenv.patch.setenv("PYENV_VERSION", "3.99")
    with pytest.raises(
        InterpreterError, match=r"pyenv has no python in version 3\.99, which PYENV"
    ):
        resolve_python(str(pyenv.shim))
    assert choose().python is None


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "a/../../../evil", ".."])
def test_a_file_of_a_repository_names_no_interpreter_outside_the_versions(
    pyenv: Pyenv, tmp_path: Path, name: str
) -> None:
    """CVE-2022-35861 of pyenv itself."""
    pyenv.program(tmp_path / "evil/bin/python")
    (tmp_path / "work/.python-version").write_text(f"{name}\n")
    assert resolve_python("python") == str(pyenv.system)


def test_a_shim_that_does_not_name_its_root_has_it_from_the_variable_or_its_place(
    pyenv: Pyenv,
) -> None:
    pyenv.program(pyenv.shim, BARE)
    wanted = pyenv.version("3.11.7")
    (pyenv.root / "version").write_text("3.11.7\n")
    assert resolve_python("python") == wanted
    pyenv.patch.setenv("PYENV_ROOT", str(pyenv.root))
    assert resolve_python("python") == wanted


def test_a_script_of_something_else_is_taken_as_it_is_where_it_is_named(pyenv: Pyenv) -> None:
    """Its run tells where it leads; without running it nothing is known, so it is not chosen."""
    pyenv.program(pyenv.shim, '#!/bin/sh\nexec asdf exec "python" "$@"\n')
    assert resolve_python(str(pyenv.shim)) == str(pyenv.shim)
    assert choose().python is None


@pytest.mark.skipif(not (REAL / "shims/python").exists(), reason="pyenv is not installed here")
def test_pyenv_itself_says_the_same() -> None:
    done = subprocess.run(
        [REAL / "bin/pyenv", "which", "python"], capture_output=True, text=True, check=False
    )
    assert resolve_python(str(REAL / "shims/python")) == done.stdout.strip()
