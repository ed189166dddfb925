"""What the everyday verbs may load of envprint: so many modules, and so much source.

A start is most of what a check costs, so growth is a decision. Where a new module is worth it, its
name goes into `import_budget/` by `--update-golden`, and its number here is raised by hand.
"""

from __future__ import annotations

import ast
import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
LISTS = Path(__file__).parent / "import_budget"
UPDATE = "python -m pytest --update-golden tests/system/test_import_budget.py"
ONLY_WITH_A_DRIVER = (
    *("envprint.machine.nvml", "envprint.machine.procfs", "envprint.gpu"),
    *("envprint.collectors._gpu", "envprint.rules.gpu", "envprint.rules.cuda"),
)
"""Beginnings of the modules that a machine with NVIDIA's driver loads in addition."""
SCRIPT = """
import json, sys
from envprint.cli import main
assert main(sys.argv[2:]) == 0
files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
ours = {name: file for name, file in files.items() if name.partition(".")[0] == "envprint" and file}
open(sys.argv[1], "w").write(json.dumps(ours))
"""


class Budget(NamedTuple):
    """The most that a verb may load. A module that holds nothing but a docstring is none."""

    command: str
    modules: int
    source_bytes: int


BUDGETS = {
    "capture": Budget("capture -o f.json", 76, 438_500),
    "diff": Budget("diff f.json f.json", 54, 387_500),
    "check": Budget("check f.json", 126, 862_000),
}
"""About one in a hundred bytes is left for repairs."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with nothing but a fingerprint, f.json, and bytecode of what it took."""
    place = tmp_path_factory.mktemp("budget")
    loaded(BUDGETS["capture"].command, place)
    return place


def loaded(command: str, folder: Path, bytecode: str = "bytecode") -> dict[str, Path]:
    """The modules of envprint that a command loads, and their files."""
    # No variable of the caller, and no policy or repository around: each has modules of its own.
    environ = {
        **{name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ},
        **{"HOME": str(folder), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)},
        "PYTHONPYCACHEPREFIX": str(folder / bytecode),
    }
    listed = folder / "loaded.json"
    arguments = [sys.executable, "-c", SCRIPT, str(listed), *command.split()]
    subprocess.run(arguments, cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL)
    return {name: Path(file) for name, file in json.loads(listed.read_text()).items()}


def counted(modules: dict[str, Path]) -> dict[str, Path]:
    """Those that hold more than a docstring, as a machine without NVIDIA's driver loads them."""
    found = {
        name: f for name, f in modules.items() if len(ast.parse(f.read_text("utf-8")).body) > 1
    }
    if not has_driver():
        return found
    listed = {name for verb in BUDGETS for name in known(verb)}
    return {
        name: file
        for name, file in found.items()
        if name in listed or not name.startswith(ONLY_WITH_A_DRIVER)
    }


def has_content(file: Path) -> bool:
    return len(ast.parse(file.read_text(encoding="utf-8")).body) > 1


def has_driver() -> bool:
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return False
    return True


def known(verb: str) -> list[str]:
    """The modules that a verb loaded when the list was last written."""
    return (LISTS / f"{verb}.txt").read_text(encoding="utf-8").split()


@pytest.mark.parametrize("verb", BUDGETS)
def test_a_verb_loads_no_module_that_is_not_listed(
    verb: str, folder: Path, update_golden: bool
) -> None:
    modules = counted(loaded(BUDGETS[verb].command, folder))
    if update_golden:
        text = "".join(f"{name}\n" for name in sorted(modules))
        (LISTS / f"{verb}.txt").write_text(text, encoding="utf-8")
    new = sorted(set(modules) - set(known(verb)))
    assert new == [], f"if `{verb}` has to load them, run\n{UPDATE}\nand raise its number"


@pytest.mark.parametrize("verb", BUDGETS)
def test_the_list_of_a_verb_is_as_long_as_its_budget(verb: str) -> None:
    """So a longer list, which one command writes, still needs a hand that raises the number."""
    assert len(known(verb)) == BUDGETS[verb].modules, (
        f"if the growth is worth it, set the number of modules in BUDGETS[{verb!r}]"
    )


@pytest.mark.parametrize("verb", BUDGETS)
def test_a_verb_reads_no_more_source_than_its_budget(verb: str, folder: Path) -> None:
    budget, modules = BUDGETS[verb], counted(loaded(BUDGETS[verb].command, folder))
    sizes = {name: file.stat().st_size for name, file in modules.items()}
    longest = sorted(sizes, key=lambda name: -sizes[name])[:5]
    assert sum(sizes.values()) <= budget.source_bytes, f"the longest are {longest}"


@pytest.mark.parametrize("verb", BUDGETS)
def test_a_verb_loads_the_same_without_bytecode_as_with_it(verb: str, folder: Path) -> None:
    command, fresh = BUDGETS[verb].command, f"no bytecode for {verb}"
    without = loaded(command, folder, fresh)
    assert list((folder / fresh).rglob("*.pyc")), "none was written, so it was not read either"
    assert loaded(command, folder, fresh) == without
