"""The parsers of the command line: their help, and their errors in one line."""

from __future__ import annotations

import argparse

from envprint.cli import verb_named, verb_names
from envprint.core.errors import UsageError
from envprint.core.typed import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from envprint.cli import Verb

WIDTH = 80
ABOUT = """\
Fingerprints a machine-learning environment and judges what a difference
does to a training result."""


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
        message = _with_nearest(message)
        raise UsageError(f"{verb}: {message}; see `{self.prog} --help`" if verb else message)


def _with_nearest(message: str) -> str:
    """The message; of a word that is none of the choices, the nearest one first."""
    import re  # an error may take its time

    from envprint.core.suggest import did_you_mean

    found = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)$", message)
    if found is None:
        return message
    choices = [choice.strip(" '") for choice in found[2].split(",")]
    nearest = did_you_mean(found[1], choices)
    return f"{message[: found.start()]}unknown word {found[1][:60]!r}; {nearest}"


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


def overview() -> argparse.ArgumentParser:
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
