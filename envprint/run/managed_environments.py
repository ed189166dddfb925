"""The environments that `uv run`, `conda run` and their kind enter, as far as files tell.

Each function here returns the environment and the command in it, or raises `NotKnown`: none makes
an environment, and none starts the manager to hear its answer.
"""

from __future__ import annotations

import hashlib
import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping

from envprint.core.typed import Any
from envprint.run.command_options import NotKnown, Parsed
from envprint.run.program_files import Call
from envprint.run.project_files import (
    Entered,
    find_project,
    inner_tables,
    is_conda_base,
    list_names,
    parents,
    python_of,
    read_text,
    read_toml,
    value_at,
)
from envprint.run.uv_environments import enter_uv


def enter(manager: str, call: Call, parsed: Parsed) -> Entered:
    """The environment that a manager's `run` enters. Raises `NotKnown`."""
    entered = _MANAGERS[manager](call, parsed)
    if not os.path.exists(python_of(entered.prefix)):
        raise NotKnown(f"{entered.prefix} has no interpreter yet")
    return entered


def _conda(call: Call, parsed: Parsed) -> Entered:
    if prefix := parsed.value("-p", "--prefix"):
        return Entered(os.path.join(call.directory, os.path.expanduser(prefix)), parsed.rest)
    name = parsed.value("-n", "--name")
    if name is None:
        active = call.variables.get("CONDA_PREFIX") or next(_conda_roots(call, parsed), None)
        if active is None:
            raise NotKnown("no conda environment is active")
        return Entered(active, parsed.rest)
    for prefix in _conda_prefixes(call, parsed, name):
        if os.path.isdir(prefix):
            return Entered(prefix, parsed.rest)
    raise NotKnown(f"no conda environment is named {name}")


def _conda_roots(call: Call, parsed: Parsed) -> Iterator[str]:
    """Installations of conda, the one that is called first."""
    named = parsed.value("-r", "--root-prefix") or call.variables.get("MAMBA_ROOT_PREFIX")
    programs = [os.path.realpath(call.path), call.variables.get("CONDA_EXE") or ""]
    candidates = [named, *(os.path.dirname(os.path.dirname(path)) for path in programs)]
    if active := call.variables.get("CONDA_PREFIX"):
        folder, last = os.path.split(os.path.dirname(active))
        candidates.append(folder if last == "envs" else active)
    candidates += [call.home(".local", "share", "mamba"), call.home("micromamba")]
    for place in candidates:
        if place and any(os.path.isdir(os.path.join(place, n)) for n in ("conda-meta", "envs")):
            yield place


def _conda_prefixes(call: Call, parsed: Parsed, name: str) -> Iterator[str]:
    """Where an environment of that name may lie, in the order in which conda looks.

    https://docs.conda.io/projects/conda/en/stable/user-guide/configuration/custom-env-and-pkg-locations.html
    """
    roots = list(_conda_roots(call, parsed))
    if name in ("base", "root"):
        yield from roots[:1]
        return
    listed = call.variables.get("CONDA_ENVS_PATH") or call.variables.get("CONDA_ENVS_DIRS") or ""
    folders = [folder for folder in listed.split(os.pathsep) if folder]
    for root in (call.home(), *roots):
        found = re.search(r"(?m)^envs_dirs:\s*\n((?:\s*-.*(?:\n|$))+)", read_text(root, ".condarc"))
        folders += re.findall(r"-\s*[\"']?([^\s\"'#]+)", found[1]) if found else []
    folders += [os.path.join(root, "envs") for root in roots]
    folders.append(call.home(".conda", "envs"))
    for folder in folders:
        yield os.path.join(os.path.expanduser(folder), name)
    for line in read_text(call.home(".conda"), "environments.txt").splitlines():
        if os.path.basename(line.strip()) == name:
            yield line.strip()


def _pixi(call: Call, parsed: Parsed) -> Entered:
    manifest = parsed.value("--manifest-path") or call.variables.get("PIXI_PROJECT_MANIFEST")
    start = os.path.join(call.directory, manifest or "")
    root, table = _pixi_project(os.path.dirname(start) if os.path.isfile(start) else start)
    word = parsed.rest[0]
    places = [table, *inner_tables(table.get("feature")), *inner_tables(table.get("target"))]
    places += [inner for place in places for inner in inner_tables(place.get("target"))]
    if not parsed.has("-x", "--executable"):
        _refuse_task(word, [place.get("tasks") for place in places])
    name = parsed.value("-e", "--environment") or "default"
    return Entered(os.path.join(root, ".pixi", "envs", name), parsed.rest)


def _pixi_project(start: str) -> tuple[str, Mapping[str, Any]]:
    for folder in parents(start):
        inside = value_at(read_toml(folder, "pyproject.toml"), "tool", "pixi")
        table = read_toml(folder, "pixi.toml") or inside
        if isinstance(table, dict) and table:
            return folder, table
    raise NotKnown("no pixi project was found")


def _refuse_task(word: str, tasks: list[Any]) -> None:
    """Raises `NotKnown` for a task of the project, and for a line of the shell."""
    if any(isinstance(table, dict) and word in table for table in tasks):
        raise NotKnown(f"{word} is a task of the project, which may start anything")
    if re.search(r"\s", word):
        raise NotKnown("a line of the shell may start anything")


def _poetry(call: Call, parsed: Parsed) -> Entered:
    start = os.path.join(call.directory, parsed.value("-P", "--project") or "")
    root, project = find_project(start, "poetry", "pyproject.toml")
    prefix = _poetry_prefix(call, root, project)
    scripts = (
        value_at(project, "tool", "poetry", "scripts"),
        value_at(project, "project", "scripts"),
    )
    if any(isinstance(table, dict) and parsed.rest[0] in table for table in scripts):
        return Entered(prefix, (python_of(prefix), *parsed.rest[1:]))
    return Entered(prefix, parsed.rest)


def _poetry_prefix(call: Call, root: str, project: Mapping[str, Any]) -> str:
    """https://python-poetry.org/docs/configuration/#virtualenvsin-project.

    In its cache, a directory's name holds that of the project and a digest of its path, and a file
    the versions that were selected, which come before the active environment:
    https://github.com/python-poetry/poetry/blob/main/src/poetry/utils/env/env_manager.py
    """
    cache = call.variables.get("POETRY_CACHE_DIR") or call.home(".cache", "pypoetry")
    folder = _poetry_setting(call, root, "path") or os.path.join(cache, "virtualenvs")
    stem = _poetry_stem(root, project)
    selected = value_at(read_toml(folder, "envs.toml"), stem, "minor")
    active = call.variables.get("VIRTUAL_ENV") or call.variables.get("CONDA_PREFIX")
    if active and selected is None and not is_conda_base(call):
        return active
    beside = os.path.join(root, ".venv")
    if _poetry_setting(call, root, "in-project") != "false" and os.path.isdir(beside):
        return beside
    if _poetry_setting(call, root, "create") == "false":
        raise NotKnown("poetry is configured not to create an environment")
    found = [name for name in list_names(folder) if name.startswith(f"{stem}-py{selected or ''}")]
    if len(found) != 1:
        raise NotKnown(f"poetry has {len(found) or 'no'} environments for {root}")
    return os.path.join(folder, found[0])


def _poetry_stem(root: str, project: Mapping[str, Any]) -> str:
    name = value_at(project, "project", "name") or value_at(project, "tool", "poetry", "name") or ""
    normal = re.sub(r"[-_.]+", "-", str(name)).lower()
    digest = urlsafe_b64encode(hashlib.sha256(os.fsencode(os.path.realpath(root))).digest())
    return re.sub(r'[ $`!*@"\\\r\n\t]', "_", normal)[:42] + f"-{digest.decode()[:8]}"


def _poetry_setting(call: Call, root: str, name: str) -> str | None:
    """A setting of `virtualenvs`, the first of: variable, project, user. True is "true"."""
    variable = call.variables.get(f"POETRY_VIRTUALENVS_{name.upper().replace('-', '_')}")
    if variable:
        return variable.lower() if variable.lower() in ("true", "false") else variable
    config = call.variables.get("POETRY_CONFIG_DIR") or call.home(".config", "pypoetry")
    for table in (read_toml(root, "poetry.toml"), read_toml(config, "config.toml")):
        value = value_at(table, "virtualenvs", name)
        if value is not None:
            return str(value).lower() if isinstance(value, bool) else str(value)
    return None


def _pipenv(call: Call, parsed: Parsed) -> Entered:
    root, project = find_project(call.directory, "pipenv", "Pipfile")
    _refuse_task(parsed.rest[0], [project.get("scripts")])
    active = call.variables.get("VIRTUAL_ENV")
    if active and not call.variables.get("PIPENV_IGNORE_VIRTUALENVS"):
        return Entered(active, parsed.rest)
    beside = os.path.join(root, ".venv")
    setting = call.variables.get("PIPENV_VENV_IN_PROJECT")
    if (setting or str(value_at(project, "pipenv", "venv_in_project"))).lower() in (
        "1",
        "true",
        "yes",
    ):
        return Entered(beside, parsed.rest)
    found = [*_pipenv_prefixes(call, root), *([beside] if os.path.isdir(beside) else [])]
    # Where there are two, versions of pipenv differ.
    if len(found) != 1:
        raise NotKnown(f"pipenv has {len(found) or 'no'} environments for {root}")
    return Entered(found[0], parsed.rest)


def _pipenv_prefixes(call: Call, root: str) -> Iterator[str]:
    """Environments outside the project: each has the project's directory in a file."""
    folder = call.variables.get("WORKON_HOME") or call.home(".local", "share", "virtualenvs")
    for name in list_names(folder):
        prefix = os.path.join(folder, name)
        if os.path.realpath(read_text(prefix, ".project").strip() or "/") == os.path.realpath(root):
            yield prefix


def _pdm(call: Call, parsed: Parsed) -> Entered:
    root, project = find_project(call.directory, "pdm", "pyproject.toml")
    _refuse_task(parsed.rest[0], [value_at(project, "tool", "pdm", "scripts")])
    saved = call.variables.get("PDM_PYTHON") or read_text(root, ".pdm-python").strip()
    if saved and not call.variables.get("PDM_IGNORE_SAVED_PYTHON"):
        return Entered(os.path.dirname(os.path.dirname(saved)), parsed.rest)
    active = call.variables.get("VIRTUAL_ENV") or call.variables.get("CONDA_PREFIX")
    if active and not (call.variables.get("PDM_IGNORE_ACTIVE_VENV") or is_conda_base(call)):
        return Entered(active, parsed.rest)
    return Entered(os.path.join(root, ".venv"), parsed.rest)


def _rye(call: Call, parsed: Parsed) -> Entered:
    root, project = find_project(call.directory, "rye", "pyproject.toml")
    _refuse_task(parsed.rest[0], [value_at(project, "tool", "rye", "scripts")])
    return Entered(os.path.join(root, ".venv"), parsed.rest)


_MANAGERS: Mapping[str, Callable[[Call, Parsed], Entered]] = {
    "uv": enter_uv,
    "conda": _conda,
    "pixi": _pixi,
    "poetry": _poetry,
    "pipenv": _pipenv,
    "pdm": _pdm,
    "rye": _rye,
}
