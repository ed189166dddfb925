"""The tree keeps its promises: who may import what, what the hot path loads, how big parts are."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard

import pytest

import envprint

PACKAGE = Path(envprint.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
VALUES = {
    "errors", "fields", "knowledge", "model", "patterns", "report", "requirement", "rule", "shell",
    "text", "units", "versions", "visibility", "wording", "workload",
}  # fmt: skip
DOORS = {
    "host.py", "clock.py", "systems.py", "interpreter.py", "children.py", "recording.py",
    "files.py",
    *(f"nvml/{name}.py" for name in ("calls", "child", "finding", "reading")),
    "knowledge/__init__.py", "modules.py", "shapes.py", "api.py", "gpu.py", "holders.py",
    "policy_place.py", "folder.py", "store.py", "sources.py", "job.py", "loaded.py", "probing.py",
    "groups.py", "terminal.py", "spawning.py", "looking.py", "follower.py", "owners.py",
    "sealing.py",
}  # fmt: skip
"""Modules that may touch files, processes, clocks or the environment, beside cli/: the host and
what it is made of, and those that find envprint's own files or know today's date. So may probes,
which run by path in a process of their own."""
PURE_OF_OS = {"path", "strerror", "fspath", "PathLike"}
PURE_OF_PATH = {"join", "dirname", "basename", "split", "normpath", "isabs"}

BANNED = {
    "tensorflow", "torch", "numpy", "jax", "keras", "rich", "jsonschema", "importlib.metadata",
    "email", "dataclasses", "pathlib", "subprocess", "psutil", "pynvml", "asyncio", "inspect",
}  # fmt: skip


def imports(path: Path, top_level_only: bool = False) -> Iterator[str]:
    """The modules that a file imports, those for type checking left out."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


JUDGING = [p for p in MODULES if p.parent.name in ("rules", "outputs") and p.name != "__init__.py"]
PROBES = [p for p in MODULES if p.parent.name == "probes" and p.name != "__init__.py"]
INSIDE = [p for p in MODULES if not (name(p) in DOORS or name(p).startswith("cli/") or p in PROBES)]


@pytest.mark.parametrize("path", JUDGING, ids=name)
def test_rules_and_outputs_import_only_values(path: Path) -> None:
    ours = {module for module in imports(path) if module.startswith("envprint.")}
    allowed = {f"envprint.{value}" for value in (*VALUES, path.parent.name, "describe")}
    if path.name == "json.py":
        allowed.add("envprint.document")  # the writer of documents
    strangers = {m for m in ours if not any(m == a or m.startswith(a + ".") for a in allowed)}
    assert not strangers


@pytest.mark.parametrize("path", INSIDE, ids=name)
def test_only_the_doors_touch_the_machine(path: Path) -> None:
    doors = {"subprocess", "socket", "time", "pathlib", "shutil", "tempfile", "psutil"}
    assert doors.isdisjoint(imports(path))
    nodes = list(ast.walk(ast.parse(path.read_text())))
    assert "open" not in {n.func.id for n in nodes if is_plain_call(n)}
    asked = {ast.unparse(n) for n in nodes if isinstance(n, ast.Attribute)}
    of_os = {a.removeprefix("os.") for a in asked if a.startswith("os.") and a.count(".") == 1}
    of_path = {a.removeprefix("os.path.") for a in asked if a.startswith("os.path.")}
    assert of_os <= PURE_OF_OS
    assert {a.partition(".")[0] for a in of_path} <= PURE_OF_PATH


@pytest.mark.parametrize("path", PROBES, ids=name)
def test_a_probe_imports_nothing_of_envprint_and_nobody_imports_it(path: Path) -> None:
    assert not [module for module in imports(path) if module.partition(".")[0] == "envprint"]
    shared = f"envprint.probes.{path.stem}"
    assert not [name(other) for other in MODULES if shared in imports(other)]


@pytest.mark.parametrize(
    ("package", "known_to"),
    [
        # The watch reads what the driver answers with the collector's own helpers.
        ("collectors", {"capturing.py", "gpu.py", "holders.py"}),
        ("outputs", set()),
        ("cli", {"__main__.py"}),
    ],
)
def test_a_layer_is_known_only_to_those_above_it(package: str, known_to: set[str]) -> None:
    above = {"cli"} - {package}
    others = [p for p in MODULES if p.parent.name not in {package, *above}]
    known = {
        name(path)
        for path in others
        if any(f"{module}.".startswith(f"envprint.{package}.") for module in imports(path))
    }
    assert known - {f"{package}/__init__.py"} == known_to


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
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    ]
    assert sum(length <= 25 for length in lengths) >= 0.9 * len(lengths)


def test_there_are_at_most_eleven_broad_excepts() -> None:
    broad = [
        name(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
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


def loaded_by(*arguments: str, cwd: Path) -> set[str]:
    """Every module that a run of the interpreter loads."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=True,
    )
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}


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
    assert loaded == {"__future__", "envprint", "envprint._version"}
