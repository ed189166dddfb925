"""Mutation testing: `python -m tests.faults.mutants redaction compare policy --count 100`.

Each mutant is one small change of one module: another comparison, a negated condition, another
number, `or` for `and`, a result left out. A process of its own runs the tests of the area with it;
a mutant that no test notices survives, and is printed with its line.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import json
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import jsonschema  # noqa: F401  loaded once, before the processes are made
import pytest

ROOT = Path(__file__).parents[2]


class Area(NamedTuple):
    """Modules, and the files of tests that look at them, those that kill most first."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    slow: tuple[str, ...] = ()
    """Words in the names of tests that are left out: they take many times longer than others."""


AREAS = {
    "redaction": Area(
        ("core/redact.py", "core/secret_forms.py", "core/secret_places.py", "core/hidden.py"),
        (
            *("tests/faults/test_redaction.py", "tests/core/test_redact.py"),
            *("tests/core/test_secrets.py", "tests/core/test_hidden.py"),
        ),
        (
            *("fingerprint", "no_message", "somebody_else", "record_of_a_run", "policys_reason"),
            *("in_time", "page_says", "every_place", "the_key_is", "several_that_make"),
        ),
    ),
    "compare": Area(
        ("judging/compare.py", "core/comparison.py"),
        (
            *("tests/faults/test_comparing.py", "tests/judging/test_compare.py"),
            *("tests/judging/test_other_environment.py", "tests/judging/test_judge.py"),
            *("tests/core/test_hidden.py", "tests/core/test_location.py"),
        ),
    ),
    "policy": Area(
        tuple(
            f"judging/policy/{name}.py" for name in ("model", "parse", "accept", "one_off", "toml")
        ),
        (
            *("tests/faults/test_policies.py", "tests/judging/test_policy.py"),
            *("tests/judging/test_unjudged.py", "tests/judging/test_policy_schema.py"),
            "tests/faults/test_work.py",
        ),
        ("millions", "interpreter", "directory_service", "driver", "gigabytes"),
    ),
}
LIMIT_S = 120
MEMORY_BYTES = 2 << 30
"""What the tests of a mutant may take: one that collects without end is killed by it."""
SWAPPED = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq},
    **{ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot},
    **{ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add},
}


class Mutant(NamedTuple):
    """A changed module."""

    module: str
    line: int
    change: str
    source: str


def mutants_of(path: str) -> Iterator[Mutant]:
    """Every mutant of a module of the package."""
    text = (ROOT / "envprint" / path).read_text("utf-8")
    name = "envprint." + path.removesuffix(".py").replace("/", ".")
    tree = ast.parse(text)
    for number, node in enumerate(ast.walk(tree)):
        for change in changes(node):
            copied = copy.deepcopy(tree)
            place = next(one for index, one in enumerate(ast.walk(copied)) if index == number)
            before = ast.unparse(node)
            apply(place, change)
            changed = ast.unparse(ast.fix_missing_locations(copied))
            if changed != ast.unparse(tree):
                line = getattr(getattr(node, "target", node), "lineno", 0)
                yield Mutant(name, line, f"{change}: {before[:90]}", changed)


def changes(node: ast.AST) -> list[str]:
    """What can be changed at a node."""
    if isinstance(node, ast.Compare):
        return ["comparison"]
    if isinstance(node, (ast.BoolOp, ast.BinOp)) and type(node.op) in SWAPPED:
        return ["operator"]
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        return ["condition"]
    if isinstance(node, ast.comprehension) and node.ifs:
        return ["filter"]
    if isinstance(node, ast.Constant) and type(node.value) in (int, bool):
        return ["constant"]
    if isinstance(node, ast.Return) and _is_result(node.value):
        return ["result"]
    return ["not"] if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) else []


def _is_result(value: ast.expr | None) -> bool:
    """Whether None is another result: for True and False there is a mutant of the constant."""
    return value is not None and not (
        isinstance(value, ast.Constant) and (value.value is None or type(value.value) is bool)
    )


def apply(node: Any, change: str) -> None:
    """Change a node in place."""
    if change == "comparison":
        node.ops[0] = SWAPPED[type(node.ops[0])]()
    elif change == "operator":
        node.op = SWAPPED[type(node.op)]()
    elif change == "condition":
        node.test = ast.UnaryOp(ast.Not(), node.test)
    elif change == "filter":
        node.ifs = []
    elif change == "constant":
        node.value = not node.value if type(node.value) is bool else node.value + 1
    elif change == "result":
        node.value = ast.Constant(None)
    else:
        node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)


class _Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the mutant in place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name != self._mutant.module:
            return None
        return importlib.util.spec_from_loader(name, self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._mutant.source, self._mutant.module, "exec"), module.__dict__)


def survives(mutant: Mutant | None, area: Area) -> bool:
    """Whether the tests of an area pass with the mutant; None changes nothing."""
    left_out = " and ".join(f"not {word}" for word in area.slow)
    return all(_passes(mutant, ["-k", left_out, test]) for test in area.tests)


def _passes(mutant: Mutant | None, arguments: Sequence[str]) -> bool:
    """Whether these tests pass in a process of their own, within the limit."""
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        if mutant:
            sys.meta_path.insert(0, _Loader(mutant))
        options = ["-q", "-x", "-p", "no:cacheprovider", "-m", "not slow and not long and not gpu"]
        os._exit(int(pytest.main([*options, *arguments])))
    until_s = time.monotonic() + LIMIT_S
    while time.monotonic() < until_s:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.05)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False


def main() -> int:
    """Run them; 1 if more than one in ten of an area survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("areas", nargs="*", choices=[*AREAS, []], default=list(AREAS))
    parser.add_argument("--count", type=int, default=100, help="mutants of each area, by chance")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.chdir(ROOT)
    worst = 0.0
    for area in options.areas:
        if not survives(None, AREAS[area]):
            sys.exit(f"{area}: the tests fail without a mutant")
        found = [mutant for path in AREAS[area].modules for mutant in mutants_of(path)]
        chosen = random.Random(options.seed).sample(found, min(options.count, len(found)))
        left = []
        for mutant in chosen:
            if survives(mutant, AREAS[area]):
                left.append(mutant)
                print(f"{area}: {mutant.module}:{mutant.line}: {mutant.change}", flush=True)
        worst = max(worst, len(left) / len(chosen))
        told = {"area": area, "mutants": len(found), "tried": len(chosen), "survived": len(left)}
        print(json.dumps(told), flush=True)
    return 1 if worst > 0.1 else 0


if __name__ == "__main__":
    sys.exit(main())
