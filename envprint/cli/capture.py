"""`envprint capture`: write one fingerprint."""

from __future__ import annotations

import argparse

from envprint.cli._capturing import (
    add_capture_options,
    capture_now,
)
from envprint.cli._console import Console
from envprint.document import dumps
from envprint.errors import StoreError
from envprint.model import Fingerprint

HELP = "capture this environment into a fingerprint (JSON)"
EPILOG = """\
example:
  envprint capture -o before.json --label "before the upgrade"
  envprint capture --save monday && envprint check @monday

exit codes:
  0  captured; what could not be determined is listed in the document
  2  could not do the job
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    parser.add_argument("-o", "--output", metavar="FILE", help="write here (default: stdout)")
    parser.add_argument(
        "--save", metavar="NAME", type=_name, help="keep it in the store, where @NAME finds it"
    )
    add_capture_options(parser)
    parser.add_argument("--label", metavar="TEXT", help="a short name for reports")
    parser.add_argument("--note", metavar="TEXT", help="free text to keep with it")
    parser.add_argument(
        "--tag", action="append", default=[], type=_tag, metavar="K=V", help="may be given again"
    )
    parser.add_argument(
        "--deep", action="store_true", help="re-hash every installed file against its RECORD"
    )
    parser.add_argument(
        "--identify", action="store_true", help="include user, host name and home directory"
    )


def _name(text: str) -> str:
    from envprint.store import checked_name

    try:
        return checked_name(text)
    except StoreError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, found {text!r}")
    return key, value


def run(options: argparse.Namespace, console: Console) -> int:
    """Capture, write, save."""
    fingerprint = capture_now(
        options,
        console,
        label=options.label,
        note=options.note,
        tags=dict(options.tag),
        identify=options.identify,
    )
    if options.output is not None or options.save is None:
        console.emit(dumps(fingerprint), options.output)
    if options.save is not None:
        _save(fingerprint, options.save, console)
    return 0


def _save(fingerprint: Fingerprint, name: str, console: Console) -> None:
    from envprint.store import Store

    store = Store()
    store.save(fingerprint, name)
    console.complain(f"saved as @{name} in {store.place}, {fingerprint.digest[:19]}")
