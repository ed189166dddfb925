"""`envprint log`: what was saved, and what changed between saves."""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from envprint.cli._capture_options import tag_argument
from envprint.cli._console import Console
from envprint.core.errors import EnvprintError, StoreError
from envprint.core.fingerprint import Fingerprint
from envprint.core.report import Report
from envprint.core.text import plain, table
from envprint.core.typed import Any, NamedTuple
from envprint.documents import isolations
from envprint.documents.codec import loads, to_json
from envprint.documents.store import LAST_GOOD, PROMOTION, Damaged, Saved, Store

HELP = "list what was saved, newest first, and what changed since the save before"
EPILOG = """\
example:
  envprint log -n 10
  envprint log --format json > saved.json
  envprint log --host 3fa9c1d2 --label 'run*' --tag queue=night
  envprint log --clean

exit codes:
  0  listed; what is damaged says so in its row
  2  could not do the job
"""
HEAD = (
    *("WHEN (UTC)", "NAME", "KIND", "HOST", "PROGRAM", "LABEL", "DIGEST"),
    "AGAINST THE PREVIOUS OF THIS HOST",
)
WIDTH = 24
"""Of a text that anybody may have made long."""
ID_DIGITS = 8
"""Digits shown of a machine's id."""
FIRST = "first"
ISOLATE = "isolate"
"""The kind of a row that is a finished search."""
Judge = Callable[[Fingerprint, Fingerprint], Report]
"""What the differences from the first to the second do."""


class Row(NamedTuple):
    """One save, as listed."""

    saved: Saved | Damaged
    names: tuple[str, ...] = ()
    host_name: str | None = None
    """Only where it was captured with --identify."""
    machine_id: str | None = None
    tags: Mapping[str, str] = {}
    verdict: str | None = None
    """An impact, or `first`; None for a promotion, and for what cannot be read."""
    against: str | None = None
    """The entry that the verdict compares with."""
    findings: tuple[str, ...] = ()
    """The rules of that verdict."""
    unjudged: tuple[str, ...] = ()
    cause: tuple[str, ...] | None = None
    """What `isolate` has found; None for a save."""
    fault: str | None = None

    @property
    def host(self) -> str | None:
        """What a reader can tell machines apart by."""
        return self.host_name or (self.machine_id and self.machine_id[:ID_DIGITS])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    from envprint.cli._judge_options import count_argument

    group = parser.add_argument_group("which entries")
    group.add_argument(
        "-n", type=count_argument, dest="limit", metavar="N", help="only the newest N"
    )
    group.add_argument(
        "--label", metavar="PATTERN", help="only entries with this label; * matches any text"
    )
    group.add_argument(
        "--tag",
        action="append",
        default=[],
        type=tag_argument,
        metavar="K=V",
        help="only entries with this tag; repeatable",
    )
    group.add_argument(
        "--host", metavar="PATTERN", help="only entries saved by this host: its name or its id"
    )
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="default: %(default)s"
    )
    parser.add_argument("--policy", metavar="FILE", help="the team's policy, as for diff")
    parser.add_argument(
        "--clean",
        action="store_true",
        help="remove what nothing names, such as the files of a killed process, and list nothing",
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """List the store, or clean it."""
    store = Store(warn=console.warn)
    if options.clean:
        return _clean(store, console)
    names, judge = _names(store, console), _judge(options, console)
    both = _merged(_rows(store, names, judge), _searches(store))
    listed = (row for row in both if _is_wanted(row, options))
    rows = list(islice(listed, options.limit))
    if options.format == "json":
        console.emit(to_json([_document(row) for row in rows]))
    elif rows:
        console.emit(table([HEAD, *map(_cells, rows)]))
    elif options.label or options.tag or options.host:
        console.log(f"no entry in {store.place} has this label, tag or host")
    else:
        saves = "`envprint capture --save NAME` saves something"
        console.log(f"the store {store.place} is empty; {saves}")
    return 0


def _searches(store: Store) -> Iterator[Row]:
    """What `isolate` has found, newest first."""
    for one in isolations.kept(store):
        saved = Saved(one.name, one.saved_at, "", one.current, kind=ISOLATE, program=one.program)
        yield Row(saved, verdict=one.outcome, cause=one.cause)


def _merged(saves: Iterator[Row], searches: Iterator[Row]) -> Iterator[Row]:
    """Both in one list, newest first."""
    waiting = deque(searches)
    for row in saves:
        while waiting and (waiting[0].saved.saved_at or "") >= (row.saved.saved_at or ""):
            yield waiting.popleft()
        yield row
    yield from waiting


def _clean(store: Store, console: Console) -> int:
    from envprint.documents.cleaning import clean

    documents, count_bytes, temporary = clean(store)
    console.emit(
        f"removed from {plain(store.place)}: documents that nothing names: {documents} "
        f"({count_bytes:,} bytes), temporary files: {temporary}\n"
    )
    return 0


def _is_wanted(row: Row, options: argparse.Namespace) -> bool:
    """Whether the filters let it through. What cannot be read has no label, tag or host."""
    saved = None if isinstance(row.saved, Damaged) else row.saved
    hosts = (row.host_name, row.machine_id, row.machine_id and row.machine_id[:ID_DIGITS])
    return (
        (options.label is None or _fits(saved and saved.label, options.label))
        and all(row.tags.get(key) == value for key, value in options.tag)
        and (options.host is None or any(_fits(host, options.host) for host in hosts))
    )


def _fits(text: str | None, pattern: str) -> bool:
    from fnmatch import fnmatchcase

    return text is not None and (text == pattern or fnmatchcase(text, pattern))


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

    return context_of(Request(options.policy), console).drift


class _Listed:
    """A row, and its fingerprint as long as the previous one of its host is not found."""

    def __init__(self, row: Row, fingerprint: Fingerprint | None) -> None:
        self.row = row
        self.fingerprint = fingerprint


def _rows(store: Store, names: dict[str, list[str]], judge: Judge) -> Iterator[Row]:
    """Newest first, each judged against the next older one of its host that can be read."""
    listed: deque[_Listed] = deque()
    waiting: list[_Listed] = []
    for row, fingerprint in _read(store, names):
        listed.append(_Listed(row, fingerprint))
        if fingerprint is None:
            continue
        for later in [one for one in waiting if _is_same_host(one.row, row)]:
            assert later.fingerprint
            later.row = _judged(later.row, judge(fingerprint, later.fingerprint), row)
            later.fingerprint = None
            waiting.remove(later)
        waiting.append(listed[-1])
        while listed[0].fingerprint is None:
            yield listed.popleft().row
    for one in listed:
        yield one.row if one.fingerprint is None else one.row._replace(verdict=FIRST)


def _judged(row: Row, report: Report, before: Row) -> Row:
    return row._replace(
        verdict=report.impact.word,
        against=before.saved.entry,
        findings=tuple(dict.fromkeys(finding.rule for finding in report.findings)),
        unjudged=tuple(entry.name for entry in report.unjudged),
    )


def _is_same_host(one: Row, other: Row) -> bool:
    """Whether both were captured on one machine, as far as they tell.

    Machines with a common home directory have one id; their names, if recorded, differ.
    """
    if one.host_name and other.host_name and one.host_name != other.host_name:
        return False
    if one.machine_id == other.machine_id:
        return True
    # An older version has recorded no id.
    return bool(one.host_name and other.host_name) and None in (one.machine_id, other.machine_id)


def _read(store: Store, names: dict[str, list[str]]) -> Iterator[tuple[Row, Fingerprint | None]]:
    is_last_good = False
    for saved in store.saved():
        if isinstance(saved, Damaged):
            yield Row(saved, fault=saved.reason), None
            continue
        row = Row(saved, tuple(names.get(saved.object, ())))
        try:
            found = loads(store.read(saved.object), saved.object)
        except EnvprintError as error:
            yield row._replace(fault=str(error)), None
            continue
        if saved.is_good and not is_last_good:
            is_last_good = True
            row = row._replace(names=(LAST_GOOD, *row.names))
        name = (found.identity or {}).get("host_name")
        row = row._replace(host_name=name, machine_id=found.machine_id, tags=found.tags)
        yield row, None if saved.kind == PROMOTION else found


def _cells(row: Row) -> tuple[str, ...]:
    saved = row.saved
    when = (saved.saved_at or "").replace("T", " ").rstrip("Z")
    if isinstance(saved, Damaged):
        return when, "", "", "", "", "", "", _verdict(row)
    kind = saved.kind if saved.exit_code is None else f"{saved.kind}, exit {saved.exit_code}"
    digest = saved.digest.removeprefix("sha256:")[:12]
    texts = (_short(text) for text in (_host(row), saved.program, saved.label))
    return when, ", ".join(row.names), kind, *texts, digest, _verdict(row)


def _host(row: Row) -> str:
    """Its name and its id: only some saves may have recorded the name."""
    found = filter(None, (row.host_name, row.machine_id and row.machine_id[:ID_DIGITS]))
    return " ".join(found)


def _verdict(row: Row) -> str:
    if row.fault is not None:
        return f"unreadable: {row.fault}"
    if not isinstance(row.saved, Damaged) and row.saved.kind == ISOLATE:
        return f"{row.verdict}: {', '.join(row.cause)}" if row.cause else row.verdict or ""
    text = row.verdict or ""
    if row.findings:
        more = f" and {len(row.findings) - 1} more" if len(row.findings) > 1 else ""
        text = f"{text}: {row.findings[0]}{more}"
    return f"{text}, {len(row.unjudged)} not judged" if row.unjudged else text


def _short(text: str | None) -> str:
    text = text or ""
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def _document(row: Row) -> dict[str, Any]:
    saved = {} if isinstance(row.saved, Damaged) else row.saved._asdict()
    return {
        **dict.fromkeys(Saved._fields),
        **saved,
        "entry": row.saved.entry,
        "saved_at": row.saved.saved_at,
        "names": list(row.names),
        "host": row.host,
        "machine_id": row.machine_id,
        "tags": dict(row.tags),
        "verdict": row.verdict,
        "against": row.against,
        "findings": list(row.findings),
        "unjudged": list(row.unjudged),
        "cause": None if row.cause is None else list(row.cause),
        "fault": row.fault,
    }
