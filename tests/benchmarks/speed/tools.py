"""The commands that are compared: those of envprint, and of four neighbours in their own words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

CHANGED = 40
"""Packages whose version differs between the two records of a diff."""
QUIET = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0), (os.POSIX_SPAWN_DUP2, 1, 2)]


class Tool(NamedTuple):
    """A command line that records an environment and compares two records."""

    name: str
    package: str
    capture: tuple[str, ...]
    diff: tuple[str, ...]
    packages: tuple[str, ...] = ()
    version: str = ""
    check: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The name and the version, if it is not the one of this checkout."""
        return f"{self.name} {self.version}".rstrip()

    def commands(self, scripts: Path) -> dict[str, list[str]]:
        """What is timed, by what it does."""
        kinds = {"capture": self.capture, "diff": self.diff, "check": self.check}
        return {
            kind: [str(scripts / words[0]), *words[1:]] for kind, words in kinds.items() if words
        }


OURS = Tool(
    "envprint",
    "envprint",
    ("envprint", "capture", "-o", "new.json"),
    ("envprint", "diff", "envprint-a.json", "envprint-b.json", "-o", "report.txt"),
    ("facts", "packages", "distributions"),
    check=("envprint", "check", "envprint-a.json", "-o", "report.txt"),
)
PEERS = (
    Tool(
        "ceteris",
        "ceteris",
        ("ceteris", "capture", "-o", "new.json"),
        ("ceteris", "compare", "ceteris-a.json", "ceteris-b.json"),
        version="0.4.1",
    ),
    Tool(
        "venv-match",
        "venv_match",
        ("venv-match", "capture", "--overwrite", "-o", "new.json"),
        ("venv-match", "compare", "venv-match-a.json", "venv-match-b.json"),
        ("sections", "packages"),
        version="0.2.1",
    ),
    Tool(
        "envfixer",
        "envfixer",
        ("envfixer", "capture", "-o", "new.json"),
        ("envfixer", "diff", "envfixer-a.json", "envfixer-b.json"),
        ("packages",),
        version="0.2.0",
    ),
    Tool(
        "mlenv-cli",
        "mlenv",
        ("mlenv", "snapshot", "-o", "new.json"),
        ("mlenv", "diff", "mlenv-cli-a.json", "mlenv-cli-b.json"),
        ("sections", "packages"),
        version="0.2.0",
    ),
)
TOOLS = (OURS, *PEERS)


def make_records(tool: Tool, scripts: Path, folder: Path) -> None:
    """Two records in `folder`. One that lists no packages gets a changed variable instead."""
    command = tool.commands(scripts)["capture"]
    for side, threads in (("a", "2"), ("b", "2" if tool.packages else "3")):
        variables = os.environ | {"OMP_NUM_THREADS": threads}
        subprocess.run(command, check=True, cwd=folder, env=variables, capture_output=True)
        shutil.move(folder / "new.json", folder / f"{tool.name}-{side}.json")
    if tool.packages:
        file = folder / f"{tool.name}-b.json"
        document = json.loads(file.read_text(encoding="utf-8"))
        change_versions(document, tool.packages)
        file.write_text(json.dumps(document), encoding="utf-8")


def change_versions(document: Any, place: tuple[str, ...]) -> None:
    """Give the first packages of the record a different version."""
    for key in place:
        document = document[key]
    for name in sorted(document)[:CHANGED]:
        if isinstance(document[name], str):
            document[name] = "99.0"
        else:
            document[name]["version"] = "99.0"


def cpu_s(command: list[str], folder: Path, variables: Mapping[str, str] | None = None) -> float:
    """User and system time of one run, its children included."""
    os.chdir(folder)
    pid = os.posix_spawn(command[0], command, variables or os.environ, file_actions=QUIET)
    _, status, usage = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1, 2):  # a difference is 1, or 2 for ceteris
        raise RuntimeError(f"{command} ended with {status}")
    return usage.ru_utime + usage.ru_stime
