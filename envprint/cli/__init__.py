"""The command line: one module per verb, found by file name.

A verb module has `HELP` (one line), `EPILOG` (an example and the exit codes),
`add_arguments(parser)` and `run(options, console) -> int`; and `COULD_NOT` if its exit code for
failure is not 2. Only the module of the requested verb is imported.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn

from envprint import __version__
from envprint import cli as package
from envprint.cli._console import Console
from envprint.core.discovery import module_names
from envprint.core.errors import EnvprintError, UsageError

WIDTH = 80
COULD_NOT = 2
"""Exit code when the job could not be done."""
DEBUG = "ENVPRINT_DEBUG"
"""Variable: with 1, an internal error shows its traceback."""
REPORT = f"to the issue tracker of envprint, with what {DEBUG}=1 shows"


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help in 80 columns.

    By default, argparse imports shutil at every start to find the width of the terminal.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=WIDTH)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """`-o, --output FILE`, as in Python 3.13; before, FILE followed both."""
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        metavar = self._get_default_metavar_for_optional(action)
        return f"{', '.join(action.option_strings)} {self._format_args(action, metavar)}"


class _Parser(argparse.ArgumentParser):
    """Allows no abbreviations, and reports an error in one line, as envprint does elsewhere."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        verb = self.prog.partition(" ")[2]
        raise UsageError(f"{verb}: {message}; see `{self.prog} --help`" if verb else message)


def script() -> NoReturn:
    """The command `envprint`: run, and exit at once.

    An orderly interpreter shutdown costs more than a fifth of a capture, and a collector that hangs
    in the kernel must not delay the exit. All output is flushed by then.
    """
    gc.disable()  # the process is too short-lived for it to pay off
    os._exit(main(console=Console(sys.stdout, sys.stderr, is_last=True)))


def main(argv: Sequence[str] | None = None, console: Console | None = None) -> int:
    """Run the command line `argv` and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    console = console or Console(sys.stdout, sys.stderr)
    try:
        code = _run(arguments, console)
        console.flush()
    except EnvprintError as error:
        console.complain(str(error))
        return _could_not(arguments)
    except KeyboardInterrupt:
        console.complain("interrupted")
        return 130
    # An internal error: no traceback for users, who cannot act on it, and never exit code 1, which
    # means that something was found.
    except BaseException as error:  # noqa: BLE001  see the reason above
        _tell_fault(error, console)
        return _could_not(arguments)
    return code


def _tell_fault(error: BaseException, console: Console) -> None:
    """One line: what happened, where, and how to report it."""
    if os.environ.get(DEBUG) == "1" and console.stderr is not None:
        import traceback

        console.stderr.write("".join(traceback.format_exception(error)))
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = ""
    if trace:
        file = trace.tb_frame.f_code.co_filename
        place = f" ({os.path.basename(file)}, line {trace.tb_lineno})"
    what = f"{type(error).__name__}: {error}"[:300]
    console.complain(f"a fault of envprint: {what}{place}; please report it {REPORT}")


def _could_not(arguments: list[str]) -> int:
    module = sys.modules.get(f"envprint.cli.{arguments[0]}") if arguments else None
    code: int = getattr(module, "COULD_NOT", COULD_NOT)
    return code


def _run(arguments: list[str], console: Console) -> int:
    verb = arguments[0] if arguments and arguments[0] in module_names(package) else None
    try:
        if verb is None:
            _overview().parse_args(arguments)
            raise UsageError("expected a verb; see `envprint --help`")
        module = import_module(f"envprint.cli.{verb}")
        options = parser_of(verb, module).parse_args(arguments[1:])
    except SystemExit as stop:  # argparse has printed its help or the version
        return int(stop.code or 0)
    code: int = module.run(options, console)
    return code


def parser_of(verb: str, module: ModuleType) -> argparse.ArgumentParser:
    """The parser of one verb, with its options."""
    parser = _Parser(
        prog=f"envprint {verb}",
        description=module.HELP,
        epilog=module.EPILOG,
        formatter_class=_Help,
    )
    module.add_arguments(parser)
    return parser


def _overview() -> argparse.ArgumentParser:
    """The parser that lists the verbs, with each module's line of help."""
    parser = _Parser(
        prog="envprint",
        description="Fingerprints a machine-learning environment and judges what a difference\n"
        "does to a training result.",
        epilog="Start with: envprint check",
        formatter_class=_Help,
    )
    parser.add_argument("--version", action="version", version=f"envprint {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", prog="envprint")
    for name in module_names(package):
        verbs.add_parser(name, help=import_module(f"envprint.cli.{name}").HELP)
    return parser
