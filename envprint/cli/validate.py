"""`envprint validate`: check documents against the published schema."""

from __future__ import annotations

import argparse

from envprint.cli._console import Console
from envprint.documents.inputs import NOW, take
from envprint.documents.validate import faults
from envprint.machine.files import input_name

HELP = "check documents against the published JSON Schema"
EPILOG = """\
example:
  envprint validate before.json after.json
  envprint validate runs/*.json

exit codes:
  0  every document is valid
  2  at least one is not; every fault is named with its place
"""

MAX_FAULTS = 20
"""Faults listed per document; a document of another kind would have thousands."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument(
        "files", metavar="FILE", nargs="+", help="a document, -, now, or one saved: @NAME"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """List every fault of every document."""
    from envprint.core.errors import DocumentError, StoreError

    code = 0
    for path in options.files:
        name = input_name(path)
        try:
            found = faults(_content(path), name)
        except (DocumentError, StoreError) as error:
            found = [str(error)]
        for fault in found[:MAX_FAULTS]:
            console.log(fault)
        if len(found) > MAX_FAULTS:
            console.log(f"{name}: {len(found) - MAX_FAULTS} more faults")
        if not found:
            console.emit(f"{name}: valid\n")
        code = code or (2 if found else 0)
    return code


def _content(path: str) -> bytes:
    """The document that `path` names; for `now`, this machine's."""
    if path != NOW:
        return take(path).content
    from envprint.cli._capture_options import is_trusted
    from envprint.collectors._runner import capture
    from envprint.documents.codec import dumps
    from envprint.machine.live import LiveHost

    return dumps(capture(LiveHost(trusts=is_trusted), via="cli")).encode(
        "utf-8", "backslashreplace"
    )
