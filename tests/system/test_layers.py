"""The tree keeps its promises: who may import what, what the hot path loads, how big parts are."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeGuard

import pytest

import envprint
from tests.builders.loading import loaded_by

PACKAGE = Path(envprint.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
LAYERS = (
    "core", "machine", "knowledge", "gpu", "collectors", "probes", "documents", "rules", "judging",
    "outputs", "run", "api", "integrations", "cli",
)  # fmt: skip
"""The packages, each of which imports only those before it (and itself), lazily as well."""
PURE = {"core", "collectors", "rules", "judging", "outputs"}
"""Packages that touch no file, process, clock or variable of the machine they run on."""
FINDS_OWN_FILES = {"core/discovery.py"}
READS_POLICY = {"judging/policy/find.py"}
SHARED = {"envprint.collectors.container"}
"""The kind of container decides what the driver can tell, so sections about GPUs ask for it."""
PURE_OF_OS = {"path", "strerror", "fspath", "PathLike"}
PURE_OF_PATH = {"join", "dirname", "basename", "split", "normpath", "isabs"}

BANNED = {
    "tensorflow", "torch", "numpy", "jax", "keras", "rich", "jsonschema", "importlib.metadata",
    "email", "dataclasses", "pathlib", "subprocess", "psutil", "pynvml", "asyncio", "inspect",
}  # fmt: skip


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports(path: Path, top_level_only: bool = False) -> frozenset[str]:
    """The modules that a file imports."""
    return frozenset(_imports(parsed(path), top_level_only))


def _imports(tree: ast.Module, top_level_only: bool) -> Iterator[str]:
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def layer(path: Path) -> str:
    """The package that a module belongs to, or the module itself at the top."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


PROGRAMS = [p for p in MODULES if p.parent.name == "programs" and p.name != "__init__.py"]
LAYERED = [path for path in MODULES if layer(path) in LAYERS and path not in PROGRAMS]
INSIDE = [
    path
    for path in LAYERED
    if layer(path) in PURE and name(path) not in FINDS_OWN_FILES | READS_POLICY
]


def test_every_package_is_a_layer() -> None:
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages <= set(LAYERS)
    assert len(packages) <= 16
    top = {path.name for path in PACKAGE.glob("*.py")}
    assert top == {"__init__.py", "__main__.py", "api.py"}


@pytest.mark.parametrize("path", LAYERED, ids=name)
def test_a_layer_imports_only_those_below_it(path: Path) -> None:
    below = {f"envprint.{one}" for one in LAYERS[: LAYERS.index(layer(path)) + 1]} | {"envprint"}
    ours = {".".join(module.split(".")[:2]) for module in imports(path)}
    packages = {f"envprint.{one}" for one in LAYERS}
    assert (ours & packages) <= below


SIBLINGS = [
    *(PACKAGE / "collectors").glob("[a-z]*"),
    *(PACKAGE / "outputs" / "formats").glob("[a-z]*.py"),
    *(PACKAGE / "cli").glob("[a-z]*.py"),
]


@pytest.mark.parametrize("one", SIBLINGS, ids=name)
def test_sections_formats_and_verbs_do_not_know_each_other(one: Path) -> None:
    files = [one] if one.suffix == ".py" else sorted(one.rglob("*.py"))
    known = {module for path in files for module in imports(path)}
    entries = {entry(other) for other in SIBLINGS if other != one}
    assert not known & entries - SHARED


def entry(path: Path) -> str:
    """The module of a section, a format or a verb."""
    inner = path / "section.py" if path.is_dir() else path
    return ".".join(("envprint", *inner.relative_to(PACKAGE).with_suffix("").parts))


@pytest.mark.parametrize("path", INSIDE, ids=name)
def test_pure_packages_do_not_touch_the_machine(path: Path) -> None:
    doors = {"subprocess", "socket", "time", "pathlib", "shutil", "tempfile", "psutil"}
    assert doors.isdisjoint(imports(path))
    nodes = list(ast.walk(parsed(path)))
    assert "open" not in {n.func.id for n in nodes if is_plain_call(n)}
    asked = {ast.unparse(n) for n in nodes if isinstance(n, ast.Attribute)}
    of_os = {a.removeprefix("os.") for a in asked if a.startswith("os.") and a.count(".") == 1}
    of_path = {a.removeprefix("os.path.") for a in asked if a.startswith("os.path.")}
    assert of_os <= PURE_OF_OS
    assert {a.partition(".")[0] for a in of_path} <= PURE_OF_PATH


@pytest.mark.parametrize("path", PROGRAMS, ids=name)
def test_a_probe_imports_nothing_of_envprint_and_nobody_imports_it(path: Path) -> None:
    assert not [module for module in imports(path) if module.partition(".")[0] == "envprint"]
    shared = f"envprint.probes.programs.{path.stem}"
    assert not [name(other) for other in MODULES if shared in imports(other)]


def is_plain_call(node: ast.AST) -> TypeGuard[Any]:
    """Whether `node` calls a name, such as `open(...)`."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_third_party_modules_are_imported_inside_functions_only(path: Path) -> None:
    outside = {module.partition(".")[0] for module in imports(path, top_level_only=True)}
    assert outside <= set(sys.stdlib_module_names) | {"envprint"}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_module_is_longer_than_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


def test_nine_functions_in_ten_have_at_most_25_lines() -> None:
    lengths = [
        (node.end_lineno or 0) - node.lineno + 1
        for path in MODULES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef)
    ]
    assert sum(length <= 25 for length in lengths) >= 0.9 * len(lengths)


def test_there_are_at_most_eleven_broad_excepts() -> None:
    broad = [
        name(path)
        for path in MODULES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))
        )
    ]
    # Each calls what fails in ways of its own: a host, collectors, the driver, a store, a framework
    # (its text included), a look at a job, anything once a job or a training has run; and `main`
    # has the last.
    assert len(broad) <= 11, broad


def test_the_hot_path_loads_nothing_heavy(tmp_path: Path) -> None:
    at_start = loaded_by("-c", "pass", cwd=tmp_path)
    for arguments in (
        ("-m", "envprint", "capture", "-o", "f.json"),
        ("-m", "envprint", "diff", "f.json", "f.json"),
        ("-m", "envprint", "check", "f.json"),
        ("-c", "import envprint; envprint.capture()"),
    ):
        loaded = loaded_by(*arguments, cwd=tmp_path) - at_start
        assert not loaded & BANNED, arguments


def test_the_hot_path_compiles_no_annotations(tmp_path: Path) -> None:
    # `typing` does that to fields of named tuples whose annotations are text: decision 0001.
    code = (
        "import typing\n"
        "def refuse(self, *arguments, **options): raise AssertionError(arguments)\n"
        "typing.ForwardRef.__init__ = refuse\n"
        "from envprint.cli import main\n"
        "for verb in ('capture -o f.json', 'diff f.json f.json', 'check f.json'):\n"
        "    assert main(verb.split()) == 0, verb\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, stdout=subprocess.PIPE)


def test_importing_envprint_imports_nothing_else(tmp_path: Path) -> None:
    loaded = loaded_by("-c", "import envprint", cwd=tmp_path) - loaded_by(
        "-c", "pass", cwd=tmp_path
    )
    assert loaded == {"__future__", "envprint"}
