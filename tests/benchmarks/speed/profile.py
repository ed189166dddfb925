"""Instructions of the interpreter by stage, which no other load on the machine changes.

Each stage is what a program adds to the one before it: a bare start, the modules of the standard
library that the command loads, its own modules, what it reads, and the rest of the command.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

READS = """
from envprint.documents.codec import loads
for name in {names!r}:
    with open(name, "rb") as file:
        loads(file.read(), name)
"""
COLLECTS = """
from envprint.collectors._runner import capture
from envprint.machine.live import LiveHost
capture(LiveHost(None, cache=True))
"""
STAGES = {
    "capture": {"collectors": COLLECTS},
    "diff": {"two documents read": READS.format(names=["envprint-a.json", "envprint-b.json"])},
    "check": {"baseline read": READS.format(names=["envprint-a.json"]), "collectors": COLLECTS},
}
WHOLE = {
    "capture": "command line, document and digests",
    "diff": "command line, comparing, rules and text",
    "check": "command line, digests, comparing, rules and text",
}
COMPILED = "more without bytecode: compiling"
Profile = Mapping[str, dict[str, float]]
"""Command to stage to millions of instructions."""


def profile(commands: Mapping[str, list[str]], python: Path, folder: Path) -> Profile:
    """The stages of each command; nothing where valgrind is not installed."""
    if not shutil.which("valgrind"):
        return {}
    bare = instructions([str(python), "-c", "pass"], folder)
    found = {}
    for kind, command in commands.items():
        reached, stages = bare, {"bare start": bare}
        for stage, program in programs(kind, command, python, folder):
            count = instructions([str(python), "-c", program], folder)
            stages[stage], reached = count - reached, count
        total = instructions([str(python), *command], folder)
        stages[WHOLE[kind]] = total - reached
        found[kind] = {**stages, "all": total}
    return found


def with_compiling(
    known: Profile, commands: Mapping[str, list[str]], python: Path, folder: Path
) -> Profile:
    """The same with what is added where no bytecode of envprint is kept; its files are gone."""
    return {
        kind: stages
        | {COMPILED: instructions([str(python), "-B", *commands[kind]], folder) - stages["all"]}
        for kind, stages in known.items()
    }


def programs(
    kind: str, command: list[str], python: Path, folder: Path
) -> Iterator[tuple[str, str]]:
    """Each stage with a program that ends after it, as the command does: at once."""
    usual = set(loaded([str(python), "-X", "importtime", "-c", "pass"], folder))
    names = loaded([str(python), "-X", "importtime", *command], folder)
    added = [name for name in names if name not in usual]
    ours = [name for name in added if name.partition(".")[0] == "envprint"]
    begin, end = "import gc, os; gc.disable()\n", "\nos._exit(0)"
    program = begin + imports(name for name in added if name not in ours)
    yield "standard library", program + end
    program += "from envprint import _precompiled; _precompiled.use()\n" + imports(ours)
    yield "own modules", program + end
    for stage, more in STAGES[kind].items():
        program += more
        yield stage, program + end


def imports(names: Iterator[str] | list[str]) -> str:
    """Lines that import these modules; a fallback's first choice may be missing."""
    return "".join(f"try: import {name}\nexcept ImportError: pass\n" for name in names)


def loaded(command: list[str], folder: Path) -> list[str]:
    """The modules that a command loads, in order."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return re.findall(r"(?m)^import time: +\d+ \| +\d+ \| +([\w.]+)$", done.stderr)


def instructions(command: list[str], folder: Path) -> float:
    """Millions of instructions that a command executes."""
    valgrind = [
        "valgrind",
        "--tool=cachegrind",
        "--cache-sim=no",
        "--cachegrind-out-file=/dev/null",
    ]
    done = subprocess.run(
        [*valgrind, *command], cwd=folder, capture_output=True, text=True, check=False
    )
    found = re.search(r"I +refs: +([\d,]+)", done.stderr)
    if found is None or "Traceback" in done.stderr:
        raise RuntimeError(done.stderr)
    return int(found[1].replace(",", "")) / 1e6
