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
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from envprint.core.errors import EnvprintError
from envprint.judging.policy.toml import parse_toml
from envprint.machine.files import read_file
from envprint.run.command_options import NotKnown, Parsed
from envprint.run.program_files import head


class Call(NamedTuple):
    """A program about to start: its words, its file, its variables, its working directory."""

    argv: tuple[str, ...]
    path: str
    variables: Mapping[str, str]
    directory: str

    def home(self, *below: str) -> str:
        """A path in the home directory."""
        return os.path.join(self.variables.get("HOME") or os.path.expanduser("~"), *below)


class Entered(NamedTuple):
    """An environment, and the command that starts in it."""

    prefix: str
    argv: tuple[str, ...]


def enter(manager: str, call: Call, parsed: Parsed) -> Entered:
    """The environment that a manager's `run` enters. Raises `NotKnown`."""
    entered = _MANAGERS[manager](call, parsed)
    if not os.path.exists(python_of(entered.prefix)):
        raise NotKnown(f"{entered.prefix} is not there yet")
    return entered


def python_of(prefix: str) -> str:
    """The interpreter of an environment."""
    return os.path.join(prefix, "bin", "python")


def _uv(call: Call, parsed: Parsed) -> Entered:
    own = ("-w", "--with", "--with-editable", "--with-requirements", "--isolated")
    if parsed.has(*own) or call.variables.get("UV_ISOLATED"):
        raise NotKnown("uv makes an environment for this command")
    first = parsed.rest[0]
    path = os.path.join(call.directory, first)
    is_script = parsed.has("-s", "--script", "--gui-script") or (
        first.endswith((".py", ".pyw")) and os.path.isfile(path)
    )
    if is_script and re.search(rb"(?m)^# /// script\s*$", head(path)):
        raise NotKnown(f"uv makes an environment for {first}, which declares what it needs")
    prefix = _uv_prefix(call, parsed)
    is_module = parsed.has("-m", "--module")
    if is_script or is_module or first == "-" or os.path.isfile(os.path.join(path, "__main__.py")):
        switch = ("-m",) if is_module else ()
        return Entered(prefix, (python_of(prefix), *switch, *parsed.rest))
    return Entered(prefix, parsed.rest)


def _uv_prefix(call: Call, parsed: Parsed) -> str:
    """The environment of the project, or without one the active one or the nearest `.venv`.

    https://docs.astral.sh/uv/concepts/projects/config/#project-environment-path
    """
    requested = parsed.value("-p", "--python") or call.variables.get("UV_PYTHON")
    start = parsed.value("--project") or call.variables.get("UV_PROJECT") or ""
    root = _uv_root(os.path.join(call.directory, start))
    if root is None or parsed.has("--no-project") or call.variables.get("UV_NO_PROJECT"):
        if requested:
            raise NotKnown(f"uv looks for Python {requested} itself")
        return _uv_without_project(call)
    active = call.variables.get("VIRTUAL_ENV") if parsed.has("--active") else None
    prefix = active or call.variables.get("UV_PROJECT_ENVIRONMENT") or ".venv"
    prefix = os.path.join(root, prefix)
    if not _is_kept(prefix, root, requested):
        raise NotKnown(f"uv makes {prefix} anew, for another version of Python")
    return prefix


def _uv_root(start: str) -> str | None:
    """The directory of the project or workspace that `start` lies in."""
    projects = [(folder, _toml(folder, "pyproject.toml")) for folder in _upwards(start)]
    found = [(folder, table) for folder, table in projects if table]
    if not found:
        return None
    nearest, table = found[0]
    if "project" in table and _at(table, "tool", "uv", "managed") is False:
        return None
    for folder, table in found:
        workspace = _at(table, "tool", "uv", "workspace")
        inside = os.path.relpath(nearest, folder)
        if isinstance(workspace, dict) and _is_member(workspace, inside):
            return folder
    return nearest


def _is_member(workspace: Mapping[str, Any], inside: str) -> bool:
    """Whether the directory `inside` a workspace belongs to it."""

    def matches(key: str) -> bool:
        patterns = workspace.get(key) or []
        return any(fnmatchcase(inside, os.path.normpath(str(one))) for one in patterns)

    return inside == "." or (matches("members") and not matches("exclude"))


def _is_kept(prefix: str, root: str, requested: str | None) -> bool:
    """Whether uv takes the environment as it is: its Python is the requested one."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    configured = re.search(
        r"(?m)^version(?:_info)? *= *(\d+(?:\.\d+)*)", _text(prefix, "pyvenv.cfg")
    )
    if not configured:
        return True
    version = configured[1]
    pins = re.findall(r"(?m)^\s*([^#\s]\S*)", _text(root, ".python-version"))
    pinned = requested or next(iter(pins), None)
    if pinned and not _satisfies(version, pinned):
        return False
    needed = _at(_toml(root, "pyproject.toml"), "project", "requires-python")
    try:
        return version in SpecifierSet(needed if isinstance(needed, str) else "")
    except InvalidSpecifier:
        return True


def _satisfies(version: str, request: str) -> bool:
    """Whether a version is what a request such as `3.11` or `>=3.10` names; no for other forms."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    request = re.sub(r"^(cpython|python)[@-]?", "", request)
    is_plain = re.fullmatch(r"\d+(\.\d+)*", request)
    if is_plain:
        return f"{version}.".startswith(f"{request}.")
    try:
        return version in SpecifierSet(request)
    except InvalidSpecifier:
        return False


def _uv_without_project(call: Call) -> str:
    """https://docs.astral.sh/uv/pip/environments/#discovery-of-python-environments."""
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = call.variables.get(name)
        if prefix and not (name == "CONDA_PREFIX" and _is_conda_base(call)):
            return os.path.join(call.directory, prefix)
    for folder in _upwards(call.directory):
        if os.path.isdir(os.path.join(folder, ".venv")):
            return os.path.join(folder, ".venv")
    raise NotKnown("uv looks for an interpreter itself")


def _is_conda_base(call: Call) -> bool:
    return call.variables.get("CONDA_DEFAULT_ENV") in ("base", "root")


def _conda(call: Call, parsed: Parsed) -> Entered:
    if prefix := parsed.value("-p", "--prefix"):
        return Entered(os.path.join(call.directory, os.path.expanduser(prefix)), parsed.rest)
    name = parsed.value("-n", "--name")
    if name is None:
        active = call.variables.get("CONDA_PREFIX") or next(_conda_roots(call, parsed), None)
        if active is None:
            raise NotKnown("no environment of conda is active")
        return Entered(active, parsed.rest)
    for prefix in _conda_prefixes(call, parsed, name):
        if os.path.isdir(prefix):
            return Entered(prefix, parsed.rest)
    raise NotKnown(f"no environment of conda is found that is named {name}")


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
        found = re.search(r"(?m)^envs_dirs:\s*\n((?:\s*-.*(?:\n|$))+)", _text(root, ".condarc"))
        folders += re.findall(r"-\s*[\"']?([^\s\"'#]+)", found[1]) if found else []
    folders += [os.path.join(root, "envs") for root in roots]
    folders.append(call.home(".conda", "envs"))
    for folder in folders:
        yield os.path.join(os.path.expanduser(folder), name)
    for line in _text(call.home(".conda"), "environments.txt").splitlines():
        if os.path.basename(line.strip()) == name:
            yield line.strip()


def _pixi(call: Call, parsed: Parsed) -> Entered:
    manifest = parsed.value("--manifest-path") or call.variables.get("PIXI_PROJECT_MANIFEST")
    start = os.path.join(call.directory, manifest or "")
    root, table = _pixi_project(os.path.dirname(start) if os.path.isfile(start) else start)
    word = parsed.rest[0]
    places = [table, *_tables(table.get("feature")), *_tables(table.get("target"))]
    places += [inner for place in places for inner in _tables(place.get("target"))]
    if not parsed.has("-x", "--executable"):
        _refuse_task(word, [place.get("tasks") for place in places])
    name = parsed.value("-e", "--environment") or "default"
    return Entered(os.path.join(root, ".pixi", "envs", name), parsed.rest)


def _pixi_project(start: str) -> tuple[str, Mapping[str, Any]]:
    for folder in _upwards(start):
        inside = _at(_toml(folder, "pyproject.toml"), "tool", "pixi")
        table = _toml(folder, "pixi.toml") or inside
        if isinstance(table, dict) and table:
            return folder, table
    raise NotKnown("no project of pixi is found")


def _refuse_task(word: str, tasks: list[Any]) -> None:
    """Raises `NotKnown` for a task of the project, and for a line of the shell."""
    if any(isinstance(table, dict) and word in table for table in tasks):
        raise NotKnown(f"{word} is a task of the project, which may start anything")
    if re.search(r"\s", word):
        raise NotKnown("a line of the shell may start anything")


def _poetry(call: Call, parsed: Parsed) -> Entered:
    start = os.path.join(call.directory, parsed.value("-P", "--project") or "")
    root, project = _project(start, "poetry", "pyproject.toml")
    prefix = _poetry_prefix(call, root, project)
    scripts = (_at(project, "tool", "poetry", "scripts"), _at(project, "project", "scripts"))
    if any(isinstance(table, dict) and parsed.rest[0] in table for table in scripts):
        return Entered(prefix, (python_of(prefix), *parsed.rest[1:]))
    return Entered(prefix, parsed.rest)


def _poetry_prefix(call: Call, root: str, project: Mapping[str, Any]) -> str:
    """https://python-poetry.org/docs/configuration/#virtualenvsin-project.

    In its cache, the directory's name holds that of the project and a digest of its path:
    https://github.com/python-poetry/poetry/blob/main/src/poetry/utils/env/env_manager.py
    """
    active = call.variables.get("VIRTUAL_ENV") or call.variables.get("CONDA_PREFIX")
    if active and not _is_conda_base(call):
        return active
    beside = os.path.join(root, ".venv")
    if _poetry_setting(call, root, "in-project") != "false" and os.path.isdir(beside):
        return beside
    if _poetry_setting(call, root, "create") == "false":
        raise NotKnown("poetry is set to make no environment")
    cache = call.variables.get("POETRY_CACHE_DIR") or call.home(".cache", "pypoetry")
    folder = _poetry_setting(call, root, "path") or os.path.join(cache, "virtualenvs")
    name = _at(project, "project", "name") or _at(project, "tool", "poetry", "name") or ""
    digest = hashlib.sha256(os.fsencode(os.path.realpath(root))).digest()
    stem = re.sub(r'[ $`!*@"\\\r\n\t]', "_", str(name).lower())[:42]
    stem += f"-{urlsafe_b64encode(digest).decode()[:8]}-py"
    found = [entry for entry in _names(folder) if entry.startswith(stem)]
    if len(found) != 1:
        raise NotKnown(f"poetry has {len(found) or 'no'} environments for {root}")
    return os.path.join(folder, found[0])


def _poetry_setting(call: Call, root: str, name: str) -> str | None:
    """A setting of `virtualenvs`, the first of: variable, project, user. True is "true"."""
    variable = call.variables.get(f"POETRY_VIRTUALENVS_{name.upper().replace('-', '_')}")
    if variable:
        return variable.lower() if variable.lower() in ("true", "false") else variable
    config = call.variables.get("POETRY_CONFIG_DIR") or call.home(".config", "pypoetry")
    for table in (_toml(root, "poetry.toml"), _toml(config, "config.toml")):
        value = _at(table, "virtualenvs", name)
        if value is not None:
            return str(value).lower() if isinstance(value, bool) else str(value)
    return None


def _pipenv(call: Call, parsed: Parsed) -> Entered:
    root, project = _project(call.directory, "pipenv", "Pipfile")
    _refuse_task(parsed.rest[0], [project.get("scripts")])
    active = call.variables.get("VIRTUAL_ENV")
    if active and not call.variables.get("PIPENV_IGNORE_VIRTUALENVS"):
        return Entered(active, parsed.rest)
    if os.path.isdir(os.path.join(root, ".venv")):
        return Entered(os.path.join(root, ".venv"), parsed.rest)
    folder = call.variables.get("WORKON_HOME") or call.home(".local", "share", "virtualenvs")
    for name in _names(folder):
        prefix = os.path.join(folder, name)
        if os.path.realpath(_text(prefix, ".project").strip() or "/") == os.path.realpath(root):
            return Entered(prefix, parsed.rest)
    raise NotKnown(f"pipenv has no environment for {root}")


def _pdm(call: Call, parsed: Parsed) -> Entered:
    root, project = _project(call.directory, "pdm", "pyproject.toml")
    _refuse_task(parsed.rest[0], [_at(project, "tool", "pdm", "scripts")])
    saved = _text(root, ".pdm-python").strip()
    if saved and not call.variables.get("PDM_IGNORE_SAVED_PYTHON"):
        return Entered(os.path.dirname(os.path.dirname(saved)), parsed.rest)
    active = call.variables.get("VIRTUAL_ENV") or call.variables.get("CONDA_PREFIX")
    return Entered(active or os.path.join(root, ".venv"), parsed.rest)


def _rye(call: Call, parsed: Parsed) -> Entered:
    root, project = _project(call.directory, "rye", "pyproject.toml")
    _refuse_task(parsed.rest[0], [_at(project, "tool", "rye", "scripts")])
    return Entered(os.path.join(root, ".venv"), parsed.rest)


def _project(start: str, manager: str, file: str) -> tuple[str, Mapping[str, Any]]:
    """The nearest directory upwards with the file of a project, and what the file says."""
    for folder in _upwards(start):
        if os.path.isfile(os.path.join(folder, file)):
            return folder, _toml(folder, file)
    raise NotKnown(f"no project of {manager} is found")


def _upwards(directory: str) -> Iterator[str]:
    folder = os.path.normpath(directory)
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _text(folder: str, name: str) -> str:
    """A file of a manager; empty if there is none that can be read."""
    try:
        return read_file(os.path.join(folder, name)).decode("utf-8", "replace")
    except OSError:
        return ""


def _toml(folder: str, name: str) -> dict[str, Any]:
    try:
        return parse_toml(_text(folder, name), name)
    except EnvprintError:
        raise NotKnown(f"{os.path.join(folder, name)} is not TOML") from None


def _at(table: Any, *keys: str) -> Any:
    """The value at a path of keys, or None."""
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table


def _tables(table: Any) -> list[dict[str, Any]]:
    """The tables inside a table."""
    return (
        [one for one in table.values() if isinstance(one, dict)] if isinstance(table, dict) else []
    )


_MANAGERS: Mapping[str, Callable[[Call, Parsed], Entered]] = {
    "uv": _uv,
    "conda": _conda,
    "pixi": _pixi,
    "poetry": _poetry,
    "pipenv": _pipenv,
    "pdm": _pdm,
    "rye": _rye,
}
