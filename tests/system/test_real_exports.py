"""What `export` writes, read by the real tools: pip, uv and CycloneDX's own library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.pylock import Pylock

from tests.builders.commands import call
from tests.conftest import Build

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = [pytest.mark.slow, pytest.mark.long]
PIP = "pip==25.0"
CYCLONEDX = "cyclonedx-python-lib[json-validation]==11.12.0"
VALIDATE = """
import json, sys
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
text = open(sys.argv[1]).read()
fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
assert fault is None, fault
print(len(Bom.from_json(json.loads(text)).components))
"""


def run(*command: object) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def exported(folder: Path, python: str, form: str, name: str) -> Path:
    """The file that is made of the environment of an interpreter."""
    arguments = ("export", "now", "--python", python, "--format", form, "-o", name)
    done = call(*arguments, cwd=folder, env=os.environ)  # uv finds the index by variables
    assert done.returncode == 0, done.stderr
    return folder / name


def test_pip_and_uv_would_install_what_is_exported(environment: Build, tmp_path: Path) -> None:
    python = environment("six==1.16.0", "idna==3.10", PIP)
    file = exported(tmp_path, python, "requirements", "requirements.txt")
    said = run(python, "-m", "pip", "install", "--dry-run", "--no-deps", "-r", file)
    assert "Would install" not in said and "six==1.16.0" in said
    lock = exported(tmp_path, python, "pylock", "pylock.toml")
    parsed = Pylock.from_dict(tomllib.loads(lock.read_text()))
    assert {"idna": "3.10", "six": "1.16.0"}.items() <= {
        str(one.name): str(one.version) for one in parsed.packages
    }.items()
    said = run(sys.executable, "-m", "uv", "pip", "sync", "--dry-run", "--python", python, lock)
    assert "Would make no changes" in said


def test_the_library_of_cyclonedx_finds_no_fault(environment: Build, tmp_path: Path) -> None:
    python = environment(CYCLONEDX, PIP)
    file = exported(tmp_path, python, "cyclonedx", "bom.json")
    listed = run(python, "-m", "pip", "list", "--format", "freeze").split()
    packages = [line for line in listed if "==" in line]
    assert int(run(python, "-c", VALIDATE, file)) == len(packages) + 1  # and Python itself


def test_what_pip_says_of_an_environment_is_what_a_capture_says(
    environment: Build, tmp_path: Path
) -> None:
    python = environment("six==1.16.0", "idna==3.10", PIP)
    (tmp_path / "inspect.json").write_text(run(python, "-m", "pip", "inspect", "--local"))
    (tmp_path / "list.txt").write_text(run(python, "-m", "pip", "list"))
    (tmp_path / "freeze.txt").write_text(run(python, "-m", "pip", "freeze", "--all"))
    for name in ("inspect.json", "list.txt", "freeze.txt"):
        arguments = ("diff", name, "now", "--python", python, "--format", "json")
        done = call(*arguments, cwd=tmp_path)
        assert '"changes": []' in done.stdout, (name, done.stdout)
