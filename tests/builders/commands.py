"""Calls of the command line in a process of its own, and what an error looks like."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from envprint.cli import main
from envprint.cli._console import Console


def call(
    *arguments: object,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes = b"",
    timeout_s: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run the command as a script would, with nothing of the test run's own variables."""
    kept = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-m", "envprint", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env={**kept, **(env or {})},
        cwd=cwd,
        check=False,
        timeout=timeout_s,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def call_here(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The same in this process, which is ten times as quick: for what never looks at a machine."""
    words, out, err = [*map(str, arguments)], StringIO(), StringIO()
    code = main(words, Console(out, err))
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def assert_one_line_and_exit_2(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """The way every failure must look."""
    assert done.returncode == 2, done
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith("envprint: ")
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr
