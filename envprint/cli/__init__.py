"""The command line: one module per verb, found by file name.

Each is a `Verb`. Only the module of the verb that was asked for is imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from envprint import cli as package
from envprint.cli._console import Console
from envprint.cli._plain_words import PlainWords
from envprint.core.discovery import load_module, module_names
from envprint.core.errors import EnvprintError, UsageError
from envprint.core.typed import TYPE_CHECKING, cast

COULD_NOT = 2
"""Exit code when the job could not be done."""
DEBUG = "ENVPRINT_DEBUG"
"""Variable: with 1, an internal error shows its traceback."""
REPORT = f"to the issue tracker of envprint, with what {DEBUG}=1 shows"


if TYPE_CHECKING:
    import argparse
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
            from envprint.cli._parser import overview

            overview().parse_args(arguments)
            raise UsageError("expected a verb; see `envprint --help`")
        module = verb_named(verb)
        options = _parsed(verb, module, arguments[1:])
    except SystemExit as stop:  # argparse has printed its help or the version
        return int(stop.code or 0)
    return module.run(options, console)


def _parsed(verb: str, module: Verb, words: list[str]) -> argparse.Namespace:
    """The options; of a verb that takes a command behind `--`, also `command`, as it is.

    argparse itself reads the words of such a verb, and of one with `ACTIONS`.
    """
    takes_command = getattr(module, "COMMAND_AFTER_DASHES", False)
    if not takes_command and not hasattr(module, "ACTIONS"):
        plain = PlainWords()
        module.add_arguments(cast("argparse.ArgumentParser", plain))
        found = plain.read(words)
        if found is not None:
            return cast("argparse.Namespace", found)
    from envprint.cli._parser import parser_of  # which loads argparse

    parser = parser_of(verb, module)
    if not takes_command:
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
    module: Verb = load_module(f"{__name__}.{name}{'_' if name == 'import' else ''}")
    return module
