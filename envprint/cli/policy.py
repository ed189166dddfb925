"""`envprint policy`: create a policy file, or show the policy in force and its sources."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from envprint.cli._console import Console
from envprint.core.errors import PolicyError
from envprint.core.text import block, heading

HELP = "create a policy file (init), or show the policy in force (show)"
EPILOG = """\
example:
  envprint policy init && envprint policy show
  envprint policy show --policy team/envprint.toml

exit codes:
  0  written, or shown
  2  could not do the job; a file that is there is not written over
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument("action", choices=("init", "show"), metavar="init|show", help="what to do")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="init: write here (default: ./envprint.toml)"
    )
    parser.add_argument(
        "--policy", metavar="FILE", help="show: this file instead of the nearest one upwards"
    )
    parser.add_argument(
        "--python", metavar="PATH", help="init: the environment to capture, as for capture"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Write or show."""
    return _init(options, console) if options.action == "init" else _show(options, console)


def _init(options: argparse.Namespace, console: Console) -> int:
    from envprint.cli._capture_options import capture_now
    from envprint.judging.policy.find import OWN, exists
    from envprint.judging.policy.template import starting_policy

    target = options.output or OWN
    if target != "-" and exists(target):
        raise PolicyError(f"{target}: already exists; give a different name with -o")
    text = starting_policy(capture_now(options, console))
    console.emit(text, target)
    if target != "-":
        console.log(f"{target}: written; every line in it can be changed or left out")
    return 0


def _show(options: argparse.Namespace, console: Console) -> int:
    from envprint.judging.policy.find import agreed_policy, own_policy, users_place
    from envprint.judging.policy.in_force import rows

    policy, name, text = agreed_policy(options.policy)
    own, _ = own_policy()
    for note in policy.notes:
        console.warn(note)
    lines = [
        *_lines(rows(policy, name, text), name, console.colour()),
        *_trusted(own.trusted, users_place(), console.colour()),
    ]
    console.emit("\n".join(lines) + "\n")
    return 0


def _trusted(patterns: tuple[str, ...], place: str | None, colour: bool) -> Iterator[str]:
    yield from heading("your own policy", colour)
    yield from block("", place or "none: you have no home directory")
    for pattern in patterns or ("nobody",):
        yield from block("", f"trust.filters = {pattern}")


def _lines(rows: list[tuple[str, str, str]], name: str | None, colour: bool) -> Iterator[str]:
    yield from block("policy", name or "none found upwards from here: the defaults apply")
    yield from heading("in force", colour)
    for key, value, source in rows:
        yield from block("", f"{key} = {value}   ({source})")
