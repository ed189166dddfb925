"""The command line: one module per verb, found by file name.

Each is a `Verb`. Only the module of the verb that was asked for is imported.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from envprint import cli as package
from envprint.cli._console import Console
from envprint.core.discovery import module_names
from envprint.core.errors import EnvprintError, UsageError
from envprint.core.typed import TYPE_CHECKING, Any, NoReturn

WIDTH = 80
ABOUT = """\
Fingerprints a machine-learning environment and judges what a difference
does to a training result."""
COULD_NOT = 2
"""Exit code when the job could not be done."""
DEBUG = "ENVPRINT_DEBUG"
"""Variable: with 1, an internal error shows its traceback."""
REPORT = f"to the issue tracker of envprint, with what {DEBUG}=1 shows"


if TYPE_CHECKING:
    from typing import Protocol

    class Verb(Protocol):
        """A module that is one verb of the command line."""

        HELP: str
        """What it does, in one line."""
        EPILOG: str
        """An example, and the exit codes."""

        def add_arguments(self, parser: argparse.ArgumentParser) -> None:
            """Add its options."""

        def run(self, options: argparse.Namespace, console: Console) -> int:
            """Do it, and return the exit code."""

    class FailingVerb(Protocol):
        """A verb whose exit code for what could not be done is its own."""

        COULD_NOT: int


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


def main(argv: Sequence[str] | None = None, console: Console | None = None) -> int:
    """Run the command line `argv` and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    console = console or Console(sys.stdout, sys.stderr)
    try:
        code = _run(arguments, console)
        console.flush()
    except EnvprintError as error:
        console.log(str(error))
        return _could_not(arguments)
    except KeyboardInterrupt:
        console.log("interrupted")
        return 130
    # An internal error: no traceback for users, who cannot act on it, and never exit code 1, which
    # means that something was found.
    except BaseException as error:  # noqa: BLE001  see the reason above
        _tell_fault(error, console)
        return _could_not(arguments)
    return code


def _tell_fault(error: BaseException, console: Console) -> None:
    """One line: what happened, where, and how to report it."""
    from envprint.machine.interpreter import one_line

    if os.environ.get(DEBUG) == "1":
        import traceback

        console.show("".join(traceback.format_exception(error)))
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = ""
    if trace:
        file = trace.tb_frame.f_code.co_filename
        place = f" ({os.path.basename(file)}, line {trace.tb_lineno})"
    what = f"{type(error).__name__}: {one_line(error)}"[:300]
    console.log(f"a fault of envprint: {what}{place}; please report it {REPORT}")


def _could_not(arguments: list[str]) -> int:
    module = sys.modules.get(f"{__name__}.{arguments[0]}") if arguments else None
    if module is None or not hasattr(module, "COULD_NOT"):
        return COULD_NOT
    verb: FailingVerb = module
    return verb.COULD_NOT


def _run(arguments: list[str], console: Console) -> int:
    verb = arguments[0] if arguments and arguments[0] in verb_names() else None
    try:
        if verb is None:
            _overview().parse_args(arguments)
            raise UsageError("expected a verb; see `envprint --help`")
        module = verb_named(verb)
        options = _parsed(verb, module, arguments[1:])
    except SystemExit as stop:  # argparse has printed its help or the version
        return int(stop.code or 0)
    return module.run(options, console)


def _parsed(verb: str, module: Verb, words: list[str]) -> argparse.Namespace:
    """The options; of a verb that takes a command behind `--`, also `command`, as it is."""
    parser = parser_of(verb, module)
    if not getattr(module, "COMMAND_AFTER_DASHES", False):
        return parser.parse_args(words)
    end = words.index("--") if "--" in words else len(words)
    # Intermixed: optional words may stand before and behind options.
    options = parser.parse_intermixed_args(words[:end])
    options.command = words[end + 1 :]
    return options


def verb_names() -> list[str]:
    """The verbs; `import`, a word of Python, has a `_` at the end of its module's name."""
    return [name.removesuffix("_") for name in module_names(package)]


def verb_named(name: str) -> Verb:
    """The module of a verb."""
    return import_module(f"{__name__}.{name}{'_' if name == 'import' else ''}")


def whole_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line, for what is made of it: completion, a manual."""
    parser = _Parser(prog="envprint", description=ABOUT, formatter_class=_Help)
    parser.add_argument("--version", action="store_true", help="print the version")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", dest="verb")
    for name in verb_names():
        verb_named(name).add_arguments(verbs.add_parser(name, help=verb_named(name).HELP))
    return parser


def parser_of(verb: str, module: Verb) -> argparse.ArgumentParser:
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
    from envprint.core.version import __version__
    from envprint.knowledge import AS_OF

    version = f"envprint {__version__} (knowledge as of {AS_OF})"
    parser = _Parser(
        prog="envprint",
        description=ABOUT,
        epilog="Start with: envprint check",
        formatter_class=_Help,
    )
    parser.add_argument("--version", action="version", version=version)
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", prog="envprint")
    for name in verb_names():
        verbs.add_parser(name, help=verb_named(name).HELP)
    return parser
