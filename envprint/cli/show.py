"""`envprint show`: a fingerprint for people."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from envprint.cli._capture_options import SOURCE, add_capture_options, load
from envprint.cli._console import Console
from envprint.core.discovery import module_names
from envprint.core.errors import UsageError
from envprint.core.fingerprint import Places
from envprint.core.sections import section_paths, sections_named
from envprint.core.typed import Any
from envprint.documents.codec import fingerprint_shape, to_document, to_json
from envprint.documents.inputs import NOW
from envprint.outputs import fingerprints
from envprint.outputs.fingerprint import render, without_secrets

HELP = "show a fingerprint in readable form (default: of this machine, now)"
EPILOG = """\
example:
  envprint show before.json --section gpu --section live.gpu
  envprint show --format markdown       # safe to post, as --public makes the others
  envprint run --record runs -- python train.py
  envprint show runs/run-*.json --format html > run.html

exit codes:
  0  printed
  2  could not do the job, or there is no such section
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument("file", metavar="FILE", nargs="?", default=NOW, help=SOURCE)
    parser.add_argument(
        "--section",
        action="append",
        default=[],
        metavar="NAME",
        help="this section only, such as gpu, live.gpu or packages; repeatable",
    )
    parser.add_argument(
        "--format",
        choices=("text", "json", *module_names(fingerprints)),
        default="text",
        help="json: the document, or its part (default: %(default)s)",
    )
    parser.add_argument(
        "--public",
        action="store_true",
        help="make it safe to post: leave out or replace what is private; markdown always is",
    )
    add_capture_options(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Load or capture, and print."""
    only = _sections(options.section) if options.section else None
    if options.format == "html" and only is None:
        from envprint.cli._run_record import page_of_run  # few fingerprints are looked at as pages

        if (page := page_of_run(options.file)) is not None:
            if options.public:
                raise UsageError("--public: the page of a run shows paths; --format text has none")
            console.emit(page)
            return 0
    fingerprint = without_secrets(load(options.file, options, console))
    if options.public:
        from envprint.outputs.public import public_one  # few are posted

        fingerprint = public_one(fingerprint)
    if options.format == "text":
        console.emit(render(fingerprint, console.colour(), only))
    elif options.format in module_names(fingerprints):
        console.emit(fingerprints.format_named(options.format).render(fingerprint, only))
    else:
        document = to_document(fingerprint)
        console.emit(to_json(document if only is None else _part(document, only)))
    return 0


def _sections(names: Sequence[str]) -> tuple[str, ...]:
    """The paths of the requested sections. Checked first: a capture takes its time."""
    return sections_named(names, section_paths(fingerprint_shape()))


def _part(document: dict[str, Any], only: Sequence[str]) -> dict[str, Any]:
    """These sections of a document, each where it stands there, and what is unknown in them."""
    part: dict[str, Any] = {"facts": {}, "live": {}}
    for path in only:
        place, _, section = path.partition(".")
        if section in document[place]:
            part[place][section] = document[place][section]
    places = Places(only)
    unknown = document["unknown"].items()
    return part | {"unknown": {path: reason for path, reason in unknown if places.touch(path)}}
