"""The files that recreate an environment, and that a hostile document cannot use them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from envprint.isolate import files
from envprint.isolate.caps import NONE, Cap, Caps
from envprint.isolate.job_settings import settings_of
from envprint.isolate.wanted import wanted_of
from tests.builders.hostile import HOSTILE, WORDS, is_complete
from tests.builders.support import fingerprint

INDEX = {"kind": "index", "url": None, "vcs": None, "commit": None}
SHOW = "import os, json; print(json.dumps([dict(os.environ), len(os.sched_getaffinity(0))]))"


def recipe(values: dict[str, Any], *, caps: Caps = NONE, place: str = "venv") -> files.Recipe:
    side = fingerprint(
        {
            "facts.python.version": "3.11.7",
            "facts.packages.distributions": {},
            "facts.environ.variables": {},
            **values,
        }
    )
    return files.Recipe(side, wanted_of(side), settings_of(side), caps, place)


def texts(values: dict[str, Any], **settings: Any) -> dict[str, str]:
    return files.texts(recipe(values, **settings))


def package(version: str, **fields: Any) -> dict[str, Any]:
    return {"version": version, "installer": "pip", "origin": INDEX, "tags": None, **fields}


def written(made: dict[str, str], folder: Path) -> Path:
    folder.mkdir()
    for name, text in made.items():
        (folder / name).write_bytes(text.encode("utf-8", "backslashreplace"))
    (folder / files.RUN).chmod(0o755)
    return folder


def launched(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    bin_folder = folder / "venv" / "bin"
    bin_folder.mkdir(parents=True, exist_ok=True)
    if not (bin_folder / "python").exists():
        (bin_folder / "python").symlink_to(sys.executable)
    return subprocess.run(
        [folder / files.RUN, *command], env={"PATH": os.environ["PATH"], **variables},
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip


def seen(folder: Path, **variables: str) -> tuple[dict[str, str], int]:
    import json

    done = launched(folder, "python", "-c", SHOW, **variables)
    assert done.returncode == 0, done.stderr
    found, cpus = json.loads(done.stdout)
    return found, cpus


def test_requirements_name_each_distribution_and_what_no_index_has() -> None:
    local = {"kind": "editable", "url": "file:///home/me/tool", "vcs": None, "commit": None}
    made = texts(
        {
            "facts.packages.distributions": {
                "numpy": package("2.4.6"),
                "torch": package("2.13.0+cpu"),
                "tool": package("1.0", origin=local),
            }
        }
    )[files.REQUIREMENTS].splitlines()
    assert [line for line in made if not line.startswith("#")] == [
        "--extra-index-url https://download.pytorch.org/whl/cpu",
        "numpy==2.4.6",
        "torch==2.13.0+cpu",
    ]
    assert any("--no-deps" in line for line in made)
    assert made[-1] == (
        "# tool 1.0: an editable installation of the directory file:///home/me/tool, which only "
        "that machine has"
    )


def test_the_launcher_gives_the_job_what_was_recorded_and_nothing_else(tmp_path: Path) -> None:
    made = texts(
        {
            "facts.environ.variables": {"OMP_NUM_THREADS": "4", "XLA_FLAGS": "it's $(touch x) 雪"},
            "facts.cpu.usable_threads": 1,
            "facts.python.hash_seed": "7",
        },
        caps=Caps((Cap("OPENBLAS_CORETYPE", "Haswell"),), ("NumPy computes as recorded",)),
    )
    folder = written(made, tmp_path / "a b'c")
    variables, cpus = seen(
        folder, OMP_NUM_THREADS="2", MKL_NUM_THREADS="9", TF_LOG="mine", MINE="1", HOME="/h"
    )
    assert variables["OMP_NUM_THREADS"] == "4"
    assert variables["XLA_FLAGS"] == "it's $(touch x) 雪"
    assert variables["PYTHONHASHSEED"] == "7"
    assert variables["OPENBLAS_CORETYPE"] == "Haswell"
    assert variables["VIRTUAL_ENV"] == str(folder / "venv")
    assert (variables["MINE"], variables["TF_LOG"]) == ("1", "mine")
    assert "MKL_NUM_THREADS" not in variables
    assert cpus == 1
    assert not list(folder.glob("x"))


def test_the_launcher_passes_arguments_and_the_exit_code_on(tmp_path: Path) -> None:
    folder = written(texts({"facts.cpu.usable_threads": 64}), tmp_path / "made")
    done = launched(folder, "python", "-c", "import sys; print(sys.argv[1:]); sys.exit(7)", "a b")
    assert (done.returncode, done.stdout) == (7, "['a b']\n")


def test_the_launcher_says_how_to_create_a_missing_environment(tmp_path: Path) -> None:
    folder = written(texts({}), tmp_path / "made")
    done = subprocess.run([folder / files.RUN, "true"], capture_output=True, text=True, check=False)
    assert done.returncode == 125
    assert "python3.11 -m venv" in done.stderr
    assert "--no-deps" in done.stderr


def test_an_env_file_holds_what_fits_on_a_line_and_names_the_rest() -> None:
    made = texts(
        {"facts.environ.variables": {"TF_A": "1 2", "TF_B": "a\nTF_C=3", "TF_D": "~/x",
                                     "LD_PRELOAD": "/home/me/x.so"}}
    )[files.ENV_FILE].splitlines()  # fmt: skip
    assert [line for line in made if not line.startswith("#")] == ["TF_A=1 2"]
    for name in ("TF_B", "TF_D", "LD_PRELOAD"):
        assert any(line.startswith(f"# {name}: ") for line in made)


def test_a_dockerfile_has_the_patch_of_python_the_c_library_and_the_limits() -> None:
    made = texts(
        {
            "facts.os.distribution": "debian 12",
            "facts.cpu.usable_threads": 4,
            "facts.cpu.quota_cpus": 2.5,
            "facts.container.memory_limit_bytes": 8 << 30,
            "facts.gpu.count": 1,
            "facts.math.openmp": [{"owner": "system", "name": "libgomp", "library": "/usr/lib/x"}],
        }
    )[files.DOCKERFILE]
    assert "FROM python:3.11.7-slim-bookworm\n" in made
    assert "--gpus all --cpus 2.5 --cpuset-cpus 0-3 --memory 8589934592b" in made
    assert "libgomp1" in made


def test_a_system_without_such_an_image_is_said() -> None:
    system = "Ubuntu 22.04\nRUN touch x"
    facts = {"facts.os.distribution": "ubuntu 22.04", "facts.os.distribution_name": system}
    made = texts(facts)[files.DOCKERFILE]
    assert "FROM python:3.11.7-slim\n" in made
    assert not any(line.startswith("RUN touch") for line in made.splitlines())


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_document_writes_nothing_but_comments(text: str, tmp_path: Path) -> None:
    made = texts(
        {
            "facts.packages.distributions": {
                text: package("1.0"),
                "six": package(text),
                "tool": package("1.0", origin={"kind": "vcs", "url": text, "commit": text}),
                "other": package("1.0", installer=text, origin=None),
            },
            "facts.python.version": text,
            "facts.python.hash_seed": text,
            "facts.os.distribution": text,
            "facts.os.distribution_name": text,
            "facts.cpu.usable_threads": text,
            "facts.cpu.quota_cpus": text,
            "facts.container.memory_limit_bytes": text,
            "facts.gpu.count": text,
            "facts.math.openmp": [text],
            "facts.environ.variables": {"LD_PRELOAD": text, text: text},
        }
    )
    other = {"other": package("1.0", origin=None)}
    innocent = texts(
        {
            "facts.python.version": "x",
            "facts.gpu.count": "x",
            "facts.packages.distributions": other,
        }
    )
    for name, text_of_file in made.items():
        whole = text_of_file.encode("utf-8", "backslashreplace").decode()
        code = [line for line in whole.splitlines() if not line.startswith("#")]
        allowed = [line for line in innocent[name].splitlines() if not line.startswith("#")]
        if name == files.VARIABLES:
            # A variable that is left out is not unset either.
            code = [line.replace("LD_PRELOAD|", "") for line in code]
            allowed = [line.replace("LD_PRELOAD|", "") for line in allowed]
        assert code == allowed, name


@pytest.mark.parametrize("text", WORDS.values(), ids=WORDS)
def test_a_hostile_value_reaches_the_job_as_it_is(text: str, tmp_path: Path) -> None:
    made = texts({"facts.environ.variables": {"XLA_FLAGS": text}})
    folder = written(made, tmp_path / "made")
    assert is_complete((folder / files.VARIABLES).read_text())
    if settings := recipe({"facts.environ.variables": {"XLA_FLAGS": text}}).settings.variables:
        variables, _ = seen(folder, HOME="/h", LC_ALL="C.UTF-8")
        assert variables["XLA_FLAGS"] == re.sub("^~/", "/h/", settings["XLA_FLAGS"])
    assert {path.name for path in folder.iterdir()} == {*made, "venv"}
