"""A command line under `envprint run`, in a folder of its own, and ways to wait for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema

from envprint.documents import validate
from envprint.documents.codec import published

PYTHON = sys.executable


class Bench:
    """A place for runs: a directory to work in, a store, and a directory of records."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records = folder / "records"
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "ENVPRINT_HOME": str(folder / "store"),
        }

    def has_numpy(self, version: str = "2.4.6") -> None:
        """Let NumPy be installed in this version, as far as its files tell."""
        site = self.folder / "site"
        shutil.rmtree(site, ignore_errors=True)
        for file, text in (
            (f"numpy-{version}.dist-info/METADATA", f"Name: numpy\nVersion: {version}\n"),
            ("numpy/version.py", f'short_version = version = "{version}"\n'),
        ):
            (site / file).parent.mkdir(parents=True)
            (site / file).write_text(text)
        self.environ["PYTHONPATH"] = str(site)

    def argv(
        self,
        *command: str,
        options: tuple[str, ...] = ("--no-check",),
        python: tuple[str, ...] = ("-m", "envprint"),
    ) -> list[str]:
        recorded = ("--record", str(self.records))
        return [PYTHON, *python, "run", *recorded, *options, "--", *command]

    def run(
        self,
        *command: str,
        options: tuple[str, ...] = ("--no-check",),
        stdin: str = "",
        environ: Mapping[str, str] = {},
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*command, options=options),
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**self.environ, **environ},
            timeout=120,
            check=False,
        )

    def start(
        self,
        *command: str,
        options: tuple[str, ...] = ("--no-check",),
        python: tuple[str, ...] = ("-m", "envprint"),
        within: tuple[str, ...] = (),
    ) -> subprocess.Popen[str]:
        """Without a terminal, as in a batch."""
        return subprocess.Popen(
            [*within, *self.argv(*command, options=options, python=python)],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self.environ,
        )

    def record(self) -> dict[str, Any]:
        """The only record, which must be valid."""
        (path,) = self.records.glob("run-*.json")
        document: dict[str, Any] = json.loads(path.read_text())
        jsonschema.Draft202012Validator(json.loads(published("run"))).validate(document)
        assert validate.faults(path.read_bytes(), "run") == []
        return document

    def entries(self) -> list[dict[str, Any]]:
        """What the store tells of saves, oldest first."""
        files = sorted((self.folder / "store" / "entries").glob("*.json"))
        return [json.loads(file.read_text()) for file in files]


def without_remark(told: str) -> str:
    """What stderr says, but for the line about a command whose interpreter is not known."""
    first, _, rest = told.partition("\n")
    return rest if first.startswith("envprint: which interpreter `") else told


WAIT_S = 30.0
"""The longest that anything is waited for."""


def until(is_so: Callable[[], object]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end_s, "it has not come about"
        time.sleep(0.02)


def state(pid: int) -> str:
    """Of a process, as the kernel has it: `S` for asleep, `T` for stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
