"""A fleet as one table: a row a fingerprint, with its digests and the document itself.

For queries: a Parquet file of 100,000 rows is read in a moment, and as many JSON files are not.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress

from envprint.core.errors import EnvprintError, OutputError
from envprint.core.fingerprint import Fingerprint
from envprint.core.fleet import Unread
from envprint.core.typed import Any, NamedTuple
from envprint.documents.codec import dumps, loads
from envprint.fleet.sources import COLUMN, MEMBER, documents, read_error
from envprint.machine.files import reason, temporary_in

ROWS = 1000
"""Rows that are held in memory at a time."""
PLAIN = ("captured_at", "captured_via", "envprint_version", "machine_id", "label", "digest")
"""Columns that are fields of the document."""


class Exported(NamedTuple):
    """How many rows were written, and what was left out."""

    rows: int
    unread: tuple[Unread, ...]


def export(path: str, sources: Iterable[str]) -> Exported:
    """Write every readable document of the sources as a row. Raises `EnvprintError`."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise EnvprintError("a Parquet file needs pyarrow: pip install 'envprint[fleet]'") from None
    text = pyarrow.string()
    pairs = pyarrow.map_(text, text)
    columns = [(MEMBER, text), *((name, text) for name in PLAIN)]
    columns += [("tags", pairs), ("section_digests", pairs), (COLUMN, text)]
    schema = pyarrow.schema(columns)
    unread: list[Unread] = []
    count = 0
    target = _target(path)
    try:
        descriptor, temporary = temporary_in(os.path.dirname(target))
        try:
            with pyarrow.parquet.ParquetWriter(temporary, schema, compression="zstd") as writer:
                for rows in _batches(_rows(sources, unread)):
                    writer.write_table(pyarrow.Table.from_pylist(rows, schema))
                    count += len(rows)
            if not count:
                raise EnvprintError("fleet export: no document could be read")
            os.replace(temporary, target)
        finally:
            os.close(descriptor)
            with suppress(FileNotFoundError):  # it has its own name by now
                os.unlink(temporary)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {reason(error)}") from None
    return Exported(count, tuple(unread))


def _target(path: str) -> str:
    """The file behind links. Raises `OutputError`: it is replaced, which a device must not be."""
    if path in ("", "-"):
        raise OutputError(f"fleet export: expected the name of a file, found {path!r}")
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        raise OutputError(f"cannot write {path}: it is not a regular file")
    return target


def _rows(sources: Iterable[str], unread: list[Unread]) -> Iterator[dict[str, Any]]:
    for found in documents(sources):
        if isinstance(found, Unread):
            unread.append(found)
            continue
        try:
            yield _row(found.stem, loads(found.whole(), found.source))
        except (OSError, EnvprintError) as error:
            unread.append(read_error(found, error))


def _row(stem: str, fingerprint: Fingerprint) -> dict[str, Any]:
    plain = {name: getattr(fingerprint, name) for name in PLAIN}
    host = (fingerprint.identity or {}).get("host_name")
    maps = {
        "tags": list(fingerprint.tags.items()),
        "section_digests": list(fingerprint.section_digests.items()),
    }
    return {MEMBER: host or stem, **plain, **maps, COLUMN: dumps(fingerprint)}


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == ROWS:
            yield batch
            batch = []
    if batch:
        yield batch
