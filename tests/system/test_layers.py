"""The tree keeps its promises: who may import what, what the hot path loads, how big parts are.

Who may import whom stands in pyproject.toml, for import-linter; here is what that cannot say.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import envprint
from tests.builders.loading import loaded_by

PACKAGE = Path(envprint.__file__).parent
ROOT = PACKAGE.parent
PURE = ("core", "collectors", "rules", "judging", "outputs")
"""Packages that touch no file, process, clock or variable of the machine they run on."""
OPEN_FILES = {"core/discovery.py", "judging/policy/find.py"}
"""But for these, which look for modules and for the policy."""
PURE_OF_OS = {"path", "strerror", "fspath", "PathLike"}
PURE_OF_PATH = {"join", "dirname", "basename", "split", "normpath", "isabs"}

BANNED = {
    "tensorflow", "torch", "numpy", "jax", "keras", "rich", "jsonschema", "importlib.metadata",
    "email", "dataclasses", "pathlib", "subprocess", "psutil", "pynvml", "asyncio", "inspect",
}  # fmt: skip

BREAKING = {
    "A package imports those below it": ("documents/codec.py", "import envprint.rules"),
    "Nothing goes round in a circle": ("core/hidden.py", "from envprint.core import fingerprint"),
    "Nothing inside imports the front door": ("cli/show.py", "from envprint import __all__"),
    "What judges and what writes is pure": ("core/units.py", "import time"),
    "A collector touches its host alone": ("collectors/os.py", "import subprocess"),
    "Sections, formats, verbs and adapters": ("cli/diff.py", "from envprint.cli import check"),
    "Nobody imports a probe's program": ("probes/runner.py", "import envprint.probes.programs.jax"),
    "A probe's program imports nothing": ("probes/programs/numpy.py", "import envprint.core.text"),
}
"""Contract to a file and a line in it that breaks the contract."""


@cache
def parsed() -> dict[str, ast.Module]:
    """Every module by its path below the package."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {str(path.relative_to(PACKAGE)): ast.parse(path.read_text()) for path in paths}


def lint(folder: Path) -> str:
    """What import-linter says of the tree in `folder`."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run(
        [*command, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1) and not done.stderr, done.stderr
    return " ".join(done.stdout.split())


def test_every_import_is_one_that_the_contracts_allow() -> None:
    said = lint(ROOT)
    assert " 0 broken." in said, said


def test_each_contract_is_broken_by_an_import_that_it_forbids(tmp_path: Path) -> None:
    for name in ("envprint", "tests/builders"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.json")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for file, line in BREAKING.values():
        path = tmp_path / "envprint" / file
        path.write_text(f"{path.read_text()}\n\ndef _late() -> None:\n    {line}\n")
    said = lint(tmp_path)
    assert [name for name in BREAKING if name not in said] == []
    assert f"Contracts: 0 kept, {len(BREAKING)} broken." in said, said


def test_the_packages_are_few() -> None:
    assert len([*PACKAGE.glob("[!_]*/__init__.py")]) <= 16
    assert {path.name for path in PACKAGE.glob("*.py")} == {
        *("__init__.py", "__main__.py"),
        *("api.py", "results.py"),
    }


def test_pure_packages_open_no_file_and_ask_no_system() -> None:
    inside = {
        name: tree
        for name, tree in parsed().items()
        if name.startswith(PURE) and name not in OPEN_FILES
    }
    assert len(inside) > 100
    assert [(name, door) for name, tree in inside.items() for door in doors(tree)] == []


def doors(tree: ast.Module) -> Iterator[str]:
    """The calls of `open` and what is used of `os`, but for names and errors."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "open":
            yield "open"
        elif isinstance(node, ast.Attribute):
            place, _, name = ast.unparse(node).rpartition(".")
            if place == "os" and name not in PURE_OF_OS:
                yield f"os.{name}"
            if place == "os.path" and name not in PURE_OF_PATH:
                yield f"os.path.{name}"


def test_third_party_modules_are_imported_inside_functions_only() -> None:
    own = {"envprint", *sys.stdlib_module_names}
    outside = {
        (name, module)
        for name, tree in parsed().items()
        for module in imports(tree.body)
        if module.partition(".")[0] not in own
    }
    assert outside == set()


def imports(body: list[ast.stmt]) -> Iterator[str]:
    """The modules that these statements import, those in functions and blocks left out."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {path: lines for path, lines in lengths.items() if lines > 400} == {}


def test_nine_functions_in_ten_have_at_most_25_lines() -> None:
    lengths = [
        (node.end_lineno or 0) - node.lineno + 1
        for tree in parsed().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    assert sum(length <= 25 for length in lengths) >= 0.9 * len(lengths)


def test_there_are_at_most_twelve_broad_excepts() -> None:
    broad = [
        name
        for name, tree in parsed().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))
        )
    ]
    # Each calls what fails in ways of its own: a host, collectors, the driver, a store, a framework
    # (its text included), an import, a look at a job, anything once a job or a training has run;
    # and `main` has the last.
    assert len(broad) <= 12, broad


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
