"""The documents of a fleet: files, directories, patterns, JSON Lines, Parquet, references.

One after the other, so that memory does not grow with their number.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator

from envprint.core.errors import DocumentError, EnvprintError
from envprint.core.fleet import Unread
from envprint.core.redact import safe_text
from envprint.core.typed import Any, NamedTuple
from envprint.documents.inputs import take
from envprint.machine.ends import Ends
from envprint.machine.files import MAX_BYTES, read_regular, reason

LINES = (".jsonl", ".ndjson")
PARQUET = ".parquet"
IN_FOLDERS = (".json", *LINES, PARQUET)
"""How the names of files end that are looked for in a directory."""
COLUMN = "document"
"""The column of a Parquet export that holds the text of each fingerprint."""


class Document(NamedTuple):
    """Where one document is; its content is read when it is needed."""

    source: str
    """As errors name it."""
    stem: str
    """What it is called without a host."""
    path: str | None = None
    start: int = 0
    """Where its line begins in a file of several."""
    length: int = -1
    content: bytes = b""
    """Where no file can be read again."""

    def ends(self) -> Ends | None:
        """The file, to read its ends; None if it is no file of its own. Raises `OSError`."""
        return Ends(self.path) if self.path is not None and self.length < 0 else None

    def whole(self) -> bytes:
        """All of it. Raises `OSError`."""
        if self.path is None:
            return self.content
        if self.length < 0:
            return read_regular(self.path, MAX_BYTES + 1)
        with open_at(self.path, self.start) as file:
            content: bytes = file.read(self.length)
            return content


def open_at(path: str, start: int) -> Any:
    """A binary file at this place. Raises `OSError`."""
    file = open(path, "rb")  # noqa: PTH123
    file.seek(start)
    return file


def documents(sources: Iterable[str]) -> Iterator[Document | Unread]:
    """Every document of the sources, in their order; files of a directory in order of name.

    A file that is named twice is read once.
    """
    seen: set[str] = set()
    for source in sources:
        for path in _expanded(source):
            if path != "-" and os.path.exists(path):
                place = os.path.realpath(path)
                if place in seen:
                    continue
                seen.add(place)
            yield from _in_file(path)


def _expanded(source: str) -> Iterator[str]:
    """The files of a directory or pattern; anything else as it is."""
    if os.path.isdir(source):
        yield from _in_folder(source)
    elif re.search(r"[*?\[]", source) and "://" not in source and not os.path.lexists(source):
        found = False
        for path in sorted(glob.iglob(source, recursive=True)):
            found = True
            yield from _in_folder(path) if os.path.isdir(path) else (path,)
        if not found:
            yield source
    else:
        yield source


def _in_folder(folder: str) -> Iterator[str]:
    """The documents below a directory, without hidden files and directories."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(IN_FOLDERS) and not name.startswith("."):
                yield os.path.join(place, name)


def _in_file(path: str) -> Iterator[Document | Unread]:
    name = safe_text(path)
    if path.endswith(LINES) and os.path.isfile(path):
        yield from _lines(path, name)
    elif path.endswith(PARQUET) and os.path.isfile(path):
        yield from _rows(path, name)
    elif os.path.isfile(path):
        yield Document(name, _stem(path), path)
    else:
        try:
            found = take(path)
        except EnvprintError as error:
            yield Unread(name, _without(name, str(error)))
            return
        yield Document(name, _stem(path), content=found.content)


def _stem(path: str) -> str:
    """`node003` of `runs/node003.json`; of a reference all but what is before the last slash."""
    base = path.rstrip("/").rpartition("/")[2] or path
    return base.removesuffix(".json") or base


def _without(name: str, text: str) -> str:
    return text.removeprefix(f"{name}: ")


def _lines(path: str, name: str) -> Iterator[Document | Unread]:
    """A document for each line that is not empty."""
    start, stem = 0, os.path.basename(path).rpartition(".")[0]
    try:
        with open_at(path, 0) as file:
            for number, line in enumerate(iter(lambda: file.readline(MAX_BYTES + 1), b""), 1):
                if line.strip():
                    place = f"{name}:{number}"
                    yield Document(place, f"{stem}:{number}", path, start, len(line))
                start += len(line)
    except OSError as error:
        yield Unread(name, reason(error))


def _rows(path: str, name: str) -> Iterator[Document | Unread]:
    """A document for each row of a Parquet export."""
    try:
        from pyarrow import parquet
    except ImportError:
        hint = "Parquet needs pyarrow: pip install 'envprint[fleet]'"
        yield Unread(name, hint)
        return
    stem, number = os.path.basename(path).removesuffix(PARQUET), 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=64, columns=[COLUMN]):
                for text in batch.column(0).to_pylist():
                    number += 1
                    content = text.encode("utf-8") if isinstance(text, str) else text or b""
                    yield Document(f"{name}:{number}", f"{stem}:{number}", content=content)
    # pyarrow's errors are among these.
    except (OSError, ValueError, KeyError, IndexError) as error:
        yield Unread(name, f"not a Parquet export: {error}"[:200])


def read_error(document: Document, error: Exception) -> Unread:
    """What could not be read, and why."""
    if isinstance(error, DocumentError):
        return Unread(document.source, _without(document.source, str(error)))
    text = reason(error) if isinstance(error, OSError) else str(error)
    return Unread(document.source, text)
