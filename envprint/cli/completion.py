"""`envprint completion`: a script by which a shell completes verbs, options and their values.

The scripts are made of the parsers by `python docs/generate.py`: to ask envprint at each press of a
key would start Python each time.
"""

from __future__ import annotations

import argparse
import os

from envprint.cli._console import Console
from envprint.machine.files import read_file

HELP = "print a completion script for a shell"
EPILOG = """\
example:
  envprint completion bash > ~/.local/share/bash-completion/completions/envprint
  envprint completion zsh > ~/.zfunc/_envprint   # a directory in $fpath
  envprint completion fish > ~/.config/fish/completions/envprint.fish

exit codes:
  0  printed
  2  could not do the job
"""
SHELLS = ("bash", "zsh", "fish")
SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "completions")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument("shell", choices=SHELLS, help="the shell that is to read it")


def run(options: argparse.Namespace, console: Console) -> int:
    """Print the script that was made for the shell."""
    console.emit(read_file(os.path.join(SCRIPTS, options.shell)).decode("utf-8"))
    return 0
