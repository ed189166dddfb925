"""Which environment `uv run`, `conda run` and their kind enter: by real uv, else by layout."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.programs import World, binary, environment, executable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="NOT LINUX: runs nothing here")
TELL = "import sys; print(sys.prefix)"
PROJECT = '[project]\nname = "train"\nversion = "1"\nrequires-python = ">=3.9"\n'
UV = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def entered(world: World, *argv: str | Path, **variables: str) -> Path:
    """The prefix of the interpreter that the words start."""
    found = world.python(*argv, **variables)
    assert found is not None
    return Path(found).parent.parent


@pytest.fixture
def project(world: World) -> Path:
    """The environment of a project of uv in the working directory; `uv` is the real one."""
    (world.bin / "uv").symlink_to(UV)
    (world.work / "pyproject.toml").write_text(PROJECT)
    (world.work / "train.py").write_text(TELL)
    (world.work / "job").mkdir()
    (world.work / "job" / "__main__.py").write_text(TELL)
    return made_by_uv(world.work / ".venv")


def made_by_uv(place: Path) -> Path:
    subprocess.run([UV, "venv", "-q", "--offline", "-p", sys.executable, place], check=True)
    return place


OFFLINE = {"UV_OFFLINE": "1", "UV_NO_SYNC": "1"}


@pytest.mark.parametrize(
    "command",
    [
        "uv run train.py",
        "uv run -- python train.py",
        "uv run --script train.py",
        "uv run -q --no-sync --frozen python train.py",
        "uv -q run --extra-index-url x --color never python3 train.py",
        "uv run job",
        "uv run -m job",
        "uv run nice -n 1 python train.py",
        f"uv run -p {sys.version_info[0]}.{sys.version_info[1]} train.py",
    ],
)
def test_uv_runs_in_the_environment_of_the_project(
    command: str, world: World, project: Path
) -> None:
    words = command.split()
    assert entered(world, *words) == project
    assert world.really(*words, env=OFFLINE) == f"{project}\n"


def test_uv_runs_where_its_options_and_variables_say(world: World, project: Path) -> None:
    other = made_by_uv(world.home / "other")
    inside = world.work / "a" / "b"
    inside.mkdir(parents=True)
    away = str(world.home)
    for words, variables in (
        (["uv", "run", "--active", "python"], {"VIRTUAL_ENV": str(other)}),
        (["uv", "run", "python"], {"UV_PROJECT_ENVIRONMENT": str(other)}),
        (["uv", "run", "--no-project", "python"], {"VIRTUAL_ENV": str(other)}),
        (["uv", "run", "--directory", away, "python"], {"VIRTUAL_ENV": str(other)}),
        (["uv", "run", "python"], {"VIRTUAL_ENV": str(other)}),
        (["uv", "run", "--no-project", "python"], {}),
        (["uv", "run", "--project", str(inside), "python"], {}),
        (["uv", "run", "--directory", str(inside), "python"], {}),
        (["env", "-C", away, "uv", "run", "--project", str(world.work), "python"], {}),
    ):
        real = world.really(*words, "-c", TELL, env=OFFLINE | variables).strip()
        assert str(entered(world, *words, **variables)) == real, words


@pytest.mark.parametrize(
    "text",
    [
        "[tool.ruff]\n",
        "[dependency-groups]\ndev = []\n",
        "[tool.uv]\nmanaged = false\n",
        f"{PROJECT}[tool.uv]\nmanaged = false\n",
    ],
)
def test_what_uv_takes_for_a_project_is_one(text: str, world: World, project: Path) -> None:
    (world.work / "pyproject.toml").write_text(text)
    active = {"VIRTUAL_ENV": str(made_by_uv(world.home / "active"))}
    real = world.really("uv", "run", "python", "-c", TELL, env=OFFLINE | active).strip()
    assert str(entered(world, "uv", "run", "python", **active)) == real


def test_a_member_of_a_workspace_has_the_environment_of_the_workspace(
    world: World, project: Path
) -> None:
    with (world.work / "pyproject.toml").open("a") as file:
        file.write('[tool.uv.workspace]\nmembers = ["libs/*"]\nexclude = ["libs/old"]\n')
    for name in ("new", "old"):
        folder = world.work / "libs" / name
        folder.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(PROJECT.replace("train", name))
    own = made_by_uv(world.work / "libs" / "old" / ".venv")
    for name, prefix in (("new", project), ("old", own)):
        words = ("uv", "run", "--directory", f"libs/{name}", "python")
        assert entered(world, *words) == prefix
        assert world.really(*words, "-c", TELL, env=OFFLINE) == f"{prefix}\n"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("uv run --with numpy python", "uv creates an environment for this command"),
        ("uv run --isolated python", "uv creates an environment for this command"),
        ("uv run declared.py", "uv creates an environment for declared.py"),
        ("uv run -p 3.99 python", "for a different version of Python"),
        ("uv run --no-project -p 3.11 python", "uv looks for Python 3.11 itself"),
        ("uv run --weird python", "what its option --weird does"),
        ("uv run", "uv has no command"),
        ("uv pip install x", "only as `uv run`"),
    ],
)
def test_where_uv_makes_an_environment_or_looks_for_one_it_is_not_known(
    command: str, words: str, world: World, project: Path
) -> None:
    declared = "# /// script\n# dependencies = []\n# ///\n"
    (world.work / "declared.py").write_text(declared)
    assert words in world.reason(*command.split())


def test_an_environment_that_uv_has_still_to_make_is_not_known(world: World, project: Path) -> None:
    (world.work / ".python-version").write_text("3.99\n")
    assert "for a different version" in world.reason("uv", "run", "python")
    (world.work / ".python-version").unlink()
    shutil.rmtree(project)
    assert f"{project} has no interpreter yet" in world.reason("uv", "run", "python")
    (world.work / "pyproject.toml").write_text("[project\n")
    assert "is not TOML" in world.reason("uv", "run", "python")


@pytest.fixture
def conda(world: World) -> Path:
    """An installation of conda with two environments, as its files lie."""
    root = world.home / "miniforge3"
    for prefix in (root, root / "envs" / "train", root / "envs" / "other"):
        (prefix / "bin").mkdir(parents=True)
        (prefix / "conda-meta").mkdir()
        (prefix / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    executable(root / "bin" / "conda", f"#!{root}/bin/python\n")
    (root / "condabin").mkdir()
    (root / "condabin" / "conda").symlink_to(root / "bin" / "conda")
    world.variables["PATH"] = f"{root}/condabin:{world.variables['PATH']}"
    return root


def test_conda_runs_in_the_named_or_the_active_environment(world: World, conda: Path) -> None:
    train, other = conda / "envs" / "train", conda / "envs" / "other"
    assert entered(world, "conda", "run", "-n", "train", "python") == train
    assert entered(world, "conda", "run", "--name=train", "--live-stream", "python") == train
    assert entered(world, "conda", "run", "-ntrain", "-vs", "nice", "python") == train
    assert entered(world, "conda", "run", "-p", other, "python", "x.py") == other
    assert entered(world, "conda", "run", "-n", "base", "python") == conda
    assert entered(world, "conda", "run", "python") == conda
    assert entered(world, "conda", "run", "python", CONDA_PREFIX=str(other)) == other
    absolute = world.python("conda", "run", "-n", "train", sys.executable)
    assert absolute == sys.executable
    assert "no conda environment is named" in world.reason("conda", "run", "-n", "no", "python")


def test_environments_of_conda_in_other_places_are_found(world: World, conda: Path) -> None:
    def found(**variables: str) -> Path:
        return entered(world, "conda", "run", "-n", "mine", "python", **variables)

    def made(place: Path) -> Path:
        (place / "bin").mkdir(parents=True)
        (place / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
        return place

    listed = made(world.home / "listed" / "mine")
    (world.home / ".conda").mkdir()
    (world.home / ".conda" / "environments.txt").write_text(f"{conda}\n{listed}\n")
    assert found() == listed
    own = made(world.home / ".conda" / "envs" / "mine")
    assert found() == own
    configured = made(world.home / "configured" / "mine")
    (world.home / ".condarc").write_text("channels:\n  - a\nenvs_dirs:\n  - ~/configured\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(world.home))
        assert found() == configured
    named = made(world.home / "named" / "mine")
    assert found(CONDA_ENVS_PATH=str(named.parent)) == named


def test_micromamba_has_a_root_of_its_own(world: World) -> None:
    binary(world.bin / "micromamba")
    root = world.home / "micromamba"
    (root / "envs" / "train" / "bin").mkdir(parents=True)
    (root / "envs" / "train" / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    prefix = root / "envs" / "train"
    assert entered(world, "micromamba", "run", "-n", "train", "python") == prefix
    moved = world.home / "moved"
    root.rename(moved)
    prefix = moved / "envs" / "train"
    words = ("micromamba", "-r", moved, "run", "-n", "train", "-e", "A=B", "python")
    assert entered(world, *words) == prefix
    words = ("micromamba", "run", "-n", "train", "python")
    assert entered(world, *words, MAMBA_ROOT_PREFIX=str(moved)) == prefix


def test_pixi_runs_in_an_environment_of_the_project_unless_the_word_is_a_task(
    world: World,
) -> None:
    binary(world.bin / "pixi")
    tasks = '[tasks]\ntrain = "python t.py"\n[feature.gpu.tasks.evaluate]\ncmd = "x"\n'
    (world.work / "pixi.toml").write_text(f"[workspace]\nchannels = []\n{tasks}")
    default = environment(world.work / ".pixi" / "envs" / "default")
    gpu = environment(world.work / ".pixi" / "envs" / "gpu")
    assert entered(world, "pixi", "run", "python", "train.py") == default
    assert entered(world, "pixi", "run", "-e", "gpu", "--frozen", "python") == gpu
    assert "train is a task of the project" in world.reason("pixi", "run", "train")
    assert "evaluate is a task" in world.reason("pixi", "run", "evaluate")
    assert "a line of the shell" in world.reason("pixi", "run", "python train.py")
    assert "has no interpreter yet" in world.reason("pixi", "run", "-e", "cpu", "python")
    (world.work / "pixi.toml").unlink()
    assert "no pixi project was found" in world.reason("pixi", "run", "python")


@pytest.fixture
def poetry(world: World) -> World:
    executable(world.bin / "poetry", f"#!{sys.executable}\n")
    text = '[tool.poetry]\nname = "My_Train.x"\n[tool.poetry.scripts]\nfit = "train:main"\n'
    (world.work / "pyproject.toml").write_text(text)
    return world


def test_poetry_takes_the_active_the_projects_or_its_caches_environment(poetry: World) -> None:
    cache = poetry.home / ".cache" / "pypoetry" / "virtualenvs"
    digest = hashlib.sha256(os.fsencode(os.path.realpath(poetry.work))).digest()
    stem = f"my-train-x-{base64.urlsafe_b64encode(digest).decode()[:8]}"
    environment(cache / "my-train-x-AAAAAAAA-py3.11")
    assert "poetry has no environments for" in poetry.reason("poetry", "run", "python")
    cached = environment(cache / f"{stem}-py3.11")
    assert entered(poetry, "poetry", "run", "python", "x.py") == cached
    second = environment(cache / f"{stem}-py3.12")
    assert "poetry has 2 environments for" in poetry.reason("poetry", "run", "python")
    selected = cache / "envs.toml"
    selected.write_text(f'[{stem}]\nminor = "3.12"\npatch = "3.12.1"\n')
    assert entered(poetry, "poetry", "run", "python") == second
    active = environment(poetry.home / "active")
    assert entered(poetry, "poetry", "run", "python", VIRTUAL_ENV=str(active)) == second
    selected.unlink()
    shutil.rmtree(second)
    beside = environment(poetry.work / ".venv")
    assert entered(poetry, "poetry", "run", "python") == beside
    assert entered(poetry, "poetry", "-q", "run", "fit", "--epochs", "3") == beside
    (poetry.work / "poetry.toml").write_text("[virtualenvs]\nin-project = false\n")
    assert entered(poetry, "poetry", "run", "python") == cached
    assert entered(poetry, "poetry", "run", "python", VIRTUAL_ENV=str(active)) == active
    base = {"CONDA_PREFIX": str(active), "CONDA_DEFAULT_ENV": "base"}
    assert entered(poetry, "poetry", "run", "python", **base) == cached
    (poetry.work / "poetry.toml").write_text("[virtualenvs]\ncreate = false\nin-project = false\n")
    assert "configured not to create an environment" in poetry.reason("poetry", "run", "python")


def test_pipenv_finds_its_environment_by_the_project_that_is_written_in_it(world: World) -> None:
    executable(world.bin / "pipenv", f"#!{sys.executable}\n")
    (world.work / "Pipfile").write_text('[scripts]\ntrain = "python t.py"\n')
    own = environment(world.home / ".local" / "share" / "virtualenvs" / "work-AbCdEf12")
    (own / ".project").write_text(f"{world.work}\n")
    environment(own.parent / "work-other")
    assert entered(world, "pipenv", "run", "python") == own
    assert "train is a task of the project" in world.reason("pipenv", "run", "train")
    beside = environment(world.work / ".venv")
    assert "pipenv has 2 environments for" in world.reason("pipenv", "run", "python")
    assert entered(world, "pipenv", "run", "python", PIPENV_VENV_IN_PROJECT="1") == beside
    shutil.rmtree(own)
    assert entered(world, "pipenv", "run", "python") == beside
    active = environment(world.home / "active")
    assert entered(world, "pipenv", "run", "python", VIRTUAL_ENV=str(active)) == active


def test_pdm_and_rye_have_the_environment_beside_the_project(world: World) -> None:
    executable(world.bin / "pdm", f"#!{sys.executable}\n")
    binary(world.bin / "rye")
    scripts = '[tool.pdm.scripts]\ntrain = "x"\n[tool.rye.scripts]\ntrain = "x"\n'
    (world.work / "pyproject.toml").write_text(PROJECT + scripts)
    beside = environment(world.work / ".venv")
    for manager in ("pdm", "rye"):
        assert entered(world, manager, "run", "python", "x.py") == beside
        assert "train is a task of the project" in world.reason(manager, "run", "train")
    saved = environment(world.home / "saved")
    (world.work / ".pdm-python").write_text(f"{saved}/bin/python")
    assert entered(world, "pdm", "run", "python") == saved
    ignoring = {"PDM_IGNORE_SAVED_PYTHON": "1", "VIRTUAL_ENV": str(saved)}
    assert entered(world, "pdm", "run", "python", **ignoring) == saved
    assert entered(world, "pdm", "run", "python", **ignoring, PDM_IGNORE_ACTIVE_VENV="1") == beside


def test_the_module_of_a_manager_is_the_manager(world: World) -> None:
    beside = environment(world.work / ".venv")
    (world.work / "pyproject.toml").write_text(PROJECT)
    assert entered(world, sys.executable, "-m", "poetry", "run", "python") == beside
    assert entered(world, sys.executable, "-m", "pdm", "run", "python") == beside
    assert "it makes an environment" in world.reason(sys.executable, "-m", "tox", "-e", "x")
