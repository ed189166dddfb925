"""The command line: one module per verb, found by its file name.

A verb module has `HELP` (one line), `EPILOG` (an example and the exit codes),
`add_arguments(parser)` and `run(options, console) -> int`. Only the module of the verb that was
asked for is imported.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from envprint import cli as package
from envprint._version import __version__
from envprint.cli._console import Console
from envprint.errors import EnvprintError, UsageError
from envprint.modules import module_names

WIDTH = 80
COULD_NOT = 2
"""Exit code when the job could not be done."""


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help in 80 columns.

    Left to itself, argparse imports shutil at every start to ask how wide the terminal is.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=WIDTH)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the command line in one line, like every other error."""

    def error(self, message: str) -> NoReturn:
        verb = self.prog.partition(" ")[2]
        raise UsageError(f"{verb}: {message}; see `{self.prog} --help`" if verb else message)


def main(argv: Sequence[str] | None = None, console: Console | None = None) -> int:
    """Run the command line `argv` and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    console = console or Console(sys.stdout, sys.stderr)
    code = COULD_NOT
    try:
        code = _run(arguments, console)
        console.flush()
    except EnvprintError as error:
        console.complain(str(error))
        return COULD_NOT
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; the answer stands. Python would flush again at
        # exit and complain, hence the null device.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        console.complain("interrupted")
        return 130
    return code


def _run(arguments: list[str], console: Console) -> int:
    try:
        options = _parse(arguments)
    except SystemExit as stop:  # argparse has printed its help or the version
        return int(stop.code or 0)
    code: int = options.run(options, console)
    return code


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = _Parser(
        prog="envprint",
        description="Fingerprints a machine-learning environment and judges what a\n"
        "difference does to a training result.",
        epilog="Start with: envprint check",
        formatter_class=_Help,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"envprint {__version__}")
    # Without `prog`, argparse would format its help at every start to find it.
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True, prog="envprint")
    names = module_names(package)
    asked = next((word for word in arguments if not word.startswith("-")), None)
    for name in names if asked not in names else [asked]:
        module = import_module(f"envprint.cli.{name}")
        verb = verbs.add_parser(
            name,
            help=module.HELP,
            description=module.HELP,
            epilog=module.EPILOG,
            formatter_class=_Help,
            allow_abbrev=False,
        )
        module.add_arguments(verb)
        verb.set_defaults(run=module.run)
    return parser.parse_args(arguments)
