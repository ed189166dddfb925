"""The environment that `uv run` enters, as far as files tell.

https://docs.astral.sh/uv/concepts/projects/run/
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

from envprint.core.typed import Any
from envprint.run.command_options import NotKnown, Parsed
from envprint.run.program_files import Call, head
from envprint.run.project_files import (
    Entered,
    is_conda_base,
    parents,
    python_of,
    read_text,
    read_toml,
    value_at,
)


def enter_uv(call: Call, parsed: Parsed) -> Entered:
    """The environment of the project or of the shell, and the command. Raises `NotKnown`."""
    own = ("-w", "--with", "--with-editable", "--with-requirements", "--isolated")
    if parsed.has(*own) or call.variables.get("UV_ISOLATED"):
        raise NotKnown("uv creates an environment for this command")
    first = parsed.rest[0]
    path = os.path.join(call.directory, first)
    is_script = parsed.has("-s", "--script", "--gui-script") or (
        first.endswith((".py", ".pyw")) and os.path.isfile(path)
    )
    if is_script and re.search(rb"(?m)^# /// script\s*$", head(path)):
        raise NotKnown(f"uv creates an environment for {first}, which declares what it needs")
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
        raise NotKnown(f"uv recreates {prefix} for a different version of Python")
    return prefix


def _uv_root(start: str) -> str | None:
    """The directory of the project or workspace that `start` lies in."""
    projects = [(folder, read_toml(folder, "pyproject.toml")) for folder in parents(start)]
    found = [(folder, table) for folder, table in projects if table]
    if not found:
        return None
    nearest, table = found[0]
    if "project" in table and value_at(table, "tool", "uv", "managed") is False:
        return None
    for folder, table in found:
        workspace = value_at(table, "tool", "uv", "workspace")
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
        r"(?m)^version(?:_info)? *= *(\d+(?:\.\d+)*)", read_text(prefix, "pyvenv.cfg")
    )
    if not configured:
        return True
    version = configured[1]
    pins = re.findall(r"(?m)^\s*([^#\s]\S*)", read_text(root, ".python-version"))
    pinned = requested or next(iter(pins), None)
    if pinned and not _satisfies(version, pinned):
        return False
    needed = value_at(read_toml(root, "pyproject.toml"), "project", "requires-python")
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
        if prefix and not (name == "CONDA_PREFIX" and is_conda_base(call)):
            return os.path.join(call.directory, prefix)
    for folder in parents(call.directory):
        if os.path.isdir(os.path.join(folder, ".venv")):
            return os.path.join(folder, ".venv")
    raise NotKnown("uv looks for an interpreter itself")
