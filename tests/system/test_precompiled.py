"""A wheel's compiled code is used where it is true, and nowhere else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import envprint

PACKAGE = Path(envprint.__file__).parent
LISTS = Path(__file__).parent / "import_budget"
TAG = str(sys.implementation.cache_tag)
LOADED = """
import json, sys
from envprint import _precompiled
_precompiled.use()
from envprint.cli import main
assert main(sys.argv[1:]) == 0
ours = {n: m for n, m in sys.modules.items() if n.startswith("envprint.") and m.__file__}
print(json.dumps({name: type(module.__loader__).__name__ for name, module in ours.items()}))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a copy of the package, as in site-packages, and the file of a wheel."""
    site = tmp_path_factory.mktemp("site")
    copied = site / "envprint"
    shutil.copytree(PACKAGE, copied, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(PACKAGE.parent / "schemas", copied / "schemas")
    program = copied / "_precompiled/make.py"
    subprocess.run([sys.executable, program, copied / "_precompiled" / TAG], check=True)
    return site


@pytest.fixture
def tree(made: Path, tmp_path: Path) -> Path:
    """The same, to edit."""
    return shutil.copytree(made, tmp_path / "site")


def python(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", *words]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)


def loaders(tree: Path, *flags: str, verb: str = "capture -o f.json") -> dict[str, str]:
    """Modules that a command loads, with the class of their loader."""
    done = python(tree, *flags, "-c", LOADED, *verb.split())
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


def edit(tree: Path, name: str, old: str, new: str) -> None:
    path = tree / "envprint" / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_everyday_verbs_compile_nothing_but_what_loads_the_file(tree: Path) -> None:
    python(tree, "-m", "envprint", "capture", "-o", "f.json")
    for verb in ("capture -o g.json", "diff f.json f.json", "check f.json --fail-on breaks"):
        found = loaders(tree, verb=verb)
        assert {name for name, kind in found.items() if kind != "_Loader"} == {
            "envprint._precompiled"
        }


def test_the_file_holds_every_module_that_an_everyday_verb_may_load(tree: Path) -> None:
    held = (tree / "envprint/_precompiled" / TAG).read_bytes()
    for file in LISTS.glob("*.txt"):
        for name in file.read_text().split():
            assert name in ("envprint", "envprint.__main__") or name.encode() in held, name


def test_the_command_uses_it(tree: Path) -> None:
    edit(tree, "_precompiled/__init__.py", "find_spec(self", "broken(self")
    assert "find_spec" in python(tree, "-m", "envprint", "--version").stderr


def test_an_edited_module_counts_as_it_is_now(tree: Path) -> None:
    edit(tree, "cli/capture.py", 'HELP = "', 'HELP = "Edited: ')
    size = (tree / "envprint/cli/capture.py").stat().st_size
    assert "Edited: " in python(tree, "-m", "envprint", "--help").stdout
    edit(tree, "cli/capture.py", 'HELP = "Edited: ', 'HELP = "Another ')
    assert (tree / "envprint/cli/capture.py").stat().st_size == size
    assert "Another " in python(tree, "-m", "envprint", "--help").stdout


@pytest.mark.parametrize("content", [b"", b"\0\0\0\0", b"whole", b"half"])
def test_a_file_that_is_broken_or_of_another_python_is_left_alone(
    tree: Path, content: bytes
) -> None:
    file = tree / "envprint/_precompiled" / TAG
    whole = file.read_bytes()
    halves = {b"half": whole[:2000], b"whole": b"\x01\x02\r\n" + whole[4:]}
    file.write_bytes(halves.get(content, content))
    assert set(loaders(tree).values()) == {"SourceFileLoader"}


def test_optimized_python_compiles_its_own(tree: Path) -> None:
    assert set(loaders(tree, "-O").values()) == {"SourceFileLoader"}


def test_tracebacks_and_sources_are_those_of_the_installed_files(tree: Path) -> None:
    code = "from envprint import _precompiled; _precompiled.use()\n"
    code += "import inspect; from envprint.core import text\n"
    code += "print(text.plain.__code__.co_filename, inspect.getsource(text.plain))"
    file, _, source = python(tree, "-c", code).stdout.partition(" ")
    assert file == str(tree / "envprint/core/text.py")
    assert source.startswith("def plain")


def test_two_builds_are_equal_and_name_no_directory(tree: Path, tmp_path: Path) -> None:
    program = PACKAGE / "_precompiled/make.py"
    subprocess.run([sys.executable, program, tmp_path / "again"], check=True)
    made = (tmp_path / "again").read_bytes()
    assert made == (tree / "envprint/_precompiled" / TAG).read_bytes()
    assert str(PACKAGE.parent).encode() not in made
