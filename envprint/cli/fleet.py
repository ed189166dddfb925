"""`envprint fleet`: many machines at once; each action is a module of its own."""

from __future__ import annotations

import argparse
from importlib import import_module

from envprint.cli._console import Console
from envprint.core.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from envprint.cli import Verb

HELP = "many machines at once: gather their fingerprints, compare them"
EPILOG = """\
example:
  envprint fleet gather -o fleet -- srun -N3 --ntasks-per-node=1
  envprint fleet diff fleet/

exit codes:
  those of the action: see `envprint fleet ACTION --help`
"""
ACTIONS = ("diff", "gather")


def action_named(name: str) -> Verb:
    """The module of an action."""
    return import_module(f"envprint.cli._fleet_{name}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions and their options."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    for name in ACTIONS:
        module = action_named(name)
        each = actions.add_parser(
            name,
            help=module.HELP,
            description=module.HELP,
            epilog=module.EPILOG,
            formatter_class=parser.formatter_class,
        )
        module.add_arguments(each)


def run(options: argparse.Namespace, console: Console) -> int:
    """Do what the action does."""
    return action_named(options.action).run(options, console)
