"""`envprint promote`: choose by hand what `@last-good`, or another name, means."""

from __future__ import annotations

import argparse

from envprint.cli._capture_options import SOURCE, add_capture_options, capture_now, read
from envprint.cli._console import Console
from envprint.core.errors import StoreError
from envprint.core.fingerprint import IMPORTED, Fingerprint
from envprint.documents.codec import dumps
from envprint.documents.inputs import NOW, take
from envprint.documents.references import good_ones
from envprint.documents.store import LAST_GOOD, Store, checked_name, digest_of

HELP = "make a saved record @last-good, or point a different name at it"
EPILOG = """\
example:
  envprint promote @~1            # the save before the last is @last-good
  envprint promote now monday     # captures, and calls it @monday
  envprint promote old.json before-upgrade

exit codes:
  0  promoted; a new document was also saved in the store
  2  could not do the job
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument("source", metavar="REF", help=SOURCE)
    parser.add_argument(
        "name", metavar="NAME", nargs="?", default=LAST_GOOD, help="default: %(default)s"
    )
    add_capture_options(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Find it, save it if necessary, and point to it."""
    name = options.name.removeprefix("@")
    if name != LAST_GOOD:
        checked_name(name)
    store = Store(warn=console.warn)
    content, fingerprint = _taken(options, console)
    object_id = _saved(store, content, fingerprint)
    before = _before(store, name)
    if name == LAST_GOOD:
        store.promote(object_id, fingerprint)
    else:
        store.give_name(name, object_id)
    label = f", {fingerprint.label}" if fingerprint.label else ""
    when = fingerprint.captured_at.replace("T", " ").replace("Z", " UTC")
    source = "this machine" if options.source == NOW else options.source
    what = f"{source}{label}, captured {when}, {fingerprint.digest[:19]}"
    console.log(f"@{name} is now {what} ({before}) in {store.place}")
    return 0


def _taken(options: argparse.Namespace, console: Console) -> tuple[bytes, Fingerprint]:
    """The document that is promoted, and what it says."""
    if options.source == NOW:
        fingerprint = capture_now(options, console)
        return dumps(fingerprint).encode("ascii"), fingerprint
    found = take(options.source)
    for damage in found.skipped:
        console.warn(f"skipped: {damage}")
    fingerprint = read(found)
    is_record = fingerprint.captured_via.startswith(IMPORTED)
    content = dumps(fingerprint).encode("ascii") if is_record else found.content
    return content, fingerprint._replace(program=found.program)


def _saved(store: Store, content: bytes, fingerprint: Fingerprint) -> str:
    """The object of a document, which is saved if the store does not have it, or only damaged."""
    object_id = digest_of(content)
    try:
        store.read(object_id)
    except StoreError:
        store.save(fingerprint, content=content)
    return object_id


def _before(store: Store, name: str) -> str:
    """What the name meant before, in words."""
    if name == LAST_GOOD:
        before = next(good_ones(store), None)
        return f"was: {before.in_words()}" if before else "there was none"
    try:
        object_id = store.named(name)
    except StoreError:
        return "the previous record is damaged"
    return f"was: {object_id[:19]}" if object_id else "there was none"
