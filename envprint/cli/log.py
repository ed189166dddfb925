"""`envprint log`: what was saved, and what changed between saves."""

import argparse
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from envprint.cli._console import Console
from envprint.core.errors import EnvprintError, StoreError
from envprint.core.fingerprint import Fingerprint
from envprint.core.impact import Impact
from envprint.core.text import table
from envprint.documents.codec import loads, to_json
from envprint.documents.store import Damaged, Saved, Store

HELP = "list what was saved, newest first, with the verdict against the one before"
EPILOG = """\
example:
  envprint log -n 10

exit codes:
  0  listed; what is damaged says so in its row
  2  could not do the job
"""
HEAD = ("WHEN (UTC)", "NAME", "KIND", "LABEL", "DIGEST", "VERDICT")
LABEL_WIDTH = 24
Judge = Callable[[Fingerprint, Fingerprint], Impact]
"""What the differences from the first to the second do."""


class Row(NamedTuple):
    """One save, as listed."""

    saved: Saved | Damaged
    names: tuple[str, ...]
    verdict: str | None
    """An impact, or `first`; None if the save cannot be read."""
    fault: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    from envprint.cli._judge_options import count_argument

    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument(
        "-n", type=count_argument, dest="limit", metavar="N", help="only the newest N"
    )
    parser.add_argument("--policy", metavar="FILE", help="the team's policy, as for diff")


def run(options: argparse.Namespace, console: Console) -> int:
    """List the store."""
    store = Store(warn=console.warn)
    names, judge = _names(store, console), _judge(options, console)
    rows = list(islice(_rows(store, names, judge), options.limit))
    if options.format == "json":
        console.emit(to_json([_document(row) for row in rows]))
    elif rows:
        console.emit(table([HEAD, *map(_cells, rows)]))
    else:
        saves = "`envprint capture --save NAME` saves something"
        console.log(f"nothing is saved in {store.place}; {saves}")
    return 0


def _names(store: Store, console: Console) -> dict[str, list[str]]:
    """The names of each object. Warns of a name that leads nowhere."""
    found: dict[str, list[str]] = {}
    for name in store.names():
        try:
            found.setdefault(store.named(name) or "", []).append(name)
        except StoreError as error:
            console.warn(f"skipped: {error}")
    return found


def _judge(options: argparse.Namespace, console: Console) -> Judge:
    """The same verdict as `diff`, under the policy in force now."""
    from envprint.cli._judge_options import context_of
    from envprint.judging.context import Request

    context = context_of(Request(options.policy), console)
    return lambda before, after: context.drift(before, after).impact


def _rows(store: Store, names: dict[str, list[str]], judge: Judge) -> Iterator[Row]:
    """Newest first. Each is judged against the next older one that can be read."""
    waiting: tuple[Row, Fingerprint] | None = None
    held: list[Row] = []
    for row, fingerprint in _read(store, names):
        if fingerprint is None:
            held.append(row)
            continue
        if waiting is not None:
            yield waiting[0]._replace(verdict=judge(fingerprint, waiting[1]).word)
        yield from held
        waiting, held = (row, fingerprint), []
    if waiting is not None:
        yield waiting[0]._replace(verdict="first")
    yield from held


def _read(store: Store, names: dict[str, list[str]]) -> Iterator[tuple[Row, Fingerprint | None]]:
    for saved in store.saved():
        if isinstance(saved, Damaged):
            yield Row(saved, (), None, saved.reason), None
            continue
        row = Row(saved, tuple(names.get(saved.object, ())), None)
        try:
            yield row, loads(store.read(saved.object), saved.object)
        except EnvprintError as error:
            yield row._replace(fault=str(error)), None


def _cells(row: Row) -> tuple[str, ...]:
    saved = row.saved
    when = (saved.saved_at or "").replace("T", " ").rstrip("Z")
    verdict = row.verdict or f"unreadable: {row.fault}"
    if isinstance(saved, Damaged):
        return when, "", "", "", "", verdict
    kind = saved.kind if saved.exit_code is None else f"{saved.kind}, exit {saved.exit_code}"
    label = saved.label or ""
    if len(label) > LABEL_WIDTH:
        label = label[: LABEL_WIDTH - 1] + "…"
    digest = saved.digest.removeprefix("sha256:")[:12]
    return when, ", ".join(row.names), kind, label, digest, verdict


def _document(row: Row) -> dict[str, Any]:
    damaged = isinstance(row.saved, Damaged)
    saved = {} if damaged else row.saved._asdict()
    return {
        **dict.fromkeys(("object", "digest", "kind", "exit_code", "label")),
        **saved,
        "entry": row.saved.entry,
        "saved_at": row.saved.saved_at,
        "names": list(row.names),
        "verdict": row.verdict,
        "fault": row.fault,
    }
