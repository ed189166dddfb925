"""Ctrl-C while envprint still loads its own code."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

INTERRUPTED_AT = """
import os, signal, sys
from envprint.__main__ import script

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == NAME:
            os.kill(os.getpid(), signal.SIGINT)

NAME = sys.argv.pop(1)
sys.meta_path.insert(0, Interrupting())
script()
"""


def checked(name: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """`envprint check` with a SIGINT as it begins to import the module `name`."""
    command = [sys.executable, "-c", INTERRUPTED_AT, name, "check"]
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command, capture_output=True, text=True, check=False, **settings
    )
    return done


@pytest.mark.parametrize(
    "name",
    [
        "envprint._precompiled",
        "envprint.cli",
        "envprint.core.discovery",
        "envprint.core.errors",
        "envprint.cli.check",
        "envprint.collectors._runner",
        "envprint.machine.live",
        "envprint.judging.judge",
        "envprint.rules.random",
        "envprint.outputs.formats.text",
    ],
)
def test_ctrl_c_while_modules_are_loaded_is_one_line_and_no_traceback(name: str) -> None:
    done = checked(name)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "envprint: interrupted\n")


@pytest.mark.parametrize("name", ["argparse", "envprint.judging.judge"])
def test_where_ctrl_c_is_ignored_it_stays_so(name: str) -> None:
    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    done = checked(name, preexec_fn=ignore)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
